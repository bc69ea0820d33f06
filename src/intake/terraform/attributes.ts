/** Reading the attributes of a planned resource, three-valued: given, not given, known only after apply. Pure. */
import { isKeys, type Keys, numberOf, textOf } from '../loose.js';

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

export function readAttributes(root: unknown, isUnknown: IsUnknown): Attributes {
  return new ReadAttributes(root, isUnknown, []);
}

/** A class, since a plan makes thousands of them: its methods are made once. */
class ReadAttributes implements Attributes {
  readonly #root: unknown;
  readonly #isUnknown: IsUnknown;
  readonly #base: Path;

  constructor(root: unknown, isUnknown: IsUnknown, base: Path) {
    this.#root = root;
    this.#isUnknown = isUnknown;
    this.#base = base;
  }

  text(...path: Path): Value<string> {
    return this.#read(path, textOf);
  }

  label(...path: Path): Value<string> {
    return this.#read(path, anyText);
  }

  number(...path: Path): Value<number> {
    return this.#read(path, numberOf);
  }

  whole(...path: Path): Value<number> {
    return this.#read(path, wholeOf);
  }

  flag(...path: Path): Value<boolean> {
    return this.#read(path, flagOf);
  }

  count(...path: Path): Value<number> {
    return mapped(this.#read(path, listAt), ({ length }) => length);
  }

  texts(...path: Path): Value<readonly string[]> {
    return mapped(this.#read(path, listAt), (list) => {
      const texts = list.map((_, index) => this.text(...path, index));
      return texts.includes(UNKNOWN) ? UNKNOWN : texts.filter((text) => typeof text === 'string');
    });
  }

  keys(...path: Path): Value<readonly string[]> {
    return mapped(this.#read(path, objectAt), Object.keys);
  }

  at(...path: Path): Attributes {
    return new ReadAttributes(this.#root, this.#isUnknown, [...this.#base, ...path]);
  }

  has(key: string): boolean {
    return this.#isUnknown([...this.#base, key]) || Object.hasOwn(Object(valueAt(this.#root, this.#base)) as object, key);
  }

  #read<T>(path: Path, convert: (value: unknown) => T | undefined): Value<T> {
    const whole = this.#base.length === 0 ? path : [...this.#base, ...path];
    return this.#isUnknown(whole) ? UNKNOWN : convert(valueAt(this.#root, whole));
  }
}

const MOST = 1_000_000;

function wholeOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 && number <= MOST ? number : undefined;
}

const anyText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const flagOf = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);
const listAt = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? (value as readonly unknown[]) : undefined);
const objectAt = (value: unknown): Keys | undefined => (isKeys(value) ? value : undefined);

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
  return (path) => {
    for (const tree of trees) if (isMarked(tree, path)) return true;
    return false;
  };
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
export function mapped<T, U>(value: Value<T>, convert: (value: T) => Value<U>): Value<U> {
  if (value === UNKNOWN) return UNKNOWN;
  return value === undefined ? undefined : convert(value);
}
