import { isKeys } from '../loose.js';

/**
 * A plan leaves the unknown values of a map out of `after`; here their keys are put back, without a value, so that a reader of the map meets
 * them. Below the first level only: what is unknown as a whole has a mark of its own.
 */
export function withMarkedKeys(after: unknown, marks: unknown): unknown {
  if (!isKeys(after) || !isKeys(marks)) return after;
  let copy: Record<string, unknown> | undefined;
  for (const [key, below] of Object.entries(marks)) {
    if (typeof below !== 'object' || below === null || !Object.hasOwn(after, key)) continue;
    const filled = filledIn(after[key], below);
    if (filled !== after[key]) (copy ??= { ...after })[key] = filled;
  }
  return copy ?? after;
}

function filledIn(value: unknown, marks: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(marks)) return mapKept(value, (item, index) => filledIn(item, marks[index]));
  if (!isKeys(value) || !isKeys(marks)) return value;
  const missing = Object.keys(marks).filter((key) => marks[key] === true && !Object.hasOwn(value, key));
  const below = withMarkedKeys(value, marks);
  return missing.length === 0 ? below : { ...(below as object), ...Object.fromEntries(missing.map((key) => [key, null])) };
}

/** The list itself when nothing in it changes. */
function mapKept(list: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  const changed = list.map(change);
  return changed.every((item, index) => item === list[index]) ? list : changed;
}
