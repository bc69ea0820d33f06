/** Reads CSV (RFC 4180: quoted fields, doubled quotes, line breaks inside quotes, CRLF or LF) as it comes, many times quicker than character by character. */
import { TollgateError } from '../errors.js';

/** `line` is where the record begins, counted from 1. */
export type OnRecord = (fields: readonly string[], line: number) => void;

export interface CsvReader {
  push(text: string): void;
  /** The last record needs no line end. */
  end(): void;
}

/** Characters of one record. */
const LONGEST_RECORD = 1024 * 1024;
/** So much is waited for before a record is looked at again: pieces of one byte cost no more than large ones. */
const PIECE = 64 * 1024;

/** Blank lines are skipped. It throws invalid-input for what is no CSV, and for a record of over a million characters. */
export function createCsvReader(onRecord: OnRecord): CsvReader {
  let waiting = '';
  let looked = 0;
  let line = 1;

  function readAll(isLast: boolean): void {
    const text = waiting;
    let from = 0;
    while (from < text.length) {
      const record = readRecord(text, from, isLast, line);
      if (record === undefined) break;
      from = record.next;
      if (record.fields.length > 1 || record.fields[0] !== '') onRecord(record.fields, line);
      line += record.lines;
    }
    waiting = text.slice(from);
    looked = waiting.length;
    if (waiting.length > LONGEST_RECORD) throw notCsv(line, `a record has over ${LONGEST_RECORD} characters; is a quote left open?`);
  }

  return {
    push(text) {
      waiting += text;
      if (waiting.length - looked >= PIECE) readAll(false);
    },
    end: () => readAll(true),
  };
}

interface Record {
  readonly fields: readonly string[];
  /** Where the next one begins. */
  readonly next: number;
  readonly lines: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const LF = 0x0a;
const CR = 0x0d;

/** The record that begins at `from`; undefined when its end is still to come. */
function readRecord(text: string, from: number, isLast: boolean, line: number): Record | undefined {
  const fields: string[] = [];
  let lines = 1;
  let at = from;
  let lineEnd = endOfLine(text, from, isLast);
  for (;;) {
    if (text.charCodeAt(at) === QUOTE) {
      const quoted = readQuoted(text, at, isLast, line);
      if (quoted === undefined) return undefined;
      fields.push(quoted.value);
      lines += quoted.lines;
      at = quoted.next;
      if (at > lineEnd) lineEnd = endOfLine(text, at, isLast);
      if (text.charCodeAt(at) === CR && (at + 1 === lineEnd || at + 1 === text.length)) at += 1;
      // what ends the field is still to come, or the other half of a doubled quote
      if (at === text.length) return isLast ? { fields, next: at, lines } : undefined;
      const code = text.charCodeAt(at);
      if (code === LF) return { fields, next: at + 1, lines };
      if (code !== COMMA) throw notCsv(line, `there is \`${text.slice(at, at + 20)}\` behind the end of a quoted field`);
      at += 1;
      continue;
    }
    if (lineEnd === -1) return undefined;
    const comma = text.indexOf(',', at);
    if (comma !== -1 && comma < lineEnd) {
      fields.push(text.slice(at, comma));
      at = comma + 1;
      continue;
    }
    fields.push(text.slice(at, text.charCodeAt(lineEnd - 1) === CR && lineEnd > at ? lineEnd - 1 : lineEnd));
    return { fields, next: lineEnd + 1, lines };
  }
}

/** -1 when it is still to come. */
function endOfLine(text: string, from: number, isLast: boolean): number {
  const end = text.indexOf('\n', from);
  return end === -1 && isLast ? text.length : end;
}

/** The field whose opening quote is at `from`; undefined when its end is still to come. A quote at the end of `text` may yet be half of a doubled one. */
function readQuoted(
  text: string,
  from: number,
  isLast: boolean,
  line: number,
): { readonly value: string; readonly next: number; readonly lines: number } | undefined {
  let value = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) {
      if (isLast) throw notCsv(line, 'a quote is left open');
      return undefined;
    }
    if (text.charCodeAt(quote + 1) === QUOTE) {
      value += text.slice(at, quote + 1);
      at = quote + 2;
      continue;
    }
    value += text.slice(at, quote);
    return { value, next: quote + 1, lines: value.includes('\n') ? value.split('\n').length - 1 : 0 };
  }
}

function notCsv(line: number, what: string): TollgateError {
  return new TollgateError('invalid-input', `not CSV at line ${line}: ${what}`);
}
