/** Bytes and text of a request's body, from Node's own request. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { TollgateError } from '../errors.js';
import { HttpProblem } from './problem.js';

/** The type in a `content-type` header, without its parameters. */
export function mediaTypeOf(req: IncomingMessage): string | undefined {
  const header = req.headers['content-type'];
  if (header === 'application/json') return header;
  return header?.split(';', 1)[0]?.trim().toLowerCase();
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

export function unsupported(detail: string, accept?: string): HttpProblem {
  const headers = accept === undefined ? {} : { accept };
  return new HttpProblem(415, 'unsupported-media-type', 'This content type is not taken here', detail, headers);
}

export interface BodyLimit {
  /** As it comes, and inflated. */
  readonly bytes: number;
  /** From its head to its end. */
  readonly ms: number;
}

/** The whole body, inflated where it is compressed. @throws too-large, invalid-input, 408 or 415 */
export function receive(req: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  const encoding = req.headers['content-encoding'] ?? (mediaTypeOf(req) === 'application/gzip' ? 'gzip' : undefined);
  return encoding === undefined ? collect(req, limit) : inflated(req, limit, encoding);
}

async function inflated(req: IncomingMessage, limit: BodyLimit, encoding: string): Promise<Buffer> {
  const decode = DECODERS[encoding.toLowerCase()];
  if (decode === undefined) throw unsupported(`expected content encoding gzip, deflate or br, got \`${encoding.slice(0, 100)}\``);
  const bytes = await collect(req, limit);
  try {
    return await decode(bytes, { maxOutputLength: limit.bytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(limit);
    throw new TollgateError('invalid-input', `the request body is not ${encoding.toLowerCase()}`, { cause: error });
  }
}

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;
const DECODERS: Readonly<Record<string, Decode | undefined>> = {
  identity: (bytes) => Promise.resolve(bytes),
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

function tooLarge({ bytes }: BodyLimit): TollgateError {
  return new TollgateError('too-large', `the request body is larger than ${bytes} bytes, the most that this route takes`);
}

function tooSlow({ ms }: BodyLimit): HttpProblem {
  const detail = `the request body did not come within ${Math.ceil(ms / 1_000)} s`;
  return new HttpProblem(408, 'too-slow', 'The request took too long to come', detail, { connection: 'close' });
}

function collect(req: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > limit.bytes) refuse(tooLarge(limit));
    };
    const refuse = (error: Error) => {
      clearTimeout(patience);
      // What still comes is read and forgotten, so that the caller gets to read the answer.
      req.off('data', take);
      req.resume();
      reject(error);
    };
    const breakOff = () => refuse(new TollgateError('invalid-input', 'the request body broke off'));
    const patience = setTimeout(() => refuse(tooSlow(limit)), limit.ms);
    // It may have broken off while its token was looked up.
    if (req.destroyed) return breakOff();
    req.on('error', breakOff);
    if (Number(req.headers['content-length']) > limit.bytes) return refuse(tooLarge(limit));
    req.on('data', take);
    req.on('end', () => {
      clearTimeout(patience);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    });
  });
}

/** The body as text by the `charset` of its content type, UTF-8 by default; a byte order mark is left out. @throws invalid-input, or 415 */
export function decodeText(req: IncomingMessage, bytes: Buffer): string {
  const charset = charsetOf(req.headers['content-type']);
  if (charset === 'utf-8' || charset === 'utf8') {
    if (!isUtf8(bytes)) throw new TollgateError('invalid-input', 'the request body is not UTF-8');
    return bytes.toString('utf8', bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  }
  refuseUnknownCharset(req);
  return decodeUtf16(bytes, charset === 'utf-16be' || (bytes[0] === 0xfe && bytes[1] === 0xff));
}

/** @throws 415 for bytes that are announced as text that nobody here can read */
export function refuseUnknownCharset({ headers }: IncomingMessage): void {
  const charset = charsetOf(headers['content-type']);
  if (charset === 'utf-8' || charset === 'utf8' || UTF_16.has(charset)) return;
  throw unsupported(`expected charset utf-8 or utf-16, got \`${charset.slice(0, 100)}\``);
}

const UTF_16: ReadonlySet<string> = new Set(['utf-16', 'utf-16le', 'utf-16be']);

/** Keeps halves of surrogate pairs, which are refused by their place. @throws invalid-input for half a character */
function decodeUtf16(bytes: Buffer, isBigEndian: boolean): string {
  if (bytes.length % 2 === 1) throw new TollgateError('invalid-input', 'the request body is not UTF-16');
  const text = (isBigEndian ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

export function charsetOf(contentType = ''): string {
  if (!contentType.includes(';')) return 'utf-8';
  return (/;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8').toLowerCase();
}
