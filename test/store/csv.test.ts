import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCsvReader } from '../../src/store/csv.js';

type Found = readonly [line: number, ...fields: string[]];

/** Read in pieces of so many characters. */
function read(text: string, size = Number.POSITIVE_INFINITY): readonly Found[] {
  const found: Found[] = [];
  const reader = createCsvReader((fields, line) => void found.push([line, ...fields]));
  for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size));
  reader.end();
  return found;
}

describe('CSV that comes in pieces', () => {
  test.each<[string, string, readonly Found[]]>([
    [
      'fields and records',
      'a,b\n1,\n',
      [
        [1, 'a', 'b'],
        [2, '1', ''],
      ],
    ],
    [
      'CRLF, with and without quotes',
      'a,"b"\r\n1,2\r\n',
      [
        [1, 'a', 'b'],
        [2, '1', '2'],
      ],
    ],
    [
      'no last line end',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'no last line end behind a quote or a comma',
      '"a","b"\n1,',
      [
        [1, 'a', 'b'],
        [2, '1', ''],
      ],
    ],
    ['doubled quotes and commas in quotes', '"a ""b""","c,d",""\n', [[1, 'a "b"', 'c,d', '']]],
    [
      'line breaks in quotes, which count as lines',
      '"a\nb\r\nc",d\ne,f\n',
      [
        [1, 'a\nb\r\nc', 'd'],
        [4, 'e', 'f'],
      ],
    ],
    [
      'blank lines, which count as lines',
      '\na\n\r\n\nb\n',
      [
        [2, 'a'],
        [5, 'b'],
      ],
    ],
    ['a quote within a bare field, as it is', 'a,5" disk\n', [[1, 'a', '5" disk']]],
    ['nothing', '', []],
  ])('%s', (_what, text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(read(text, 1)).toEqual(expected);
  });

  test('what was written is what is read, wherever the pieces end', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ü'), maxLength: 6 });
    const records = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(records, fc.boolean(), (written, isShort) => {
        // long records make the reader look at them before they are whole
        const padding = isShort ? '' : 'x'.repeat(30_000);
        const text = written.map((row) => `${[...row, padding].map((value) => `"${value.replaceAll('"', '""')}"`).join(',')}\n`).join('');
        expect(read(text, 7_919).map(([, ...fields]) => fields)).toEqual(written.map((row) => [...row, padding]));
      }),
      { numRuns: 100 },
    );
  });

  test('a doubled quote and what follows a quote may lie on two sides of a seam', () => {
    for (let before = 1; before < 12; before += 1) {
      const long = 'x'.repeat(64 * 1024 - before);
      expect(read(`"${long}""y","z"\r\n"a",b\n`, 64 * 1024), String(before)).toEqual([
        [1, `${long}"y`, 'z'],
        [2, 'a', 'b'],
      ]);
    }
  });

  test.each([
    ['a quote that is left open', 'a\n"b\nc', 'not CSV at line 2: a quote is left open'],
    ['something behind a quoted field', 'a\nb\n"c"d,e\n', 'not CSV at line 3: there is `d,e\n` behind the end of a quoted field'],
  ])('%s is refused', (_what, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text, 1)).toThrow(message);
  });

  test('a record of over a million characters is refused before it is whole', () => {
    const reader = createCsvReader(() => {});
    expect(() => {
      for (let pushed = 0; pushed < 100; pushed += 1) reader.push('"'.padEnd(64 * 1024, 'x'));
    }).toThrow(/behind the end|over 1048576 characters/);
    expect(() => createCsvReader(() => {}).push(`"${'x'.repeat(1_100_000)}`)).toThrow(
      'a record has over 1048576 characters; is a quote left open?',
    );
  });
});
