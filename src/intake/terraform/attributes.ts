/** Reading the attributes of a planned resource, three-valued: given, not given, known only after apply. Pure. */
import { isKeys, numberOf, textOf } from '../loose.js';

/** Known only after apply, or a secret: neither is ever shown. */
export const UNKNOWN: unique symbol = Symbol('known after apply');

/** Undefined: not given. */
export type Value<T> = T | typeof UNKNOWN | undefined;

export type Path = readonly (string | number)[];

/** Whether the value at a path, or what contains it, is known only after apply or a secret. */
export type IsUnknown = (path: Path) => boolean;

export interface Attributes {
  /** A text that is not empty. */
  readonly text: (...path: Path) => Value<string>;
  /** A text, also an empty one: the value of a tag. */
  readonly label: (...path: Path) => Value<string>;
  readonly number: (...path: Path) => Value<number>;
  /** How many of something: a whole number up to a million. */
  readonly whole: (...path: Path) => Value<number>;
  readonly flag: (...path: Path) => Value<boolean>;
  /** How many blocks stand there; unknown when the list itself is. */
  readonly count: (...path: Path) => Value<number>;
  /** The texts of a list. */
  readonly texts: (...path: Path) => Value<readonly string[]>;
  /** The keys of an object. */
  readonly keys: (...path: Path) => Value<readonly string[]>;
  /** The attributes below a path, for what is mapped alike in several places. */
  readonly at: (...path: Path) => Attributes;
  /** Whether the kind has this attribute at all, even if null. */
  readonly has: (key: string) => boolean;
}

export function readAttributes(root: unknown, isUnknown: IsUnknown, base: Path = []): Attributes {
  const read = <T>(path: Path, convert: (value: unknown) => T | undefined): Value<T> => {
    const whole = base.length === 0 ? path : [...base, ...path];
    return isUnknown(whole) ? UNKNOWN : convert(valueAt(root, whole));
  };
  return {
    text: (...path) => read(path, textOf),
    label: (...path) => read(path, (value) => (typeof value === 'string' ? value : undefined)),
    number: (...path) => read(path, numberOf),
    whole: (...path) => read(path, wholeOf),
    flag: (...path) => read(path, (value) => (typeof value === 'boolean' ? value : undefined)),
    count: (...path) => read(path, (value) => (Array.isArray(value) ? value.length : undefined)),
    texts: (...path) => textsOf(read(path, listAt), (index) => read([...path, index], textOf)),
    keys: (...path) => read(path, (value) => (isKeys(value) ? Object.keys(value) : undefined)),
    at: (...path) => readAttributes(root, isUnknown, [...base, ...path]),
    has: (key) => isUnknown([...base, key]) || Object.hasOwn(Object(valueAt(root, base)) as object, key),
  };
}

const MOST = 1_000_000;

function wholeOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 && number <= MOST ? number : undefined;
}

const listAt = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? (value as readonly unknown[]) : undefined);

function textsOf(list: Value<readonly unknown[]>, at: (index: number) => Value<string>): Value<readonly string[]> {
  if (list === UNKNOWN || list === undefined) return list;
  const texts = list.map((_, index) => at(index));
  return texts.includes(UNKNOWN) ? UNKNOWN : texts.filter((text) => typeof text === 'string');
}

/** What stands at a path of plain JSON; never what every object inherits. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/**
 * Reads `after_unknown` and `after_sensitive`: trees of the shape of the value, in which `true` stands for all that is below. One of both
 * is enough. `false`, `null` or no tree at all marks nothing.
 */
export function markedBy(...trees: readonly unknown[]): IsUnknown {
  return (path) => trees.some((tree) => isMarked(tree, path));
}

function isMarked(tree: unknown, path: Path): boolean {
  let mark = tree;
  for (const step of path) {
    if (typeof mark !== 'object' || mark === null) return mark === true;
    if (!Object.hasOwn(mark, step)) return false;
    mark = (mark as Record<string | number, unknown>)[step];
  }
  return mark === true;
}

/** The value where it is given and known. */
export function known<T>(value: Value<T>): T | undefined {
  return value === UNKNOWN ? undefined : value;
}

/** The first that is given, known or not. */
export function firstGiven<T>(...values: readonly Value<T>[]): Value<T> {
  return values.find((value) => value !== undefined);
}

/** What a value becomes; what is not known stays so. */
export function mapped<T, U>(value: Value<T>, convert: (value: T) => U | undefined): Value<U> {
  if (value === UNKNOWN) return UNKNOWN;
  return value === undefined ? undefined : convert(value);
}
