/** From the bytes of a request to the text of a CSV: inflated, decoded, within limits. */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TollgateError } from '../errors.js';
import { asUtf8 } from './focus-utf8.js';

export interface BillBytes {
  readonly source: Readable;
  /** Of the bytes as they come. */
  readonly limitBytes: number;
  /** Told of every piece, as it came. */
  readonly onBytes: (length: number) => void;
}

/** A bill compresses to a tenth or a twentieth; what grows more is none. */
const LARGEST_GROWTH = 50;

type Chunks = AsyncIterable<Buffer>;
/** One step of a pipeline. */
type Step = (chunks: Chunks) => Chunks;

/**
 * The steps from `source` to text, the first one being the start of a pipeline. `source` is not destroyed when a later step
 * fails, so that its sender can be answered. The steps throw invalid-input for what is no text, too-large above the limit.
 */
export async function openBill({
  source,
  limitBytes,
  onBytes,
}: BillBytes): Promise<{ readonly steps: readonly unknown[]; readonly hash: Hash }> {
  const hash = createHash('sha256');
  const chunks = received(source, limitBytes, (chunk) => {
    hash.update(chunk);
    onBytes(chunk.length);
  });
  const { start, all } = await peek(chunks);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  if (!isGzip) refuseOtherFormats(start);
  const first = Readable.from(all, { objectMode: false });
  return { steps: isGzip ? [first, createGunzip(), limited(limitBytes * LARGEST_GROWTH), asUtf8] : [first, asUtf8], hash };
}

async function* received(source: Readable, limit: number, onChunk: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  let length = 0;
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      length += bytes.length;
      if (length > limit) throw tooLarge(limit);
      onChunk(bytes);
      yield bytes;
    }
  } catch (error) {
    if (error instanceof TollgateError) throw error;
    throw new Error('the file broke off before its end', { cause: error });
  }
}

function tooLarge(limit: number): TollgateError {
  return new TollgateError('too-large', `the file is larger than ${limit} bytes, the most that is taken`);
}

/** Enough to know a format by. */
const SIGNATURE_LENGTH = 4;

async function peek(chunks: AsyncGenerator<Buffer>): Promise<{ readonly start: Buffer; readonly all: Chunks }> {
  let start = Buffer.alloc(0);
  while (start.length < SIGNATURE_LENGTH) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* chunks;
  }
  return { start, all: all() };
}

function refuseOtherFormats(start: Buffer): void {
  const word = formatOf(start);
  if (word !== undefined)
    throw new TollgateError('invalid-input', `expected a CSV file in UTF-8, or one compressed by gzip; this is ${word}`);
}

const SIGNATURES: readonly (readonly [signature: string, word: string])[] = [
  ['fffe', 'UTF-16: save it as UTF-8'],
  ['feff', 'UTF-16: save it as UTF-8'],
  ['504b0304', 'a zip archive or a spreadsheet: send the CSV file in it'],
  ['50415231', 'a Parquet file: export it as CSV'],
  ['28b52ffd', 'compressed by zstd: use gzip'],
  ['7b', 'JSON'],
  ['5b', 'JSON'],
];

function formatOf(start: Buffer): string | undefined {
  if (start.length === 0) return 'empty';
  const hex = start.toString('hex', 0, SIGNATURE_LENGTH);
  const found = SIGNATURES.find(([signature]) => hex.startsWith(signature));
  if (found !== undefined) return found[1];
  // UTF-16 without a byte order mark: every other byte of English text is zero
  return start.length >= SIGNATURE_LENGTH && start.subarray(0, SIGNATURE_LENGTH).includes(0) ? 'UTF-16: save it as UTF-8' : undefined;
}

function limited(limit: number): Step {
  return async function* (chunks) {
    let length = 0;
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      yield chunk;
    }
  };
}
