/** The quick way and the schema take the same requests, and make the same of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluateRequest, toResources } from '../../src/api/contract/evaluate.js';
import { fastRequest } from '../../src/api/contract/fast-request.js';
import { RESOURCE_TYPES } from '../../src/policy/specs.js';

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, '', ' ', ' dana', 'a'.repeat(300), 'a'.repeat(3_000), [], {}, { __proto__: null }),
  fc.jsonValue(),
);
const often = (usual: fc.Arbitrary<unknown>) => fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: odd });
const word = often(fc.oneof(fc.string({ minLength: 1, maxLength: 60 }), fc.string({ minLength: 60, maxLength: 66 })));
const number = often(fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true })));
const tags = fc.dictionary(fc.oneof(fc.string(), fc.string({ minLength: 250, maxLength: 260 })), often(fc.string()));
const specs = fc.record(
  {
    vcpus: number,
    memory_gb: number,
    storage_gb: number,
    iops: number,
    term_months: number,
    instance_family: word,
    volume_type: word,
  },
  { requiredKeys: [] },
);
const type = often(fc.constantFrom(...RESOURCE_TYPES, 'aws/sagemaker-endpoint'));
const usual = { type, name: word, namespace: word, account: word, region: word, tags: often(tags), specs: often(specs) };
const body = fc.oneof(
  fc.record({ ...usual, requester: word, idempotency_key: word, dry_run: often(fc.boolean()) }, { requiredKeys: ['type'] }),
  fc.record(
    { ...usual, provider: word, id: word, address: word, state: word, cost: odd, resources: odd, surplus: odd },
    { requiredKeys: [] },
  ),
  odd,
);

describe('a request that is read the quick way', () => {
  test('is one that the schema takes, and is read as the schema reads it', () => {
    let quick = 0;
    fc.assert(
      fc.property(body, (made) => {
        const parsed = JSON.parse(JSON.stringify(made)) as unknown;
        const fast = fastRequest(parsed);
        if (fast === undefined) return;
        quick += 1;
        const slow = evaluateRequest.parse(parsed);
        expect(fast).toStrictEqual(slow);
        expect(toResources(fast)).toStrictEqual(toResources(slow));
      }),
      { numRuns: 5_000 },
    );
    expect(quick).toBeGreaterThan(500);
  });

  test.each([
    [
      'the longest texts',
      { type: 'compute/instance', account: 'a'.repeat(128), requester: 'a'.repeat(200), tags: { ['k'.repeat(256)]: 'v'.repeat(1_024) } },
      true,
    ],
    ['a text that is too long', { type: 'compute/instance', account: 'a'.repeat(129) }, false],
    ['a tag key that is too long', { type: 'compute/instance', tags: { ['k'.repeat(257)]: 'v' } }, false],
    ['a tag value that is too long', { type: 'compute/instance', tags: { k: 'v'.repeat(1_025) } }, false],
    ['blanks around the requester', { type: 'compute/instance', requester: ' dana' }, false],
    ['an unknown key', { type: 'compute/instance', surplus: 1 }, false],
    ['a name of the prototype', { type: 'compute/instance', constructor: 'x' }, false],
    ['a spec of the prototype', { type: 'compute/instance', specs: { toString: 'x' } }, false],
    ['a type of a provider', { type: 'aws/sagemaker-endpoint' }, false],
    ['a type that nobody knows', { type: 'compute/instnce' }, false],
    ['no type', { name: 'x' }, false],
    ['a list', [], false],
    ['null', null, false],
    ['nothing', undefined, false],
  ])('%s', (_name, given, isTaken) => {
    expect(fastRequest(given) !== undefined).toBe(isTaken);
  });

  test('`__proto__`, and a number without end, are for the schema', () => {
    for (const text of [
      '{"type":"compute/instance","__proto__":{}}',
      '{"type":"compute/instance","tags":{"__proto__":"x"}}',
      '{"type":"compute/instance","specs":{"vcpus":1e999}}',
    ])
      expect(fastRequest(JSON.parse(text))).toBeUndefined();
  });
});
