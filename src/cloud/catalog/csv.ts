import { createCsvReader } from '../../store/csv.js';

/** One object per row, keyed by the header. A row shorter than the header has empty fields; blank lines are skipped. */
export function parseCsv(text: string): Record<string, string>[] {
  let header: readonly string[] | undefined;
  const rows: Record<string, string>[] = [];
  const reader = createCsvReader((fields) => {
    if (header === undefined) header = fields;
    else rows.push(Object.fromEntries(header.map((name, index) => [name, fields[index] ?? ''])));
  });
  reader.push(text);
  reader.end();
  return rows;
}
