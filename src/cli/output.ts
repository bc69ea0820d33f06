import Table from 'cli-table3';
import type { JsonObject } from './client.js';
import type { CliContext, GlobalOptions } from './context.js';

/** A column: its heading, and a path into the object (`resource.id`) or a function of it. */
export type Column = readonly [heading: string, from: string | ((row: JsonObject) => string)];

/** Without what a terminal would act on: texts come from resources, and from whoever named them. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** The value at a dotted path as one line of text; absent and null are `-`. */
export function textAt(row: JsonObject, path: string): string {
  let value: unknown = row;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined;
  }
  return formatCell(value);
}

function cellOf(row: JsonObject, from: Column[1]): string {
  return typeof from === 'string' ? textAt(row, from) : plain(from(row));
}

function formatCell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(formatCell).join(', ');
  if (typeof value !== 'string') return plain(JSON.stringify(value));
  // ISO instants to the second: the rest is noise on a terminal
  return plain(value).replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/, '$1Z');
}

/** Narrower than this no column is made. */
const NARROWEST = 12;
const GAP = 2;
const UNSHORTENED: ReadonlySet<string> = new Set(['ID', 'STATE']);

/**
 * Columns in line with their headings. With a `width`, the widest columns are shortened until the table fits it, as far as that goes; those
 * headed `ID` never, since they are there to be copied, nor those headed `STATE`, whose end matters as much as their beginning.
 */
export function formatTable(columns: readonly Column[], rows: readonly JsonObject[], width?: number): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const table = new Table({
    head: columns.map(([heading]) => heading),
    chars: { ...none, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  const cells = rows.map((row) => columns.map(([, from]) => cellOf(row, from)));
  const widths = fit(columns, cells, width);
  for (const row of cells) table.push(row.map((cell, index) => shorten(cell, widths[index] ?? cell.length)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** How wide each column may be: as wide as its widest cell, less where the table would be wider than `width`. */
function fit(columns: readonly Column[], rows: readonly (readonly string[])[], width: number | undefined): readonly number[] {
  const widths = columns.map(([heading], index) => Math.max(heading.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const least = columns.map(([heading], index) => (UNSHORTENED.has(heading) ? (widths[index] ?? 0) : Math.max(heading.length, NARROWEST)));
  const slack = (index: number) => (widths[index] ?? 0) - (least[index] ?? 0);
  let over = width === undefined ? 0 : widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  while (over > 0) {
    const widest = columns
      .map((_, index) => index)
      .filter((index) => slack(index) > 0)
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

/** Cut in the middle: of an id or a message both ends tell more than the middle. */
function shorten(cell: string, width: number): string {
  if (cell.length <= width) return cell;
  const tail = Math.floor((width - 1) / 2);
  return `${cell.slice(0, width - 1 - tail)}…${cell.slice(cell.length - tail)}`;
}

export function itemsOf(page: JsonObject): readonly JsonObject[] {
  return Array.isArray(page['items']) ? (page['items'] as readonly JsonObject[]) : [];
}

/** A list as a table, or the server's answer as it is with `--json`. Says so when there is more. */
export function printList(context: CliContext, options: GlobalOptions, page: JsonObject, columns: readonly Column[]): void {
  if (options.json === true) return printJson(context, page);
  const items = itemsOf(page);
  if (items.length === 0) return context.out('none\n');
  context.out(`${formatTable(columns, items, context.width)}\n`);
  if (typeof page['next'] === 'string') context.err(`more: --cursor ${page['next']}\n`);
}

/** One object as `name  value` lines, or as JSON. */
export function printObject(context: CliContext, options: GlobalOptions, object: JsonObject, fields: readonly Column[]): void {
  if (options.json === true) return printJson(context, object);
  const width = Math.max(...fields.map(([heading]) => heading.length));
  for (const [heading, from] of fields) {
    const value = cellOf(object, from);
    if (value !== '-') context.out(`${heading.padEnd(width)}  ${value}\n`);
  }
}

/** `1 file`, `2 files`, `1 policy`, `2 policies`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function printJson(context: CliContext, value: unknown): void {
  context.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** A line that is rewritten in place on a terminal and never written to a pipe. */
export function createProgress(context: CliContext, options: GlobalOptions): { show(text: string): void; clear(): void } {
  const visible = context.isTerminal && options.json !== true;
  return {
    show: (text) => {
      if (visible) context.err(`\r\u001b[2K${text}`);
    },
    clear: () => {
      if (visible) context.err('\r\u001b[2K');
    },
  };
}
