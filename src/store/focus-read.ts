/** From the text of a bill to lines for COPY, with what was found on the way. */
import { CsvError, type InfoRecord, parse } from 'csv-parse';
import { TollgateError } from '../errors.js';
import type { FocusImport } from '../policy/records.js';
import { type FocusHeader, readFocusHeader } from './focus-columns.js';
import { createRowReader, type RowOptions, type RowProblem } from './focus-row.js';

/** Of so many refused rows the place and the reason are told. */
const TOLD = 100;
const LARGEST_ROW = 1024 * 1024;
/** Characters of lines that go on together. */
const BATCH = 64 * 1024;

/** What is known of a bill while it is read. */
export interface BillTally {
  header: FocusHeader | null;
  rows: number;
  refusedRows: number;
  readonly problems: FocusImport['problems'][number][];
}

/** A CSV parser that gives batches of lines, and nothing more once a row was refused; `tally` follows it. It throws invalid-input. */
export function createBillParser(options: RowOptions, tally: BillTally) {
  let batch = '';
  let lastLine = 0;
  let read: ReturnType<typeof createRowReader> | undefined;
  let first: readonly string[] = [];

  function onRecord(record: readonly string[], { lines }: InfoRecord): string | null {
    const line = lastLine + 1;
    lastLine = lines;
    if (read === undefined) {
      tally.header = readFocusHeader(record);
      read = createRowReader(tally.header, options);
      first = record;
      return null;
    }
    // the parts of a bill that were put behind each other
    if (record[0] === first[0] && record.length === first.length && record.every((field, index) => field === first[index])) return null;
    tally.rows += 1;
    const found = read(record);
    if (typeof found !== 'string') note(line, found);
    else if (tally.refusedRows === 0) batch += found;
    return batch.length < BATCH ? null : take();
  }

  function note(line: number, problems: readonly RowProblem[]): void {
    tally.refusedRows += 1;
    if (tally.refusedRows <= TOLD) tally.problems.push(...problems.map((problem) => ({ line, ...problem })));
  }

  function take(): string {
    const taken = batch;
    batch = '';
    return taken;
  }

  const parser = parse({
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LARGEST_ROW,
    on_record: onRecord as never,
  });
  async function* lines(batches: AsyncIterable<string>): AsyncGenerator<Buffer> {
    for await (const each of batches) yield Buffer.from(each);
    if (tally.header === null) throw new TollgateError('invalid-input', 'the file has no header');
    if (batch !== '') yield Buffer.from(take());
  }
  return [parser, lines] as const;
}

/** What broke the reading, in words; the same error where it is none of the file's making. */
export function explainReading(error: unknown): unknown {
  if (error instanceof CsvError)
    return new TollgateError('invalid-input', `the file is not CSV: ${lowerFirst(error.message)}`, { cause: error });
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_')) return new TollgateError('invalid-input', 'the gzip data is broken or ends too early', { cause: error });
  return error;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
