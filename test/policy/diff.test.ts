import { expect, test } from 'vitest';
import { diffContent, formatChanges } from '../../src/policy/diff.js';

const rule = (name: string, maxVCPUs: number) => ({ name, resource: 'compute/instance', constraint: { maxVCPUs } });
const policy = (...rules: readonly ReturnType<typeof rule>[]) => ({ metadata: { name: 'limits' }, spec: { type: 'ResourceLimit', rules } });

test('the same content has no difference', () => {
  expect(diffContent(policy(rule('a', 1)), policy(rule('a', 1)))).toEqual([]);
  expect(formatChanges([])).toBe('no difference');
});

test('rules are matched by their names: a raised limit is one change of one value', () => {
  expect(formatChanges(diffContent(policy(rule('a', 16), rule('b', 4)), policy(rule('a', 32), rule('b', 4))))).toBe(
    '~ spec.rules[a].constraint.maxVCPUs: 16 → 32',
  );
});

test('a rule that came or went is told as a whole', () => {
  const changes = diffContent(policy(rule('a', 1)), policy(rule('b', 2)));
  expect(changes).toEqual([
    { kind: 'removed', path: 'spec.rules[a]', from: rule('a', 1), to: null },
    { kind: 'added', path: 'spec.rules[b]', from: null, to: rule('b', 2) },
  ]);
});

test('an order that changed is told and nothing else', () => {
  expect(formatChanges(diffContent(policy(rule('a', 1), rule('b', 2)), policy(rule('b', 2), rule('a', 1))))).toBe(
    '> spec.rules[b]: from place 2 to 1\n> spec.rules[a]: from place 1 to 2',
  );
});

test('lists of plain values change as a whole', () => {
  expect(formatChanges(diffContent({ scope: ['compute/*'] }, { scope: ['compute/*', 'storage/*'] }))).toBe(
    '~ scope: ["compute/*"] → ["compute/*","storage/*"]',
  );
});
