import type pg from 'pg';

/** One column of one row. */
export type CopyValue = string | number | boolean | null;

/** What pg has for COPY and its types leave out. */
interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The backslash first: the others are written with one. */
const ESCAPES = [
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\r', '\\r'],
] as const;

function escape(text: string): string {
  // Looking for one character at a time is several times faster than a pattern, and hardly any text has one.
  const isSpecial = text.includes('\\') || text.includes('\n') || text.includes('\t') || text.includes('\r');
  return isSpecial ? ESCAPES.reduce((escaped, [special, written]) => escaped.replaceAll(special, written), text) : text;
}

/** One line of COPY's text format. */
export function formatCopyRow(values: readonly CopyValue[]): string {
  let line = '';
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (index > 0) line += '\t';
    line += value === null || value === undefined ? '\\N' : typeof value === 'string' ? escape(value) : String(value);
  }
  return `${line}\n`;
}

/**
 * Runs a statement that ends in `copy … from stdin` and gives it `rows`, made by `formatCopyRow`. All of it is sent at once: a server
 * that refuses the statement skips the rows, so there is nothing to wait for in between.
 */
export function copyRows(client: pg.Client, statement: string, rows: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyQuery(statement, Buffer.from(rows), (error) => (error === null ? resolve() : reject(error))));
  });
}

/** A query as pg's client runs it: it calls these as messages come in, and `callback` itself when it gives up waiting. */
class CopyQuery implements pg.Submittable {
  readonly #statement: string;
  readonly #rows: Buffer;
  callback: (error: Error | null) => void;

  constructor(statement: string, rows: Buffer, callback: (error: Error | null) => void) {
    this.#statement = statement;
    this.#rows = rows;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#statement);
    (connection as CopyConnection).sendCopyFromChunk(this.#rows);
    (connection as CopyConnection).endCopyFrom();
    stream.uncork();
  }

  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback(null);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
