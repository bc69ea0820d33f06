import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BudgetState, budgetKey } from '../../src/policy/budget.js';
import { type EvaluationContext, evaluateRequest } from '../../src/policy/evaluate.js';
import { compileExceptions, NO_EXCEPTIONS } from '../../src/policy/exception.js';
import { type Explanation, explainRequest, type RuleExplanation } from '../../src/policy/explain.js';
import type { Policy, Resource } from '../../src/policy/model.js';
import { compile, exception, policyOf, resource, shippedPolicies } from './samples.js';

const AT = Date.UTC(2026, 0, 15);

const broken: Policy = { name: 'broken', type: 'TagRequirement', rules: [{ name: 'b', requiredTags: [{ key: 'x', pattern: '[' }] }] };
const policies: readonly Policy[] = [
  ...shippedPolicies(),
  broken,
  policyOf(
    'ApprovalRequirement',
    '[{ name: abroad, resource: "compute/*", when: { regionsOutside: [eu-central-1] }, approvers: [finops] }, { name: dear, onUnknown: deny, when: { monthlyCostAbove: 100 }, approvers: [finops] }]',
    'approvals',
  ),
  policyOf(
    'Schedule',
    '[{ name: office, selector: { tags: { team: a } }, timezone: UTC, running: [{ days: [mon], from: "08:00", to: "18:00" }] }]',
    'hours',
  ),
  policyOf(
    'ResourceLimit',
    '[{ name: cost, scope: ["compute/*", "storage/*"], enforcement: audit, constraint: { maxMonthlyCost: 90 } }]',
    'costs',
  ),
  policyOf(
    'BudgetLimit',
    '[{ name: team-a, selector: { tags: { team: a } }, budget: { monthly: 100 } }, { name: account, onUnknown: deny, selector: { account: "1", service: "compute/*" }, budget: { monthly: 1000 } }]',
    'budgets',
  ),
];
const compiled = compile(policies);

function explain(asked: Resource, context: EvaluationContext = {}): ReadonlyMap<string, RuleExplanation> {
  const { ofResource } = explainRequest(compiled, NO_EXCEPTIONS, { resources: [asked] }, AT, context);
  return new Map(ofResource(0).map((one) => [one.rule.key, one]));
}

describe('an explanation', () => {
  const web = resource({
    namespace: 'staging',
    tags: { team: 'b' },
    account: '2',
    cost: { hourly: null, monthly: '95', source: 'request' },
  });

  it.each([
    ['idle-resource-detection/low-utilization', 'no', 'judged at scan only: there is no resource yet'],
    ['orphaned-resource-detection/unattached-volume', 'no', 'judged at scan only: there is no resource yet'],
    ['resource-limits/max-database-size', 'no', 'resource type compute/instance is not database/instance'],
    ['resource-limits/max-instance-size', 'no', 'namespace is staging, the policy is for production'],
    ['hours/office', 'no', 'selector asks tag team=a, it is b'],
    ['team-budgets/project-alpha-budget', 'no', 'selector asks tag project=alpha, the resource has none'],
    ['budgets/account', 'no', 'selector asks account 1, it is 2'],
    ['approvals/abroad', 'yes', 'resource type is compute/instance'],
    ['costs/cost', 'yes', 'it applies to every resource'],
  ])('of %s says %s: %s', (key, applies, reason) => {
    expect(explain(web).get(key)).toMatchObject({ applies, reason });
  });

  it.each<[string, Partial<Resource>, string, string, string]>([
    ['hours/office', { tags: { team: 'a' } }, 'yes', 'tag team is a', 'compliant'],
    ['hours/office', { type: 'storage/bucket', tags: { team: 'a' } }, 'no', 'it asks nothing of a storage/bucket', 'not-applicable'],
    ['hours/office', { unknownPaths: ['tags'] }, 'unknown', 'tags.team is known after apply', 'compliant'],
    ['hours/office', { unknownPaths: ['tags'], unknownReason: 'not given' }, 'unknown', 'tags.team is not given', 'compliant'],
    [
      'mandatory-tags/cost-center-required',
      { type: 'network/nat-gateway', taggable: false },
      'no',
      'resource type network/nat-gateway cannot carry tags',
      'not-applicable',
    ],
    [
      'resource-limits/max-instance-size',
      { namespace: 'production' },
      'yes',
      'resource type is compute/instance, namespace is production',
      'compliant',
    ],
    ['resource-limits/max-instance-size', { namespace: null }, 'unknown', 'namespace is not given', 'compliant'],
    ['resource-limits/max-instance-size', { namespace: null, specs: { vcpus: 99 } }, 'unknown', 'namespace is not given', 'unknown'],
    [
      'costs/cost',
      { type: 'network/address' },
      'no',
      'resource type network/address is not in scope compute/* or storage/*',
      'not-applicable',
    ],
    [
      'budgets/account',
      { type: 'storage/bucket', account: '1' },
      'no',
      'resource type storage/bucket is not of service compute/*',
      'not-applicable',
    ],
    ['budgets/account', { account: '1' }, 'yes', 'account is 1', 'unknown'],
    ['budgets/account', { account: null }, 'unknown', 'account is not given', 'unknown'],
    ['budgets/account', { account: '1', previousMonthly: '95' }, 'no', 'it adds no cost', 'not-applicable'],
    ['broken/b', {}, 'yes', 'it applies to every resource', 'error'],
  ])('of %s for %j says %s: %s, and that it is %s', (key, differing, applies, reason, verdict) => {
    expect(explain({ ...web, ...differing }).get(key)).toMatchObject({ applies, reason, verdict });
  });

  it('says what failed and what that does, and what an approval or an exception lifts', () => {
    const tagged = resource({ specs: { vcpus: 32, memoryGb: 8, instanceFamily: 'general-purpose' } });
    const exceptions = compileExceptions([exception()]);
    const context = { approved: new Set(['approvals/abroad']) };
    const { ofResource, decision } = explainRequest(compiled, exceptions, { resources: [tagged] }, AT, context);
    const of = (key: string) => ofResource(0).find(({ rule }) => rule.key === key);
    expect(of('resource-limits/max-instance-size')).toMatchObject({ verdict: 'excepted', exceptionId: 'exc_1' });
    expect(of('resource-limits/max-instance-size')?.failed).toMatchObject([{ path: 'specs.vcpus', effect: 'deny' }]);
    expect(of('approvals/abroad')).toMatchObject({ verdict: 'violating', approved: true });
    expect(of('approvals/dear')).toMatchObject({ verdict: 'violating', approved: false });
    expect(decision.decision).toBe('needs_approval');
    expect(ofResource(1)).toEqual([]);
  });

  it('tells what a budget says of each resource that counts against it', () => {
    const tags = { ...resource().tags, team: 'a' };
    const state: BudgetState = {
      policyName: 'budgets',
      ruleName: 'team-a',
      period: '2026-01',
      actual: '99',
      committed: '0',
      held: '0',
      actualUntil: null,
      crossed: [],
    };
    const request = { resources: [resource(), resource({ tags }), resource({ tags })] };
    const { ofResource } = explainRequest(compiled, NO_EXCEPTIONS, request, AT, { budgets: new Map([[budgetKey(state), state]]) });
    const verdicts = request.resources.map((_, index) => ofResource(index).find(({ rule }) => rule.key === 'budgets/team-a')?.verdict);
    expect(verdicts).toEqual(['not-applicable', 'violating', 'violating']);
  });
});

