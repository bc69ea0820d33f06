/** From the bytes of a bill to its text. Bytes that are no UTF-8 are refused with the place where they begin. */
import { TollgateError } from '../errors.js';

/** A character has at most four bytes, so what one piece leaves to the next is at most this. */
const LONGEST_REST = 3;
const LF = 0x0a;

/** A byte order mark is left out. @throws invalid-input with the line and the byte, both counted from 1, of the first that belongs to no character */
export async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  let lines = 0;
  let last = Buffer.alloc(0);

  const decode = (chunk: Buffer, isLast: boolean): string => {
    try {
      return decoder.decode(chunk, { stream: !isLast });
    } catch (error) {
      const rest = fromFirstCharacter(last);
      const tried = Buffer.concat([rest, chunk]);
      const at = firstWrong(tried);
      const line = lines - countLines(rest) + countLines(tried.subarray(0, at)) + 1;
      const message = `not UTF-8 at line ${line}: byte ${bytes - rest.length + at + 1} of the text belongs to no character`;
      throw new TollgateError('invalid-input', message, { cause: error });
    }
  };

  for await (const chunk of chunks) {
    yield decode(chunk, false);
    bytes += chunk.length;
    lines += countLines(chunk);
    last = Buffer.concat([last, chunk.subarray(-LONGEST_REST)]).subarray(-LONGEST_REST);
  }
  decode(Buffer.alloc(0), true);
}

/** The bytes before it end a character that was decoded. */
function fromFirstCharacter(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return start === -1 ? bytes.subarray(bytes.length) : bytes.subarray(start);
}

/** What decoding puts in the place of wrong bytes; a text may also have it of its own. */
const REPLACEMENT = Buffer.from('\ufffd');

function firstWrong(bytes: Buffer): number {
  let at = 0;
  for (const part of bytes.toString().split('\ufffd')) {
    at += Buffer.byteLength(part);
    if (!bytes.subarray(at, at + REPLACEMENT.length).equals(REPLACEMENT)) break;
    at += REPLACEMENT.length;
  }
  return at;
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}
