/** From the text of a bill to lines for COPY, with what was found on the way. */
import { setImmediate } from 'node:timers/promises';
import { TollgateError } from '../errors.js';
import type { FocusImport } from '../policy/house-records.js';
import { createCsvReader } from './csv.js';
import { type FocusHeader, readFocusHeader } from './focus-columns.js';
import { createRowReader, type RowOptions, type RowProblem } from './focus-row.js';

/** Of so many refused rows the place and the reason are told. */
const TOLD = 100;

/** The process reads for so long, and a piece of text more, before it does what else there is to do. */
const SLICE_MS = 4;

/** What is known of a bill while it is read. */
export interface BillTally {
  header: FocusHeader | null;
  rows: number;
  refusedRows: number;
  readonly problems: FocusImport['problems'][number][];
}

/**
 * A step of a pipeline from the text of a bill to lines for COPY; `tally` follows it. After a refused row there are no more lines, and
 * the rest is read for its problems. It throws invalid-input for what is no bill.
 */
export function billLines(options: RowOptions, tally: BillTally): (texts: AsyncIterable<string>) => AsyncGenerator<Buffer> {
  let lines = '';
  let first: readonly string[] | undefined;
  let readRow: ReturnType<typeof createRowReader>;

  const reader = createCsvReader((fields, line) => {
    if (first === undefined) {
      first = fields;
      tally.header = readFocusHeader(fields);
      readRow = createRowReader(tally.header, options);
    } else if (!isSame(fields, first)) {
      tally.rows += 1;
      const found = readRow(fields);
      if (typeof found !== 'string') note(line, found);
      else if (tally.refusedRows === 0) lines += found;
    }
  });

  function note(line: number, problems: readonly RowProblem[]): void {
    tally.refusedRows += 1;
    if (tally.refusedRows <= TOLD) tally.problems.push(...problems.map((problem) => ({ line, ...problem })));
  }

  function take(): Buffer {
    const taken = Buffer.from(lines);
    lines = '';
    return taken;
  }

  return async function* (texts) {
    let since = performance.now();
    for await (const text of texts) {
      reader.push(text);
      if (lines !== '') yield take();
      // What comes faster than it is read keeps the steps going from one to the next, and nobody else has a turn.
      if (performance.now() - since < SLICE_MS) continue;
      await setImmediate();
      since = performance.now();
    }
    reader.end();
    if (first === undefined) throw new TollgateError('invalid-input', 'the file has no header');
    if (lines !== '') yield take();
  };
}

/** The header comes again where the parts of a bill were put behind each other. */
function isSame(fields: readonly string[], first: readonly string[]): boolean {
  return fields[0] === first[0] && fields.length === first.length && fields.every((field, index) => field === first[index]);
}

/** What broke the reading, in words; the same error where it is none of the file's making. */
export function explainReading(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_')) return new TollgateError('invalid-input', 'the gzip data is broken or ends too early', { cause: error });
  return error;
}
