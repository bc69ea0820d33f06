/** One row of a FOCUS bill, as a line of `COPY … from stdin` in text format. Pure, and called for each row: it keeps what repeats. */
import type { CostColumn } from '../policy/house-records.js';
import type { FocusColumn, FocusHeader } from './focus-columns.js';

/** Names the columns of the lines that `createRowReader` makes, in their order. */
export const LINE_COLUMNS = `billing_account, billing_period_start, billing_period_end, charge_start, charge_end, cost, billed_cost,
  effective_cost, sub_account, provider, region, resource_id, resource_name, service_category, service_name, charge_category, charge_class, tags`;

export interface RowProblem {
  /** Null where the whole row is wrong. */
  readonly column: FocusColumn | null;
  readonly message: string;
}

export interface RowOptions {
  readonly costColumn: CostColumn;
  /** Of the installation; rows in another one are refused. */
  readonly currency: string;
}

/** The same in FOCUS 1.0 to 1.3. */
const CHARGE_CATEGORIES: ReadonlySet<string> = new Set(['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']);
const ONE_OF_THE_CATEGORIES = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(
  [...CHARGE_CATEGORIES].map((category) => `\`${category}\``),
);

/** Ends with a line feed. */
type Line = string;
type RowReader = (row: readonly string[]) => Line | readonly RowProblem[];

export function createRowReader(header: FocusHeader, { costColumn, currency }: RowOptions): RowReader {
  const places = new Map<FocusColumn, number>();
  const at = (row: readonly string[], column: FocusColumn): string | null => {
    let place = places.get(column);
    if (place === undefined) places.set(column, (place = header.place(column)));
    return given(row[place]);
  };
  const instantOf = remember(toInstant);
  const tagsOf = remember(toTags);

  return (row) => {
    if (row.length !== header.length) return [{ column: null, message: `expected ${header.length} fields, got ${row.length}` }];
    const problems: RowProblem[] = [];
    const refuse = (column: FocusColumn, expected: string, got: string | null): null => {
      problems.push({ column, message: `expected ${expected}, got ${got === null ? 'nothing' : `\`${got.slice(0, 100)}\``}` });
      return null;
    };
    const text = (column: FocusColumn) => at(row, column) ?? refuse(column, 'a value', null);
    const category = () => {
      const value = at(row, 'ChargeCategory');
      return value !== null && CHARGE_CATEGORIES.has(value) ? value : refuse('ChargeCategory', ONE_OF_THE_CATEGORIES, value);
    };
    const instant = (column: FocusColumn) => instantOf(at(row, column) ?? '') ?? refuse(column, 'a time', at(row, column));
    const period = (start: FocusColumn, end: FocusColumn) => {
      const [from, to] = [instant(start), instant(end)];
      if (from !== null && to !== null && to < from) refuse(end, `a time that is not before ${start}`, at(row, end));
      return [from, to];
    };
    const number = (column: CostColumn) => {
      const value = at(row, column);
      // the cost that is not counted may be missing
      if (value === null && column !== costColumn) return null;
      return value !== null && isNumber(value) ? value : refuse(column, 'a number', value);
    };
    const [billed, effective] = [number('BilledCost'), number('EffectiveCost')];
    const tags = tagsOf(at(row, 'Tags') ?? '') ?? refuse('Tags', 'a JSON object of texts', at(row, 'Tags'));
    const rowCurrency = at(row, 'BillingCurrency');
    if (rowCurrency !== currency) refuse('BillingCurrency', `\`${currency}\`, the currency of this installation`, rowCurrency);
    const fields = [
      text('BillingAccountId'),
      ...period('BillingPeriodStart', 'BillingPeriodEnd'),
      ...period('ChargePeriodStart', 'ChargePeriodEnd'),
      costColumn === 'BilledCost' ? billed : effective,
      billed,
      effective,
      at(row, 'SubAccountId'),
      at(row, 'ProviderName') ?? at(row, 'ServiceProviderName'),
      at(row, 'RegionId'),
      at(row, 'ResourceId'),
      at(row, 'ResourceName'),
      at(row, 'ServiceCategory'),
      at(row, 'ServiceName'),
      category(),
      at(row, 'ChargeClass'),
      tags,
    ];
    const line = toLine(fields);
    if (line.includes('\0')) problems.push({ column: null, message: 'a NUL character, which no text has' });
    return problems.length === 0 ? line : problems;
  };
}

/** Some exports write the word instead of an empty field. */
function given(value = ''): string | null {
  return value === '' || value === 'NULL' || value === 'null' ? null : value;
}

const NUMBER = /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?$/;
const isNumber = (value: string): boolean => NUMBER.test(value);

/** `2024-09-01 00:00:00` and `2024-09-01` are UTC, as FOCUS has all its times. */
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)? ?(?:Z|UTC|[+-]00:?00)?$/;
/** Month, day, year, as spreadsheets in the United States write dates, and the examples of the specification. */
const US_DATE = /^(\d{1,2})\/(\d{1,2})\/(\d{2}|\d{4})$/;

/** As ISO 8601, so that texts compare like times; undefined for what is no time. */
function toInstant(value: string): string | undefined {
  const iso = ISO.exec(value);
  if (iso !== null) return checked(iso[1], iso[2], iso[3], iso[4], iso[5], iso[6]);
  const [, month, day, year = ''] = US_DATE.exec(value) ?? [];
  return month === undefined ? undefined : checked(year.length === 2 ? `20${year}` : year, month, day);
}

function checked(year = '', month = '', day = '', hour = '00', minute = '00', second = '00'): string | undefined {
  const [wantedMonth, wantedDay] = [Number(month), Number(day)];
  const time = Date.UTC(Number(year), wantedMonth - 1, wantedDay, Number(hour), Number(minute), Number(second));
  const date = new Date(time);
  // `Date.UTC` makes the 2nd of March of the 30th of February
  const exists = date.getUTCMonth() + 1 === wantedMonth && date.getUTCDate() === wantedDay && Number(hour) < 24 && Number(minute) < 60;
  return exists && Number(second) < 60 && Number(year) >= 1970 ? date.toISOString() : undefined;
}

/** A JSON object of texts; numbers and booleans become texts, null is left out. Undefined for anything else. */
function toTags(value: string): string | undefined {
  if (value === '') return '{}';
  try {
    const tags: unknown = JSON.parse(value);
    if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return undefined;
    const entries = Object.entries(tags).flatMap(([key, tag]: [string, unknown]) => (tag === null ? [] : [[key, asText(tag)] as const]));
    if (entries.some(([key, tag]) => tag === undefined || `${key}${tag}`.includes('\0'))) return undefined;
    return JSON.stringify(Object.fromEntries(entries));
  } catch {
    return undefined;
  }
}

function asText(tag: unknown): string | undefined {
  if (typeof tag === 'string') return tag;
  return typeof tag === 'number' || typeof tag === 'boolean' ? String(tag) : undefined;
}

const ESCAPED = /[\\\n\r\t]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function toLine(fields: readonly (string | null)[]): Line {
  let line = '';
  for (const field of fields) {
    if (line !== '') line += '\t';
    if (field === null) line += '\\N';
    else line += field.replace(ESCAPED, (character) => ESCAPES[character] ?? '');
  }
  return `${line}\n`;
}

const REMEMBERED = 10_000;

/** A bill repeats the same times and tags from row to row. */
function remember<T>(work: (value: string) => T): (value: string) => T {
  const known = new Map<string, T>();
  return (value) => {
    if (known.has(value)) return known.get(value) as T;
    if (known.size === REMEMBERED) known.clear();
    const made = work(value);
    known.set(value, made);
    return made;
  };
}
