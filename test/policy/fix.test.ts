import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { exampleOf } from '../../src/policy/example.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Resource } from '../../src/policy/model.js';
import { exampleOfPattern } from '../../src/policy/pattern-example.js';
import type { Offer } from '../../src/policy/rules/check.js';
import { SPEC_WIRE } from '../../src/policy/specs.js';
import { compile, resource, shippedPolicies } from './samples.js';

const shipped = compile(shippedPolicies());

const OFFERS: readonly Offer[] = [
  { instanceType: 'm5.large', instanceFamily: 'general-purpose', vcpus: 2, memoryGb: 8, arch: 'x86_64', hourly: '0.096' },
  { instanceType: 'm5.4xlarge', instanceFamily: 'general-purpose', vcpus: 16, memoryGb: 64, arch: 'x86_64', hourly: '0.768' },
  { instanceType: 'c5.18xlarge', instanceFamily: 'compute-optimized', vcpus: 72, memoryGb: 144, arch: 'x86_64', hourly: '3.06' },
];

/** The resource with the values at these wire paths set. */
function apply(found: Resource, set: Readonly<Record<string, unknown>>): Resource {
  const entries = Object.entries(set);
  const tags = entries.flatMap(([path, value]) => (path.startsWith('tags.') ? [[path.slice(5), String(value)] as const] : []));
  const specs = entries.flatMap(([path, value]) => {
    const key = Object.entries(SPEC_WIRE).find(([, wire]) => path === `specs.${wire}`)?.[0];
    return key === undefined ? [] : [[key, value] as const];
  });
  return { ...found, tags: { ...found.tags, ...Object.fromEntries(tags) }, specs: { ...found.specs, ...Object.fromEntries(specs) } };
}

const wrong = fc.record({
  tags: fc.dictionary(
    fc.constantFrom('cost-center', 'owner', 'project'),
    fc.constantFrom('x', 'CC-000001', 'dana@company.com', 'y'.repeat(60)),
  ),
  vcpus: fc.integer({ min: 1, max: 200 }),
  memoryGb: fc.integer({ min: 1, max: 500 }),
  instanceFamily: fc.constantFrom('gpu', 'burstable', 'general-purpose'),
  instanceType: fc.option(fc.constantFrom('m5.large', 'x1.32xlarge'), { nil: undefined }),
});

describe('a fix', () => {
  it('is enough: a request with all its fixes applied is allowed', () => {
    fc.assert(
      fc.property(wrong, ({ tags, vcpus, memoryGb, instanceFamily, instanceType }) => {
        const specs = { vcpus, memoryGb, instanceFamily, ...(instanceType === undefined ? {} : { instanceType }) };
        const asked = resource({ specs, tags, namespace: 'production' });
        const context = { offers: () => OFFERS };
        const { violations } = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [asked] }, 0, context);
        const set = Object.assign({}, ...violations.map(({ fix }) => fix?.set ?? {}));
        const fixed = apply(asked, set);
        expect(evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [fixed] }, 0, context).violations).toEqual([]);
      }),
    );
  });

  it('changes no argument of the evaluation that offers it', () => {
    const frozen = OFFERS.map((offer) => Object.freeze({ ...offer }));
    const asked = resource({ specs: { vcpus: 32, memoryGb: 128, instanceFamily: 'gpu' } });
    const { violations } = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [asked] }, 0, { offers: () => Object.freeze(frozen) });
    expect(violations[2]?.fix).toEqual({ set: { 'specs.vcpus': 16 }, text: 'use at most 16 vCPUs, for example m5.4xlarge' });
  });
});

describe('an example of a pattern', () => {
  it.each([
    ['^CC-[0-9]{6}$', 'CC-000000'],
    [String.raw`^[a-z]+@company\.com$`, 'a@company.com'],
    ['^(prod|stage)-[a-z0-9]+$', 'prod-a'],
    [String.raw`^\d{2,4}x?y*z+$`, '00z'],
    ['^[^a-z]b{0}.$', '0x'],
    ['(?P<team>t)-(?:u)', 't-u'],
    ['(?i)abc', undefined],
    ['[[:alpha:]]', undefined],
    [String.raw`\pL`, undefined],
  ])('%s is %s', (pattern, example) => expect(exampleOfPattern(pattern)).toBe(example));

  it('passes every condition of its tag, or there is none', () => {
    const long = (value: string): boolean => /^a+$/.test(value) && value.length >= 5;
    expect(exampleOf({ key: 'k', pattern: '^a+$', minLength: 5 }, long)).toBe('aaaaa');
    expect(exampleOf({ key: 'project', maxLength: 4 }, (value) => value.length <= 4)).toBe('proj');
    expect(exampleOf({ key: 'k', allowedValues: ['x', 'yy'] }, (value) => value === 'yy')).toBe('yy');
    expect(exampleOf({ key: 'k', pattern: '(?i)z' }, () => false)).toBeUndefined();
  });
});
