/** Makes bad input of good: by its structure, by its text, by its bytes. Deterministic for a random generator. */
import { gzipSync } from 'node:zlib';
import type { Random } from '../support/random.js';

/** JSON texts that are no sensible value of anything. They are put in as text, so that `1e999` and duplicate keys survive. */
const NASTY: readonly string[] = [
  'null',
  'true',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\ufeff"',
  '"__proto__"',
  '"constructor"',
  '{}',
  '[]',
  '{"__proto__":{"polluted":true}}',
  '{"a":1,"a":2}',
  '0',
  '-0',
  '-1',
  '1e999',
  '-1e999',
  '1e308',
  '5e-324',
  '0.1e-400',
  '9007199254740993',
  '123456789012345678901234567890',
  'NaN',
  'Infinity',
  '"NaN"',
  '"1e999"',
  '"-0.00"',
  '"<script>alert(1)</script>"',
  '"%00%ff"',
  '"\u202e\u0007‮"',
  '"(a+)+$"',
  '"2026-02-30T25:61:61Z"',
  '"0000-00-00"',
];

type Path = readonly (string | number)[];

const places = new WeakMap<object, readonly Path[]>();
/** Every place in a document. */
function placesOf(document: unknown): readonly Path[] {
  if (typeof document !== 'object' || document === null) return [[]];
  const known = places.get(document) ?? walk(document);
  places.set(document, known);
  return known;
}

function walk(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => walk(item, [...path, Array.isArray(value) ? Number(key) : key]))];
}

const MARK = 'fuzz-mark-0000';

/** A copy with `change` made to what is at `path`. */
function changed(value: unknown, path: Path, change: (at: unknown) => unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === head ? changed(item, rest, change) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [key, key === head ? changed(item, rest, change) : (item as unknown)]),
  );
}

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Values that are large in one way: deep, long, or many. */
function large(random: Random): string {
  return random.pick([
    () => nested(20_000, '[', ']'),
    () => nested(5_000, '{"a":', '}').replace('{"a":}', '{"a":1}'),
    () => `[${'1,'.repeat(50_000)}1]`,
    () => `"${'x'.repeat(300_000)}"`,
    () => `{${Array.from({ length: 20_000 }, (_, index) => `"k${index}":"v"`).join(',')}}`,
  ])();
}

type Mutation = (document: unknown, text: string, random: Random) => string;

const byStructure: readonly Mutation[] = [
  (document, _text, random) => {
    const path = random.pick(placesOf(document));
    return JSON.stringify(changed(document, path, () => MARK)).replace(`"${MARK}"`, () => random.pick(NASTY));
  },
  (document, _text, random) => {
    const path = random.pick(placesOf(document));
    return JSON.stringify(changed(document, path, (at) => [at]));
  },
  (document, _text, random) => {
    const path = random.pick(placesOf(document));
    return JSON.stringify(changed(document, path, (at) => (typeof at === 'object' && at !== null ? { ...at, [MARK]: at } : at))).replaceAll(
      MARK,
      () => random.pick(['__proto__', 'constructor', 'toString', 'tags', 'specs', '', 'a.b[0]', 'resources']),
    );
  },
  (document, _text, random) => {
    const path = random.pick(placesOf(document));
    return JSON.stringify(
      changed(document, path, (at) => (typeof at === 'object' && at !== null ? withoutOne(at, random) : undefined)) ?? null,
    );
  },
  (document, _text, random) => {
    const [from, to] = [random.pick(placesOf(document)), random.pick(placesOf(document))];
    const moved = from.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : value),
      document,
    );
    return JSON.stringify(changed(document, to, () => moved)) ?? 'null';
  },
];

function withoutOne(at: object, random: Random): unknown {
  const entries = Object.entries(at) as [string, unknown][];
  const gone = random.below(Math.max(1, entries.length));
  const kept = entries.filter((_, index) => index !== gone);
  return Array.isArray(at) ? kept.map(([, value]) => value) : Object.fromEntries(kept);
}

const byText: readonly Mutation[] = [
  (_document, text, random) => text.slice(0, random.below(text.length + 1)),
  (_document, text, random) => text + random.pick(['}', ',', ' x', '\0', text, ']']),
  (_document, text, random) => {
    const at = random.below(text.length + 1);
    return (
      text.slice(0, at) +
      random.pick(['"', '\\', '{', '}', ',', ':', '\0', '\u2028', 'e', '-', '/*', '<<', '&a', '*a', '\t']) +
      text.slice(at)
    );
  },
  (_document, text, random) => {
    const from = random.below(text.length + 1);
    const to = from + random.below(40);
    return text.slice(0, from) + text.slice(to);
  },
  (_document, text, random) => text.replace(/"([^"]{1,40})":/, (match) => `${match}${random.pick(NASTY)},${match}`),
  (_document, text, random) =>
    text.replaceAll(/-?\d+(\.\d+)?/g, (number) =>
      random.next() < 0.2 ? random.pick(['1e999', '-1', '0', '1e5000', '00', '.5', '+1']) : number,
    ),
];

const rarely: readonly Mutation[] = [
  (document, _text, random) => {
    const path = random.pick(placesOf(document));
    return JSON.stringify(changed(document, path, () => MARK)).replace(`"${MARK}"`, () => large(random));
  },
];

/** One bad text of a good document. About one in three hundred is large. */
export function mutateText(text: string, random: Random): string {
  const document = asJson(text);
  const kinds = document === undefined ? byText : random.next() < 0.003 ? rarely : random.next() < 0.65 ? byStructure : byText;
  const once = random.pick(kinds)(document, text, random);
  return random.next() < 0.15 ? random.pick(byText)(undefined, once, random) : once;
}

const documents = new Map<string, unknown>();
/** What a text is as JSON; undefined for another. Texts are few and asked for again and again. */
function asJson(text: string): unknown {
  if (!documents.has(text)) documents.set(text, parsed(text));
  return documents.get(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

const bomb = gzipSync(Buffer.alloc(60_000_000));

/** Puts a text into bytes, now and then in a way that it should not be. */
export function encode(text: string, random: Random): Encoded {
  if (random.next() < 0.0005) return { bytes: bomb, headers: { 'content-encoding': 'gzip' } };
  if (random.next() < 0.85) return { bytes: Buffer.from(text), headers: {} };
  return random.pick<() => Encoded>([
    () => ({ bytes: Buffer.from(`\ufeff${text}`), headers: {} }),
    () => ({ bytes: Buffer.from(`\ufeff${text}`, 'utf16le'), headers: {} }),
    () => ({ bytes: Buffer.from(text, 'latin1'), headers: {} }),
    () => ({ bytes: Buffer.from(text), headers: { 'content-type': 'application/json; charset=utf-16' } }),
    () => ({
      bytes: Buffer.from(text),
      headers: { 'content-type': random.pick(['text/plain', 'application/xml', '', 'application/json; charset=klingon']) },
    }),
    () => ({ bytes: gzipSync(text), headers: { 'content-encoding': 'gzip' } }),
    () => ({ bytes: gzipSync(text), headers: {} }),
    () => ({ bytes: gzipSync(text).subarray(0, 20), headers: { 'content-encoding': 'gzip' } }),
    () => ({ bytes: Buffer.from(text), headers: { 'content-encoding': random.pick(['gzip', 'br', 'zstd']) } }),
    () => ({ bytes: Buffer.from(Array.from({ length: 200 }, () => random.below(256))), headers: {} }),
    () => ({ bytes: new Uint8Array(0), headers: {} }),
  ])();
}
