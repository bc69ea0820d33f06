/** Keyset pages: an opaque cursor holds the sort key of the last row, so that pages neither skip nor repeat rows while rows are added. */
import { TollgateError } from '../errors.js';
import type { Page } from '../policy/house-records.js';

export const DEFAULT_PAGE_LIMIT = 100;
export const MAX_PAGE_LIMIT = 1_000;

/** 1 to 1,000; what is not given is 100. */
export function pageLimit(limit: number | undefined): number {
  return Math.min(Math.max(Math.trunc(limit ?? DEFAULT_PAGE_LIMIT), 1), MAX_PAGE_LIMIT);
}

type CursorShape = Readonly<Record<string, 'number' | 'string'>>;
type CursorKey<S extends CursorShape> = { readonly [K in keyof S]: S[K] extends 'number' ? number : string };

/** The sort key of most lists: an instant, then the id. */
const AT_ID = { at: 'number', id: 'string' } as const;

export function encodeCursor(key: Readonly<Record<string, string | number>>): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * The key in a cursor that `encodeCursor` made; null for no cursor. The shape is `{ at, id }` where none is given.
 * @throws invalid-input for anything else, so that a made-up cursor never reaches the database
 */
export function decodeCursor(cursor: string | null): CursorKey<typeof AT_ID> | null;
export function decodeCursor<const S extends CursorShape>(cursor: string | null, shape: S): CursorKey<S> | null;
export function decodeCursor(cursor: string | null, shape: CursorShape = AT_ID): CursorKey<CursorShape> | null {
  if (cursor === null) return null;
  const key = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (isKey(key, shape)) return key;
  throw new TollgateError('invalid-input', 'the cursor is not valid', {
    problems: [{ path: 'cursor', message: 'expected a cursor from an earlier answer of the same list' }],
  });
}

function isKey(key: unknown, shape: CursorShape): key is CursorKey<CursorShape> {
  if (typeof key !== 'object' || key === null) return false;
  const parts = new Map<string, unknown>(Object.entries(key));
  const names = Object.keys(shape);
  return parts.size === names.length && names.every((name) => isPart(shape[name], parts.get(name)));
}

/** Instants and sequence numbers. Instants of rows are between 1970 and 9999, well within what PostgreSQL holds. */
const LARGEST_NUMBER = Date.UTC(9_999, 11, 31);

function isPart(type: CursorShape[string] | undefined, value: unknown): boolean {
  // PostgreSQL has no text with a NUL in it.
  if (type === 'string') return typeof value === 'string' && !value.includes('\0');
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST_NUMBER;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes a page of what was read with `limit + 1`: one item too many says that there is a next page, whose cursor is the last shown item's key. */
export function toPage<T>(found: readonly T[], limit: number, keyOf: (item: T) => Readonly<Record<string, string | number>>): Page<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null };
}
