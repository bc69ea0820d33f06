import { expect, test } from 'vitest';
import { prepareDocument } from '../../src/api/prepare.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';

const { lookup } = createCatalog();
const context = { lookup, currency: 'USD', namespace: null, account: null, region: null };

const prepare = (tags: string) => {
  const change = `{"address": "aws_eip.it", "type": "aws_eip", "name": "it", "change": {"actions": ["create"], "after": {"tags": ${tags}}}}`;
  return prepareDocument('terraform', Buffer.from(`{"format_version": "1.0", "resource_changes": [${change}]}`), context);
};

test.each(['"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"'])('a document with the text %s is refused by its path', (value) => {
  expect(() => prepare(`{"team": ${value}}`)).toThrowError(
    expect.objectContaining({ code: 'invalid-input', problems: [expect.objectContaining({ path: 'resources[0].tags.team' })] }) as Error,
  );
});

test.each([
  ['"\\u003cb\\u003e"', '<b>'],
  ['"\\\\u0000"', '\\u0000'],
  ['"\\ud83d\\ude00"', '😀'],
  ['"\\u0001"', '\u0001'],
])('a document with the text %s is taken', (value, text) => {
  expect(prepare(`{"team": ${value}}`).resources[0]?.tags).toMatchObject({ team: text });
});

test('equal plans have one digest, whatever the order of their tags, and others have others', () => {
  const { planDigest } = prepare('{"team": "a", "other": "x"}');
  expect(planDigest).toMatch(/^sha256:[\da-f]{64}$/);
  expect(prepare('{"other": "x", "team": "a"}').planDigest).toBe(planDigest);
  expect(prepare('{"team": "b", "other": "x"}').planDigest).not.toBe(planDigest);
});