const anyResource: fc.Arbitrary<Resource> = fc
  .record({
    type: fc.constantFrom('compute/instance', 'storage/volume', 'database/instance', 'aws/thing'),
    namespace: fc.constantFrom(null, 'production', 'staging'),
    region: fc.constantFrom(null, 'eu-central-1', 'us-east-1'),
    account: fc.constantFrom(null, '1', '2'),
    tags: fc.dictionary(fc.constantFrom('team', 'owner', 'environment', 'project'), fc.constantFrom('a', 'alpha', 'production')),
    specs: fc.record({ vcpus: fc.constantFrom(4, 32), sizeGb: fc.constantFrom(1, 5_000) }, { requiredKeys: [] }),
    monthly: fc.constantFrom(null, '10', '95', '5000'),
    high: fc.constantFrom(undefined, null, '6000'),
    unknownPaths: fc.subarray(['tags', 'specs.vcpus', 'namespace', 'region']),
  })
  .map(({ monthly, high, ...found }) => {
    const range = high === undefined ? {} : { range: { low: monthly ?? '0', high } };
    return resource({
      ...found,
      id: 'i-1',
      account: found.account ?? '111122223333',
      cost: { hourly: null, monthly, source: 'request', ...range },
    });
  });

const keyOf = (one: { readonly policyName: string; readonly ruleName: string }): string => `${one.policyName}/${one.ruleName}`;

/** What an explanation says of single resources, in the form in which a decision lists it. */
function listed({ ofResource }: Explanation, count: number): readonly string[] {
  const resources = Array.from({ length: count }, (_, index) => ofResource(index));
  return resources.flatMap((rules, index) =>
    rules
      .filter(({ rule }) => rule.budget === undefined)
      .flatMap(({ rule, verdict, failed, unknowns, exceptionId, approved, note }) => {
        if (exceptionId !== null) return [`${index} ${rule.key} excepted`];
        if (approved) return [];
        return [
          ...failed.map(({ path, effect }) => `${index} ${rule.key} ${path} ${effect}`),
          ...unknowns.map(({ path, reason }) => `${index} ${rule.key} ${path} ${reason}`),
          ...(verdict === 'error' ? [`${rule.key} error`] : []),
          ...(note === null ? [] : [`${index} ${rule.key} ${note}`]),
        ];
      }),
  );
}

it('agrees with the evaluation, for any request', () => {
  const exceptions = compileExceptions([
    exception(),
    exception({ id: 'exc_2', policyName: 'approvals', ruleName: 'dear', caps: { uses: 1, money: null } }),
  ]);
  const budgetKeys = new Set(policies.filter(({ type }) => type === 'BudgetLimit').map(({ name }) => name));
  const approvals = fc.subarray(['approvals/abroad', 'approvals/dear', 'resource-limits/max-instance-size']);
  fc.assert(
    fc.property(fc.array(anyResource, { maxLength: 3 }), approvals, (resources, approved) => {
      const context = { approved: new Set(approved) };
      const decision = evaluateRequest(compiled, exceptions, { resources }, AT, context);
      const explanation = explainRequest(compiled, exceptions, { resources }, AT, context);
      expect(explanation.decision).toEqual(decision);
      const told = [
        ...[...decision.violations, ...decision.warnings].map((one) => ({ ...one, words: `${one.path} ${one.effect}` })),
        ...decision.unknowns.map((one) => ({ ...one, words: `${one.path} ${one.reason}` })),
        ...decision.exceptionsApplied.map((one) => ({ ...one, words: 'excepted' })),
        ...decision.notes.map((one) => ({ ...one, words: one.message })),
      ]
        .filter(({ policyName }) => !budgetKeys.has(policyName))
        .map((one) => `${one.resourceIndex} ${keyOf(one)} ${one.words}`);
      const errors = decision.errors.map((one) => `${one.policyName}/${one.ruleName} error`);
      expect([...listed(explanation, resources.length)].sort()).toEqual([...told, ...errors].sort());
    }),
    { numRuns: 300 },
  );
});
