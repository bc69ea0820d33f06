import type { Page, PageRequest } from '../policy/house-records.js';

const LIMIT = 1_000;

/** Everything that a list holds, page by page: for lists known to be short beside the fleet. */
export async function allPages<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<readonly T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list({ limit: LIMIT, cursor });
    all.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return all;
}
