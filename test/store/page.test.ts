import { describe, expect, test } from 'vitest';
import { decodeCursor, encodeCursor, pageLimit, toPage } from '../../src/store/page.js';

describe('cursors', () => {
  test('what was encoded is decoded', () => {
    expect(decodeCursor(encodeCursor({ at: 1_700_000_000_000, id: 'vio_é' }))).toEqual({ at: 1_700_000_000_000, id: 'vio_é' });
    expect(decodeCursor(encodeCursor({ seq: 7 }), { seq: 'number' })).toEqual({ seq: 7 });
    expect(decodeCursor(null)).toBeNull();
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['no base64', '%%%'],
    ['no JSON', 'abc'],
    ['null', encode(null)],
    ['an array', encode([1, 'a'])],
    ['a part too few', encode({ at: 1 })],
    ['a part too many', encode({ at: 1, id: 'a', more: 1 })],
    ['a text where a number belongs', encode({ at: '1', id: 'a' })],
    ['an instant that no date can hold', encode({ at: 8.65e15, id: 'a' })],
    ['an instant that PostgreSQL cannot hold', encode({ at: -8.64e15, id: 'a' })],
    ['an instant after all rows', encode({ at: 8.64e15, id: 'a' })],
    ['a text that PostgreSQL cannot hold', encode({ at: 1, id: 'a\0' })],
    ['another list’s cursor', encodeCursor({ seq: 7 })],
  ])('%s is refused as invalid input', (_, cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});

test('a limit is 100 by default, and from 1 to 1,000', () => {
  expect([undefined, 0, -5, 1, 1_000, 1_001, 2.9].map(pageLimit)).toEqual([100, 1, 1, 1, 1_000, 1_000, 2]);
});

describe('pages', () => {
  const keyOf = (id: string) => ({ id });
  test('a row too many makes a cursor at the last shown row', () => {
    expect(toPage(['a', 'b', 'c'], 2, keyOf)).toEqual({ items: ['a', 'b'], next: encodeCursor({ id: 'b' }) });
  });
  test('the last page has none', () => {
    expect(toPage(['a', 'b'], 2, keyOf)).toEqual({ items: ['a', 'b'], next: null });
    expect(toPage([], 2, keyOf)).toEqual({ items: [], next: null });
  });
});
