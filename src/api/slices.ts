/** Work on large plans a slice at a time, so that it holds up no other request for more than a few milliseconds. */

/** From so many resources on a request is worked on in slices. */
export const LARGE = 200;
const SLICE = 500;

export function pause(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** The items in lists of some hundred. */
export function inSlices<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / SLICE) }, (_, index) => items.slice(index * SLICE, (index + 1) * SLICE));
}

export async function mapInSlices<A, B>(items: readonly A[], map: (item: A) => B): Promise<B[]> {
  const mapped: B[] = [];
  for (const slice of inSlices(items)) {
    if (mapped.length > 0) await pause();
    for (const item of slice) mapped.push(map(item));
  }
  return mapped;
}

/** What `JSON.stringify` makes of an object whose values are JSON: lists of it are long, the rest is not. */
export async function stringifyInSlices(value: object): Promise<string> {
  const parts: string[] = [];
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    const text = Array.isArray(item) ? await stringifyList(item) : JSON.stringify(item);
    parts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${parts.join()}}`;
}

async function stringifyList(items: readonly unknown[]): Promise<string> {
  const texts: string[] = [];
  for (const slice of inSlices(items)) {
    if (texts.length > 0) await pause();
    texts.push(JSON.stringify(slice).slice(1, -1));
  }
  return `[${texts.join()}]`;
}
