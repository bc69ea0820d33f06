import { describe, expect, it } from 'vitest';
import { canonicalJson, rulesFingerprintInput } from '../../src/policy/canonical.js';
import type { Policy } from '../../src/policy/model.js';
import { policyOf } from './samples.js';

describe('canonical JSON', () => {
  it('is the same for equal values, whatever the order of their keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    expect(canonicalJson({ x: 1, y: 2 })).toBe(canonicalJson({ y: 2, x: 1 }));
    expect(canonicalJson([undefined])).toBe('[null]');
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

describe('the fingerprint of a policy', () => {
  const base = policyOf(
    'TagRequirement',
    '[{ name: a, requiredTags: [{ key: description, maxLength: 5 }] }, { name: b, requiredTags: [{ key: y }] }]',
  );
  const of = (rules: string): string => rulesFingerprintInput(policyOf('TagRequirement', rules));

  it('does not change with texts, labels, or the order of rules', () => {
    const texts =
      '[{ name: b, description: new, requiredTags: [{ key: y, description: new }] }, { name: a, requiredTags: [{ maxLength: 5, key: description }] }]';
    expect(of(texts)).toBe(rulesFingerprintInput(base));
    const renamed: Policy = { ...base, description: 'new', labels: { a: 'b' } };
    expect(rulesFingerprintInput(renamed)).toBe(rulesFingerprintInput(base));
  });

  it('changes with anything that can change a verdict, an action or a deadline', () => {
    const variants = [
      '[{ name: a, requiredTags: [{ key: description, maxLength: 6 }] }, { name: b, requiredTags: [{ key: y }] }]',
      '[{ name: a, requiredTags: [{ key: description, maxLength: 5 }] }]',
      '[{ name: a, severity: low, requiredTags: [{ key: description, maxLength: 5 }] }, { name: b, requiredTags: [{ key: y }] }]',
      '[{ name: a, remediation: { grace: 1d }, requiredTags: [{ key: description, maxLength: 5 }] }, { name: b, requiredTags: [{ key: y }] }]',
      '[{ name: a, selector: { tags: { description: x } }, requiredTags: [{ key: description, maxLength: 5 }] }, { name: b, requiredTags: [{ key: y }] }]',
    ].map(of);
    const all = [rulesFingerprintInput(base), rulesFingerprintInput({ ...base, namespace: 'production' }), ...variants];
    expect(new Set(all).size).toBe(all.length);
  });
});
