import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Problem, TollgateError } from '../../src/errors.js';
import { refuseDuplicateKeys } from '../../src/intake/duplicate-keys.js';

function problemsOf(text: string): readonly Problem[] {
  try {
    refuseDuplicateKeys(text, JSON.parse(text), 'it');
    return [];
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'invalid-input') return error.problems;
    throw error;
  }
}

describe('a key that stands twice in one object is refused with its path and place', () => {
  test.each([
    ['side by side', '{"a":1,"a":2}', 'a', 1, 8],
    ['with blanks before its colon', '{"a" :1,"a"\t: 2}', 'a', 1, 9],
    ['with equal values', '{"a":1,"b":2,"a":1}', 'a', 1, 14],
    ['below', '{"x":[{},{"y":{"b":1,\n"c":{},\n  "b":[]}}]}', 'x[1].y.b', 3, 3],
    ['empty', '{"":1,"":1}', '[""]', 1, 7],
    ['written otherwise', '{"a":1,"\\u0061":2}', 'a', 1, 8],
    ['with a quote in it', '{"a\\"":1,"a\\"":2}', '["a\\""]', 1, 10],
    ['with a backslash at its end', '{"a\\\\":1,"a\\\\":2}', '["a\\\\"]', 1, 10],
    ['made up for by a colon that is written as an escape', '{"a":"\\u003a","b":1,"b":2}', 'b', 1, 21],
    ['made up for in capitals', '{"a":"\\u003A","b":1,"b":2}', 'b', 1, 21],
    ['behind a value with colons, which is dropped', '{"a":"x:y:z","a":"arn:aws:s3:::b"}', 'a', 1, 14],
    ['of `__proto__`', '{"__proto__":1,"__proto__":2}', '__proto__', 1, 16],
  ])('%s', (_, text, path, line, column) => {
    expect(problemsOf(text)).toEqual([{ path, message: `duplicate key, again at line ${line}, column ${column}` }]);
  });

  test('each of them is told, up to twenty', () => {
    expect(problemsOf('{"a":1,"a":2,"b":{"c":1,"c":1},"a":3}').map(({ path }) => path)).toEqual(['a', 'b.c', 'a']);
    expect(problemsOf(`{${'"a":1,'.repeat(50)}"b":1}`)).toHaveLength(20);
  });
});

test.each([
  '{}',
  'null',
  '":"',
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
  '{"a":"{\\"a\\":1,\\"a\\":2}"}',
  '{"a:b":"c:d","a":":","b\\":":"\\":"}',
  '{"a":"\\u003a","b":"\\\\u003a"}',
  '{"a":"[{","b":"}]","c":","}',
])('%s has none', (text) => {
  expect(problemsOf(text)).toEqual([]);
});

test('no JSON is refused that has none, however it is written, and a repeated key always is', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.boolean(), (text, isSpread) => {
      const value: unknown = JSON.parse(text);
      const once = isSpread ? JSON.stringify(value, null, '\t') : JSON.stringify(value);
      expect(problemsOf(once)).toEqual([]);
      for (const again of [`{"k":1,"o":${once},"k":2}`, `[${once},{"k":${once},"k":":"}]`]) {
        const [problem, ...others] = problemsOf(again);
        expect(problem?.path).toMatch(/k$/);
        expect(others).toEqual([]);
      }
    }),
  );
});
