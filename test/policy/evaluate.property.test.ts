import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateRequest, evaluateRequestInSlices, evaluateResource } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import { judge } from '../../src/policy/judge.js';
import { effectiveNamespace, isUnknownPath } from '../../src/policy/match.js';
import type { Policy, Resource } from '../../src/policy/model.js';
import type { Decision, DecisionWord } from '../../src/policy/verdict.js';
import { compileAll, deepFreeze, limitPolicy, OFFERS, policies, resource, TAG_KEYS, tagPolicy } from './arbitrary.js';
import { shippedPolicies } from './samples.js';

const context = { offers: () => OFFERS };

function ask(list: readonly Policy[], resources: readonly Resource[]): Decision {
  return evaluateRequest(compileAll(list), NO_EXCEPTIONS, { resources }, 0, context);
}

const requests = fc.array(resource, { maxLength: 4 });
const shipped = shippedPolicies();
/** Beside the ready policies, of every type. */
const anyPolicies = policies.map((list) => [...list, ...shipped]);
/** Without budgets, which judge the sum of a request. */
const ofEachResource = anyPolicies.map((list) => list.filter(({ type }) => type !== 'BudgetLimit'));

describe('an evaluation', () => {
  it('never throws and never changes its arguments', () => {
    fc.assert(
      fc.property(anyPolicies, resource, (list, found) => {
        const compiled = compileAll(deepFreeze(list));
        deepFreeze(found);
        deepFreeze(OFFERS);
        expect(evaluateRequest(compiled, NO_EXCEPTIONS, deepFreeze({ resources: [found] }), 0, context).errors).toEqual([]);
        const verdicts = evaluateResource(compiled, NO_EXCEPTIONS, found, 0, context);
        expect(verdicts.filter(({ verdict }) => verdict === 'error')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('does not depend on the order of the policies, nor of their rules', () => {
    fc.assert(
      fc.property(anyPolicies, requests, (list, resources) => {
        const reversed = list.map((policy) => ({ ...policy, rules: [...policy.rules].reverse() }) as Policy).reverse();
        expect(ask(reversed, resources)).toEqual(ask(list, resources));
      }),
      { numRuns: 100 },
    );
  });

  it('tells what it finds in the order of request, policy, rule and path', () => {
    fc.assert(
      fc.property(policies, requests, (list, resources) => {
        const { violations, warnings, unknowns } = ask(list, resources);
        for (const part of [violations, warnings, unknowns]) {
          const places = part.map(({ resourceIndex, policyName, ruleName, path }) => [resourceIndex, policyName, ruleName, path].join(' '));
          expect(places).toEqual([...places].sort());
        }
      }),
      { numRuns: 200 },
    );
  });

  it('says of a resource what it says of it alone, whatever else is in the request', () => {
    fc.assert(
      fc.property(ofEachResource, resource, resource, (list, first, second) => {
        const both = ask(list, [first, second]);
        const alone = ask(list, [second]);
        for (const part of ['violations', 'warnings', 'unknowns'] as const) {
          const ofSecond = both[part].filter(({ resourceIndex }) => resourceIndex === 1);
          expect(ofSecond.map((finding) => ({ ...finding, resourceIndex: 0 }))).toEqual(alone[part]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is a function of its arguments: the same text, byte for byte, whatever was judged before', () => {
    fc.assert(
      fc.property(policies, requests, requests, (list, before, resources) => {
        const compiled = compileAll(list);
        const text = (set: typeof compiled, of: readonly Resource[]): string =>
          JSON.stringify(evaluateRequest(set, NO_EXCEPTIONS, { resources: of }, 0, context));
        const first = text(compiled, resources);
        text(compiled, before);
        expect(text(compiled, resources)).toBe(first);
        const stored = JSON.parse(JSON.stringify({ list, resources })) as { list: Policy[]; resources: Resource[] };
        expect(text(compileAll(stored.list), stored.resources)).toBe(first);
      }),
      { numRuns: 100 },
    );
  });

  it('gives nothing away by which a later answer could be changed', () => {
    fc.assert(
      fc.property(policies, resource, (list, found) => {
        const compiled = compileAll(list);
        const answer = () => evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [found] }, 0, context);
        const verdicts = () => evaluateResource(compiled, NO_EXCEPTIONS, found, 0, context);
        const text = JSON.stringify([answer(), verdicts()]);
        spoil(answer());
        spoil(verdicts());
        expect(JSON.stringify([answer(), verdicts()])).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it('in slices gives the same answer, and lets others have their turn', async () => {
    const property = fc.asyncProperty(policies, fc.array(resource, { minLength: 1, maxLength: 4 }), async (list, some) => {
      const compiled = compileAll(list);
      const request = { resources: Array.from({ length: 2_500 }, () => some).flat() };
      let pauses = 0;
      const pause = async (): Promise<void> => {
        pauses += 1;
      };
      const sliced = await evaluateRequestInSlices(compiled, NO_EXCEPTIONS, request, 0, { ...context, pause });
      expect(sliced).toEqual(evaluateRequest(compiled, NO_EXCEPTIONS, request, 0, context));
      const judged = request.resources.reduce((sum, found) => sum + compiled.rulesAtDeploy(found).length, 0);
      expect(pauses).toBeGreaterThanOrEqual(Math.floor(judged / 5_000));
    });
    await fc.assert(property, { numRuns: 5 });
  });
});

/** Changes what can be changed, at any depth. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    spoil(Reflect.get(value, key));
    Reflect.set(value, key, 'spoilt');
  }
}

const STRICTNESS: Readonly<Record<DecisionWord, number>> = { allow: 0, warn: 1, needs_approval: 2, deny: 3 };

function strictness(list: readonly Policy[], found: Resource): number {
  return STRICTNESS[ask(list, [found]).decision];
}

const unscoped = { namespace: fc.constant(undefined), common: fc.record({ onUnknown: fc.constantFrom('deny' as const, 'warn' as const) }) };
const NUMBERS = ['vcpus', 'memoryGb', 'sizeGb', 'storageGb', 'iops', 'bandwidthMbps'] as const;

describe('a smaller request', () => {
  it('is never judged harder by a ResourceLimit: any number that is given, lowered', () => {
    fc.assert(
      fc.property(limitPolicy(), resource, fc.constantFrom(...NUMBERS), fc.integer({ min: 0, max: 99 }), (policy, found, spec, percent) => {
        const value = found.specs[spec];
        if (value === undefined) return;
        const smaller = { ...found, specs: { ...found.specs, [spec]: (value * percent) / 100 } };
        expect(strictness([policy], smaller)).toBeLessThanOrEqual(strictness([policy], found));
      }),
      { numRuns: 200 },
    );
  });

  it('is never judged harder for one tag more, by a ResourceLimit or a TagRequirement that applies whatever the tags are', () => {
    fc.assert(
      fc.property(
        fc.oneof(limitPolicy(unscoped), tagPolicy(unscoped)),
        resource,
        fc.constantFrom(...TAG_KEYS),
        fc.string(),
        (policy, found, key, value) => {
          if (Object.hasOwn(found.tags, key)) return;
          const tagged = { ...found, tags: Object.fromEntries([...Object.entries(found.tags), [key, value]]) };
          expect(strictness([policy], tagged)).toBeLessThanOrEqual(strictness([policy], found));
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** The globs of these policies, read in the plainest way. */
function names(glob: string, type: string): boolean {
  return glob === '*' || glob === type || (glob === 'compute/*' && type.startsWith('compute/'));
}

describe('a policy that cannot apply', () => {
  it('is the only kind that is left out of judging', () => {
    fc.assert(
      fc.property(policies, resource, (list, found) => {
        const compiled = compileAll(list);
        const judged = new Set(compiled.rulesAtDeploy(found));
        const left = compiled.rulesFor(found.type, 'deploy').filter((rule) => !judged.has(rule));
        const question = { point: 'deploy', at: 0, ...context } as const;
        expect(left.filter((rule) => judge(rule, found, question).verdict !== 'not-applicable')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('changes nothing: of another namespace, or for other types', () => {
    fc.assert(
      fc.property(policies, fc.oneof(limitPolicy(), tagPolicy()), resource, (list, other, found) => {
        const own = effectiveNamespace(found);
        const otherNamespace = other.namespace !== undefined && own !== null && other.namespace !== own;
        const otherTypes = other.rules.every(
          ({ resource: globs }) => globs !== undefined && !globs.some((glob) => names(glob, found.type)),
        );
        if (!otherNamespace && !otherTypes) return;
        expect(ask([...list, { ...other, name: 'another' }], [found])).toEqual(ask(list, [found]));
      }),
      { numRuns: 300 },
    );
  });
});

describe('an unknown path', () => {
  it('covers itself and, where it names a section, all that is in it', () => {
    const unknown = (path: string, ...unknownPaths: readonly string[]): boolean =>
      isUnknownPath({ unknownPaths } as unknown as Resource, path);
    expect(unknown('tags.owner', 'tags')).toBe(true);
    expect(unknown('tags.owner', 'specs', 'tags.owner')).toBe(true);
    expect(unknown('namespace', 'namespace')).toBe(true);
    expect(unknown('tags.owner', 'tag', 'tags.own', 'tags.owners')).toBe(false);
    expect(unknown('tags.app.kubernetes.io/name', 'tags.app')).toBe(false);
  });
});
