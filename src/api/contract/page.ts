import { z } from 'zod';
import type { Page, PageRequest } from '../../policy/house-records.js';
import { expecting } from '../input.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

const limit = expecting(
  `a whole number from 1 to ${MAX_LIMIT}`,
  z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_LIMIT)),
).optional();
const cursor = expecting('the `next` of an earlier answer of the same list', z.string().min(1).max(2_000)).optional();

/** The query keys of every list. */
export const pageQuery = { limit, cursor };

export function toPageRequest(query: { readonly limit?: number | undefined; readonly cursor?: string | undefined }): PageRequest {
  return { limit: query.limit ?? DEFAULT_LIMIT, cursor: query.cursor ?? null };
}

export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), next: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last' }) });
}

export function toWirePage<T, W>(page: Page<T>, toWire: (item: T) => W): { readonly items: readonly W[]; readonly next: string | null } {
  return { items: page.items.map(toWire), next: page.next };
}
