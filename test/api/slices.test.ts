import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapInSlices, stringifyInSlices } from '../../src/api/slices.js';

test('an object is the same text as at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue()))), async (value) => {
      expect(await stringifyInSlices(value)).toBe(JSON.stringify(value));
    }),
    { numRuns: 300 },
  );
  for (const length of [0, 1, 499, 500, 501, 1_000, 1_001]) {
    const value = { list: Array.from({ length }, (_, index) => ({ index })) };
    expect(await stringifyInSlices(value)).toBe(JSON.stringify(value));
    expect(await mapInSlices(value.list, ({ index }) => index)).toEqual(value.list.map(({ index }) => index));
  }
});

test('others get their turn in between', async () => {
  let turns = 0;
  let running = true;
  const other = () => {
    turns += 1;
    if (running) setImmediate(other);
  };
  setImmediate(other);
  await stringifyInSlices({ list: Array.from({ length: 5_000 }, () => ({})) });
  running = false;
  expect(turns).toBeGreaterThan(5);
});
