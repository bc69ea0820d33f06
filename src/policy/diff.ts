import type { Json } from './model.js';

/** One difference between two versions of a policy document. Members of a list that have a `name` or `key` are matched by it, wherever they stand. */
export interface Change {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  /** `spec.rules[max-instance-size].constraint.maxVCPUs` */
  readonly path: string;
  /** Null where it was added. */
  readonly from: Json;
  /** Null where it was removed. */
  readonly to: Json;
}

/** What changes from one document to the other, in the order of the first, then what is new. Empty exactly when they say the same. */
export function diffContent(from: Json, to: Json): readonly Change[] {
  return diffAt('', from, to);
}

/** A line for each change: `~ spec.rules[max-instance-size].constraint.maxVCPUs: 16 → 32`. */
export function formatChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return 'no difference';
  return changes.map(formatChange).join('\n');
}

function formatChange({ kind, path, from, to }: Change): string {
  switch (kind) {
    case 'added':
      return `+ ${path}: ${JSON.stringify(to)}`;
    case 'removed':
      return `- ${path}: ${JSON.stringify(from)}`;
    case 'moved':
      return `> ${path}: from place ${JSON.stringify(from)} to ${JSON.stringify(to)}`;
    case 'changed':
      return `~ ${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
    default:
      return kind satisfies never;
  }
}

type JsonObject = { readonly [key: string]: Json };
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !isList(value);

function diffAt(path: string, from: Json, to: Json): readonly Change[] {
  if (isObject(from) && isObject(to)) return diffMembers(path, new Map(Object.entries(from)), new Map(Object.entries(to)), joinKey);
  if (isList(from) && isList(to)) {
    const [before, after] = [byIdentity(from), byIdentity(to)];
    if (before !== undefined && after !== undefined)
      return [...diffMembers(path, before, after, joinIdentity), ...movesOf(path, before, after)];
  }
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ kind: 'changed', path, from, to }];
}

function joinKey(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function joinIdentity(path: string, identity: string): string {
  return `${path}[${identity}]`;
}

type Members = ReadonlyMap<string, Json>;

function diffMembers(path: string, before: Members, after: Members, join: (path: string, member: string) => string): readonly Change[] {
  const kept = [...before].flatMap(([member, from]): readonly Change[] => {
    const to = after.get(member);
    return to === undefined ? [{ kind: 'removed', path: join(path, member), from, to: null }] : diffAt(join(path, member), from, to);
  });
  const added = [...after].filter(([member]) => !before.has(member));
  return [...kept, ...added.map(([member, to]): Change => ({ kind: 'added', path: join(path, member), from: null, to }))];
}

/** Members of a list by their `name` or `key`; undefined when one has none or two have the same. */
function byIdentity(list: readonly Json[]): Members | undefined {
  const members = new Map<string, Json>();
  for (const member of list) {
    const identity = isObject(member) ? (member['name'] ?? member['key']) : undefined;
    if (typeof identity !== 'string' || members.has(identity)) return undefined;
    members.set(identity, member);
  }
  return members;
}

/** The order of rules is the author's, not the engine's: it is shown, among those that both have. */
function movesOf(path: string, before: Members, after: Members): readonly Change[] {
  const old = [...before.keys()].filter((member) => after.has(member));
  const fresh = [...after.keys()].filter((member) => before.has(member));
  return fresh.flatMap((member, place): readonly Change[] => {
    const was = old.indexOf(member);
    return was === place ? [] : [{ kind: 'moved', path: joinIdentity(path, member), from: was + 1, to: place + 1 }];
  });
}
