import Table from 'cli-table3';
import type { JsonObject } from './client.js';
import type { CliContext, GlobalOptions } from './context.js';

/** A column: its heading, and a path into the object (`resource.id`) or a function of it. */
export type Column = readonly [heading: string, from: string | ((row: JsonObject) => string)];

/** The value at a dotted path as one line of text; absent and null are `-`. */
export function textAt(row: JsonObject, path: string): string {
  let value: unknown = row;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined;
  }
  return formatCell(value);
}

function formatCell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(formatCell).join(', ');
  if (typeof value !== 'string') return JSON.stringify(value);
  // ISO instants to the second: the rest is noise on a terminal
  return value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/, '$1Z');
}

export function formatTable(columns: readonly Column[], rows: readonly JsonObject[]): string {
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
  for (const row of rows) table.push(columns.map(([, from]) => (typeof from === 'string' ? textAt(row, from) : from(row))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

export function itemsOf(page: JsonObject): readonly JsonObject[] {
  return Array.isArray(page['items']) ? (page['items'] as readonly JsonObject[]) : [];
}

/** A list as a table, or the server's answer as it is with `--json`. Says so when there is more. */
export function printList(context: CliContext, options: GlobalOptions, page: JsonObject, columns: readonly Column[]): void {
  if (options.json === true) return printJson(context, page);
  const items = itemsOf(page);
  if (items.length === 0) return context.out('none\n');
  context.out(`${formatTable(columns, items)}\n`);
  if (typeof page['next'] === 'string') context.err(`more: --cursor ${page['next']}\n`);
}

/** One object as `name  value` lines, or as JSON. */
export function printObject(context: CliContext, options: GlobalOptions, object: JsonObject, fields: readonly Column[]): void {
  if (options.json === true) return printJson(context, object);
  const width = Math.max(...fields.map(([heading]) => heading.length));
  for (const [heading, from] of fields) {
    const value = typeof from === 'string' ? textAt(object, from) : from(object);
    if (value !== '-') context.out(`${heading.padEnd(width)}  ${value}\n`);
  }
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
