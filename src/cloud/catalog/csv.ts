/**
 * Reads CSV text (RFC 4180: quoted fields, doubled quotes, line breaks inside quotes, CRLF or LF) into one object per row, keyed by the
 * header. A row shorter than the header has empty fields; blank lines are skipped.
 */
export function parseCsv(text: string): Record<string, string>[] {
  const [header, ...rows] = readRows(text);
  if (header === undefined) return [];
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])));
}

/** Every field is a quoted or a bare run, followed by what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;

function readRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let read = 0;
  for (const [whole, quoted, bare, end] of text.matchAll(FIELD)) {
    read += whole.length;
    // The pattern also matches nothing at the very end of the text, once the last line is closed.
    if (whole === '' && row.length === 0) continue;
    row.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  if (read !== text.length) throw new Error(`not CSV after ${read} characters`);
  return rows;
}
