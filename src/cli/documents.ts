/** Files that can be evaluated: which tool wrote them, and by which door they go. */
import { readFile } from 'node:fs/promises';
import { buffer as readAll } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { WireDecision } from '../api/contract/evaluate.js';
import { describeError, TollgateError } from '../errors.js';
import { parseCloudFormation } from '../intake/cloudformation/parse-template.js';
import { decodeDocument, parseJsonDocument } from '../intake/document.js';
import { type DocumentKind, describeDocument, looksLike } from '../intake/looks-like.js';
import type { DocumentDoor } from '../intake/readers.js';
import { cannotRead } from './cannot-read.js';
import { CliError } from './context.js';

/** A request of our own, an AdmissionReview, or the document of a door; the bytes are inflated. */
export type GivenFile =
  | { readonly kind: 'evaluate' | 'admission'; readonly document: unknown }
  | { readonly kind: 'document'; readonly door: DocumentDoor; readonly bytes: Uint8Array };

export type Judge = (given: GivenFile) => Promise<WireDecision>;

/** What the files do not say of themselves, as given on the command line. */
export interface Asked {
  readonly requester?: string;
  readonly namespace?: string;
  readonly account?: string;
  readonly region?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
}

const DOORS: { readonly [K in DocumentKind]?: DocumentDoor } = {
  'terraform-plan': 'terraform',
  infracost: 'infracost',
  'cloudformation-change-set': 'cloudformation',
  'cloudformation-template': 'cloudformation',
  'pulumi-preview': 'pulumi',
};

/** @param file a path; `-` is standard input. @throws CliError for what cannot be evaluated, saying what it looks like */
export async function readGivenFile(file: string): Promise<GivenFile> {
  const bytes = await inflated(file, await readBytes(file));
  const document = explained(() => parse(file, decodeDocument(bytes, `\`${file}\``)));
  const kind = looksLike(document);
  if (kind === 'evaluate-request') return { kind: 'evaluate', document };
  if (kind === 'admission-review') return { kind: 'admission', document };
  const door = kind === undefined ? undefined : DOORS[kind];
  if (door !== undefined) return { kind: 'document', door, bytes };
  throw new CliError(
    `\`${file}\` cannot be evaluated: it looks like ${describeDocument(document)}\nexpected a plan of Terraform or OpenTofu, a request of \`POST /v1/evaluate\`, or a document of Infracost, CloudFormation, Pulumi or Kubernetes admission`,
  );
}

/** Only templates of CloudFormation come as YAML. */
function parse(file: string, text: string): unknown {
  const isYaml = /\.ya?ml(\.gz)?$/.test(file) || /^(---\s|AWSTemplateFormatVersion\b|Resources:)/.test(text);
  return isYaml ? parseCloudFormation(text) : parseJsonDocument(text, `\`${file}\``);
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** Of what the server would refuse anyway. */
const LARGEST_BYTES = 32 * 1024 * 1024;
const GZIP_MAGIC = 0x1f8b;

async function inflated(file: string, bytes: Buffer): Promise<Buffer> {
  if (bytes.length < 2 || bytes.readUInt16BE() !== GZIP_MAGIC) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: LARGEST_BYTES });
  } catch (error) {
    throw new CliError(`\`${file}\` cannot be decompressed: ${describeError(error)}`);
  }
}

/** @throws CliError with every problem of the document */
export function explained<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    const others = error.problems.filter(({ message }) => message !== error.message);
    throw new CliError([error.message, ...others.map(({ path, message }) => `  ${path || '(body)'}: ${message}`)].join('\n'));
  }
}
