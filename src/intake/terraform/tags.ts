/** The effective tags of a part: what the resource will carry, as far as the plan tells. Pure. */
import { type Attributes, type Path, UNKNOWN, type Value } from './attributes.js';
import type { TagSource, TagSources } from './mapping.js';

/** Tags that a provider puts on all that it makes; unknown when the configuration works them out. */
export type DefaultTags = Value<Readonly<Record<string, string>>>;

export interface ReadTags {
  readonly tags: Readonly<Record<string, string>>;
  /** Wire paths: `tags.owner`, or `tags` for all of them. */
  readonly unknownPaths: readonly string[];
}

/** What a provider says of itself, defaults included; the strongest first. */
const EFFECTIVE: readonly string[] = ['tags_all', 'effective_labels', 'terraform_labels'];
const OWN: readonly string[] = ['tags', 'labels', 'resource_labels'];

/**
 * Tags of a resource itself: `tags_all` where the plan knows it, else `tags` over the provider's default tags. The provider often leaves
 * `tags_all` for the apply although it follows from both.
 */
export function ownTags(attributes: Attributes): TagSources {
  const effective = EFFECTIVE.find((path) => Array.isArray(attributes.keys(path)));
  if (effective !== undefined) return { sources: [{ from: attributes, path: [effective] }], withDefaults: false };
  const own = OWN.filter((path) => attributes.keys(path) !== undefined).map((path) => ({ from: attributes, path: [path] }));
  return { sources: own.slice(0, 1), withDefaults: EFFECTIVE.some((path) => attributes.has(path)) };
}

export function readTags({ sources, withDefaults, incomplete = false }: TagSources, defaults: DefaultTags): ReadTags {
  const found = new Map<string, Value<string>>();
  let unsure = incomplete || (withDefaults && defaults === UNKNOWN);
  if (withDefaults && defaults !== UNKNOWN) for (const [key, value] of Object.entries(defaults ?? {})) found.set(key, value);
  for (const source of sources) {
    const entries = entriesOf(source);
    if (entries === UNKNOWN) unsure = true;
    else for (const [key, value] of entries) found.set(key, value);
  }
  const unknownPaths: string[] = [];
  for (const [key, value] of found) {
    if (value === UNKNOWN) unknownPaths.push(`tags.${key}`);
    if (typeof value !== 'string') found.delete(key);
  }
  return { tags: Object.fromEntries(found as ReadonlyMap<string, string>), unknownPaths: unsure ? ['tags'] : unknownPaths };
}

type Entries = readonly (readonly [string, Value<string>])[];

function entriesOf({ from, path, only }: TagSource): Entries | typeof UNKNOWN {
  if (only !== undefined) return listedEntries(from, path, only);
  const keys = from.keys(...path);
  if (keys === UNKNOWN) return UNKNOWN;
  return (keys ?? []).map((key) => [key, from.label(...path, key)] as const);
}

/** Blocks whose key is not known make any tag possible. */
function listedEntries(from: Attributes, path: Path, only: string): Entries | typeof UNKNOWN {
  const count = from.count(...path);
  if (count === UNKNOWN) return UNKNOWN;
  const blocks = Array.from({ length: count ?? 0 }, (_, index) => from.at(...path, index)).filter((block) => block.flag(only) !== false);
  const entries: [string, Value<string>][] = [];
  for (const block of blocks) {
    const key = block.text('key');
    if (key === UNKNOWN) return UNKNOWN;
    if (key !== undefined) entries.push([key, block.flag(only) === UNKNOWN ? UNKNOWN : block.label('value')]);
  }
  return entries;
}
