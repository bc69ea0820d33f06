/** Real documents with something wrong in them: each is read or refused in words, never a fault. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { TollgateError } from '../../src/errors.js';
import { readDocument } from '../../src/intake/readers.js';
import { packageRoot } from '../../src/package-root.js';

const context = { lookup: createCatalog().lookup, currency: 'USD', namespace: null, account: null, region: 'us-east-1' };
const FOLDERS = [
  ['infracost', 'infracost'],
  ['cloudformation', 'cloudformation'],
  ['cloudformation', 'cloudformation/templates'],
  ['pulumi', 'pulumi'],
] as const;

const ODD = [
  '__proto__',
  'constructor',
  '',
  'x'.repeat(10_000),
  '-1',
  '1e999',
  '\u0000\uD800',
  null,
  true,
  -1,
  1e308,
  [],
  {},
  [[[[]]]],
  { Ref: 'x' },
  { 'Fn::Sub': ['${', 7] },
];

/** Puts `odd` in place of the value that `place` (of 1) points at, on any level. */
function replaced(value: unknown, place: number, odd: unknown): unknown {
  if (typeof value !== 'object' || value === null) return odd;
  const keys = Object.keys(value);
  if (keys.length === 0 || place > 0.98) return odd;
  const index = Math.floor(place * keys.length);
  const key = keys[index] ?? '';
  const inner = replaced((value as Record<string, unknown>)[key], place * keys.length - index, odd);
  return Array.isArray(value) ? value.with(index, inner) : { ...value, [key]: inner };
}

for (const [door, folder] of FOLDERS) {
  const path = join(packageRoot, 'test/fixtures', folder);
  const texts = readdirSync(path)
    .filter((name) => /\.(json|yaml)$/.test(name))
    .map((name) => readFileSync(join(path, name), 'utf8'));
  const documents = texts.filter((text) => text.trimStart().startsWith('{')).map((text) => JSON.parse(text) as unknown);

  const attempt = (text: string) => {
    try {
      const { resources } = readDocument(door, Buffer.from(text), context);
      for (const { type, cost } of resources)
        expect([typeof type, cost.monthly === null || /^\d+(\.\d+)?$/.test(cost.monthly)]).toEqual(['string', true]);
    } catch (error) {
      expect(error).toBeInstanceOf(TollgateError);
      expect((error as TollgateError).code).toBe('invalid-input');
    }
  };

  test(`${folder}: a value of another kind anywhere`, () => {
    const places = fc.tuple(fc.constantFrom(...documents), fc.double({ min: 0, max: 0.999_999, noNaN: true }), fc.constantFrom(...ODD));
    fc.assert(
      fc.property(places, ([document, place, odd]) => attempt(JSON.stringify(replaced(document, place, odd)))),
      { numRuns: 400 },
    );
  });

  test(`${folder}: text cut and filled anywhere`, () => {
    const cuts = fc.tuple(
      fc.constantFrom(...texts),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(40),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    fc.assert(
      fc.property(cuts, ([text, from, length, filled]) => {
        const at = Math.floor(from * text.length);
        attempt(text.slice(0, at) + filled + text.slice(at + length));
      }),
      { numRuns: 200 },
    );
  });
}
