/** Whether a rule applies to a resource, three-valued: what the request does not say, or cannot say yet, is unknown. */
import type { Resource } from './model.js';

export type Applies = 'yes' | 'no' | 'unknown';

/** Whether the value at a wire path, or the whole section that it is in, is among what is unknown. A tag's key may have dots of its own. */
export function isUnknownPath(resource: Resource, path: string): boolean {
  const unknown = resource.unknownPaths;
  if (unknown === undefined || unknown.length === 0) return false;
  return unknown.some((known) => known === path || (path.startsWith(known) && path.indexOf('.') === known.length));
}

/** The value of a tag of the resource itself, undefined when absent. What every object inherits, such as `constructor`, is never text. */
export function tagOf(tags: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = tags[key];
  return typeof value === 'string' ? value : undefined;
}

/** The namespace given, else the value of tag `environment`, else null: unknown. An empty one is none. */
export function effectiveNamespace(resource: Resource): string | null {
  if (isUnknownPath(resource, 'namespace')) return null;
  if (resource.namespace !== null && resource.namespace !== '') return resource.namespace;
  if (isUnknownPath(resource, 'tags.environment')) return null;
  return tagOf(resource.tags, 'environment') || null;
}

/** Equal and case-sensitive; a resource without a namespace leaves a namespaced policy unknown, not a free pass. */
export function matchNamespace(namespace: string | undefined, resource: Resource): Applies {
  if (namespace === undefined) return 'yes';
  const own = effectiveNamespace(resource);
  if (own === null) return 'unknown';
  return own === namespace ? 'yes' : 'no';
}

/** A tag of a selector; `path` is its path on the wire. */
export interface WantedTag {
  readonly key: string;
  readonly path: string;
  readonly value: string;
}

/** Each key present and equal; a missing key does not match, a value known after apply is unknown. Strictest: one `no` decides. */
export function matchTags(wanted: readonly WantedTag[], resource: Resource): Applies {
  let result: Applies = 'yes';
  for (const { key, path, value } of wanted) {
    if (isUnknownPath(resource, path)) result = 'unknown';
    else if (tagOf(resource.tags, key) !== value) return 'no';
  }
  return result;
}

/** Equal; without an account of its own a resource leaves it unknown. */
export function matchAccount(account: string | undefined, resource: Resource): Applies {
  if (account === undefined) return 'yes';
  if (resource.account === null || isUnknownPath(resource, 'account')) return 'unknown';
  return resource.account === account ? 'yes' : 'no';
}

function matchSegment(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return pattern === text;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let from = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return from <= text.length - tail.length;
}

/** `compute/*` matches `compute/instance` and not `computex/instance`; `*` alone matches all; `*` never crosses a slash. */
export function matchGlob(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  const wanted = pattern.split('/');
  const given = type.split('/');
  return wanted.length === given.length && wanted.every((segment, index) => matchSegment(segment, given[index] ?? ''));
}

/** True without globs; else any of them. */
export function matchGlobs(patterns: readonly string[] | undefined, type: string): boolean {
  return patterns === undefined || patterns.some((pattern) => matchGlob(pattern, type));
}
