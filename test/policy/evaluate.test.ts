import { describe, expect, it } from 'vitest';
import { budgetKey } from '../../src/policy/budget.js';
import { compilePolicies, longestPeriodMs, policySetInput } from '../../src/policy/compile.js';
import { DAY } from '../../src/policy/durations.js';
import { evaluateRequest, evaluateResource } from '../../src/policy/evaluate.js';
import { compileExceptions, NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Policy, Resource } from '../../src/policy/model.js';
import { standingsByPolicy } from '../../src/policy/standing.js';
import { compile, exception, policyOf, resource, shippedPolicies } from './samples.js';

const AT = Date.UTC(2026, 0, 15);
const shipped = compile(shippedPolicies());
const oversized = resource({
  specs: { vcpus: 32, memoryGb: 128, instanceFamily: 'gpu' },
  tags: { 'cost-center': 'INVALID', environment: 'test' },
  namespace: 'production',
});

describe('a request', () => {
  it('is answered with everything that is wrong at once, in the order of request, policy, rule and path', () => {
    const { decision, violations } = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [resource(), oversized, oversized] }, AT);
    expect(decision).toBe('deny');
    const one = [
      ['mandatory-tags', 'tags.cost-center', "Tag 'cost-center' value 'INVALID' does not match required pattern"],
      [
        'mandatory-tags',
        'tags.environment',
        "Tag 'environment' value 'test' is not in allowed values: ['production', 'staging', 'development', 'sandbox']",
      ],
      ['mandatory-tags', 'tags.owner', "Required tag 'owner' is missing"],
      ['mandatory-tags', 'tags.project', "Required tag 'project' is missing"],
      ['resource-limits', 'specs.instance_family', "Instance family 'gpu' is not allowed"],
      ['resource-limits', 'specs.memory_gb', 'Requested 128GB memory exceeds limit of 64GB'],
      ['resource-limits', 'specs.vcpus', 'Requested 32 vCPUs exceeds limit of 16'],
    ];
    expect(violations.map(({ policyName, path, message }) => [policyName, path, message])).toEqual([...one, ...one]);
    expect(violations.map(({ resourceIndex }) => resourceIndex)).toEqual([...one.map(() => 1), ...one.map(() => 2)]);
  });

  it('that breaks nothing is allowed, without findings', () => {
    const answer = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [resource()] }, AT);
    expect(answer).toEqual({
      decision: 'allow',
      violations: [],
      warnings: [],
      unknowns: [],
      errors: [],
      exceptionsApplied: [],
      notes: [],
      holds: [],
    });
  });

  it('with an exception is allowed under it, and says so, while it is in force', () => {
    const tagged = resource({ specs: oversized.specs });
    const exceptions = compileExceptions([exception({ expiresAt: AT + 1 })]);
    const ask = (at: number) => evaluateRequest(shipped, exceptions, { resources: [tagged] }, at);
    expect(ask(AT)).toMatchObject({
      decision: 'allow',
      violations: [],
      exceptionsApplied: [
        { id: 'exc_1', policyName: 'resource-limits', ruleName: 'max-instance-size', expiresAt: AT + 1, resourceIndex: 0 },
      ],
    });
    expect(ask(AT + 1).decision).toBe('deny');
  });

  it('uses an exception as often as its cap on uses leaves, and no more', () => {
    const selector = { kind: 'selector', tags: { owner: 'dana@company.com' }, account: null } as const;
    const capped = exception({ target: selector, caps: { uses: 3, money: null }, used: { uses: 1, money: '0' } });
    const plan = { resources: ['i-1', 'i-2', 'i-3'].map((id) => resource({ id, specs: oversized.specs })) };
    const ask = (context = {}) => evaluateRequest(shipped, compileExceptions([capped]), plan, AT, context);
    const indexesOf = (parts: readonly { readonly resourceIndex: number }[]) => [...new Set(parts.map((part) => part.resourceIndex))];
    expect(indexesOf(ask().exceptionsApplied)).toEqual([0, 1]);
    expect(indexesOf(ask().violations)).toEqual([2]);
    expect(indexesOf(ask({ usesLeft: new Map([['exc_1', 1]]) }).exceptionsApplied)).toEqual([0]);
    expect(ask({ usesLeft: new Map([['exc_1', 3]]) }).decision).toBe('allow');
  });

  it('uses no exception where nothing is violated', () => {
    const answer = evaluateRequest(shipped, compileExceptions([exception()]), { resources: [resource()] }, AT);
    expect(answer.exceptionsApplied).toEqual([]);
  });

  it('is denied by an unknown only where the rule says so', () => {
    const rules = (onUnknown: string, more = ''): string => `[{ name: a, onUnknown: ${onUnknown}, ${more} constraint: { maxVCPUs: 4 } }]`;
    const decide = (text: string): string =>
      evaluateRequest(compile([policyOf('ResourceLimit', text)]), NO_EXCEPTIONS, { resources: [resource({ specs: {} })] }, AT).decision;
    expect(decide(rules('deny'))).toBe('deny');
    expect(decide(rules('deny', 'severity: high,'))).toBe('warn');
    expect(decide(rules('deny', 'enforcement: audit,'))).toBe('allow');
    expect(decide(rules('warn'))).toBe('warn');
    expect(decide(rules('ignore'))).toBe('allow');
  });
});

describe('a request that touches a budget', () => {
  const limits = (name: string) => policyOf('ResourceLimit', '[{ name: small, constraint: { maxVCPUs: 4 } }]', name);
  const budget = policyOf('BudgetLimit', '[{ name: web, selector: { tags: { project: web } }, budget: { monthly: 1000 } }]', 'm-budget');
  const set = compile([limits('z-limits'), budget, limits('a-limits')]);
  const small = resource({ specs: { vcpus: 4 } });
  const stateOf = (actual: string) => {
    const state = {
      policyName: 'm-budget',
      ruleName: 'web',
      period: '2026-01',
      actual,
      committed: '0',
      held: '0',
      actualUntil: null,
      crossed: [],
    };
    return new Map([[budgetKey(state), state]]);
  };
  const ask = (resources: readonly Resource[], actual: string, exceptions = NO_EXCEPTIONS) =>
    evaluateRequest(set, exceptions, { resources }, AT, { budgets: stateOf(actual) });

  it('holds what it will cost when it is allowed, and nothing when it is not', () => {
    expect(ask([small], '0')).toMatchObject({ decision: 'allow', holds: [{ period: '2026-01', amount: '156.67' }] });
    expect(ask([small, resource()], '0')).toMatchObject({ decision: 'deny', holds: [] });
    expect(ask([small], '900')).toMatchObject({ decision: 'deny', holds: [] });
  });

  it('is answered in the order of request, policy and rule', () => {
    const { violations } = ask([resource(), resource()], '1000');
    expect(violations.map(({ resourceIndex, policyName }) => [resourceIndex, policyName])).toEqual([
      [0, 'a-limits'],
      [0, 'm-budget'],
      [0, 'z-limits'],
      [1, 'a-limits'],
      [1, 'z-limits'],
    ]);
  });

  it('is allowed under an exception, told in that order, and holds all the same', () => {
    const of = (id: string, policyName: string, ruleName: string) => exception({ id, policyName, ruleName });
    const exceptions = compileExceptions([
      of('exc_z', 'z-limits', 'small'),
      of('exc_m', 'm-budget', 'web'),
      of('exc_a', 'a-limits', 'small'),
    ]);
    const answer = ask([resource()], '1000', exceptions);
    expect(answer.exceptionsApplied.map(({ id }) => id)).toEqual(['exc_a', 'exc_m', 'exc_z']);
    expect(answer).toMatchObject({ decision: 'allow', holds: [{ amount: '156.67' }] });
  });
});

describe('a policy that cannot be evaluated', () => {
  const broken: Policy = {
    name: 'broken',
    type: 'TagRequirement',
    rules: [
      { name: 'a', requiredTags: [{ key: 'x', pattern: '[' }] },
      { name: 'b', requiredTags: [{ key: 'y' }] },
    ],
  };
  const withBroken = compile([broken, ...shippedPolicies()]);

  it('counts as unknown for each of its rules, is told, and hides nothing', () => {
    const answer = evaluateRequest(withBroken, NO_EXCEPTIONS, { resources: [oversized] }, AT);
    expect(answer.errors.map(({ policyName, ruleName }) => [policyName, ruleName])).toEqual([
      ['broken', 'a'],
      ['broken', 'b'],
    ]);
    expect(answer.errors[0]?.message).toContain('missing closing ]');
    expect(answer.unknowns.map(({ ruleName, effect }) => [ruleName, effect])).toEqual([
      ['a', 'warn'],
      ['b', 'warn'],
    ]);
    expect(answer.violations).toHaveLength(7);
  });

  it('is an error at scan, and counts as unknown there', () => {
    const verdicts = evaluateResource(withBroken, NO_EXCEPTIONS, resource(), AT);
    expect(verdicts.filter(({ policyName }) => policyName === 'broken').map(({ verdict }) => verdict)).toEqual(['error', 'error']);
    expect(standingsByPolicy(verdicts).get('broken')).toBe('unknown');
  });
});

describe('a found resource', () => {
  it('gets one verdict for each rule that can concern it, with all failed checks within', () => {
    const verdicts = evaluateResource(shipped, NO_EXCEPTIONS, oversized, AT);
    expect(verdicts.map(({ policyName, ruleName, verdict }) => [policyName, ruleName, verdict])).toEqual([
      ['idle-resource-detection', 'low-utilization', 'compliant'],
      ['mandatory-tags', 'cost-center-required', 'violating'],
      ['resource-limits', 'max-instance-size', 'violating'],
    ]);
    expect(verdicts[2]?.finding?.checks.map(({ path }) => path)).toEqual(['specs.instance_family', 'specs.memory_gb', 'specs.vcpus']);
  });

  it('is excepted, with its finding, while an exception covers it', () => {
    const verdict = evaluateResource(shipped, compileExceptions([exception()]), oversized, AT)[2];
    expect(verdict).toMatchObject({ verdict: 'excepted', exceptionId: 'exc_1', finding: { severity: 'high', action: 'notify' } });
  });

  it('stands under each policy by its strictest verdict, and outside the rate where all is unknown', () => {
    const verdicts = evaluateResource(shipped, NO_EXCEPTIONS, { ...oversized, metrics: null }, AT);
    expect(Object.fromEntries(standingsByPolicy(verdicts))).toEqual({
      'idle-resource-detection': 'unknown',
      'mandatory-tags': 'violating',
      'resource-limits': 'violating',
    });
  });

  it('takes its grace and its action from the rule', () => {
    const policy = policyOf(
      'ResourceLimit',
      '[{ name: a, remediation: { action: terminate, grace: 12h, parameters: { actOnManaged: true } }, constraint: { maxVCPUs: 4 } }]',
    );
    const verdict = evaluateResource(compile([policy]), NO_EXCEPTIONS, resource(), AT)[0];
    expect(verdict?.finding).toMatchObject({
      action: 'terminate',
      graceMs: DAY / 2,
      parameters: { actOnManaged: true },
      estimatedMonthlySavings: '280.32',
    });
  });

  it('is resized to the size that the rule names', () => {
    const policy = policyOf(
      'ResourceLimit',
      '[{ name: a, remediation: { action: resize, parameters: { instanceType: m5.large } }, constraint: { maxVCPUs: 4 } }]',
    );
    const offers = [
      { instanceType: 'm5.large', instanceFamily: 'general-purpose', vcpus: 2, memoryGb: 8, arch: 'x86_64', hourly: '0.096' },
    ];
    const verdict = evaluateResource(compile([policy]), NO_EXCEPTIONS, resource(), AT, { offers: () => offers })[0];
    expect(verdict?.finding).toMatchObject({ action: 'resize', parameters: { targetType: 'm5.large' }, estimatedMonthlySavings: '210.24' });
  });
});

describe('a set of policies', () => {
  it('is the same whatever order it came in', () => {
    const reversed = compile([...shippedPolicies()].reverse());
    expect(policySetInput(reversed)).toBe(policySetInput(shipped));
    expect(policySetInput(compilePolicies([]))).not.toBe(policySetInput(shipped));
  });

  it('says how far back its metrics must reach', () => {
    expect(longestPeriodMs(shippedPolicies())).toBe(7 * DAY);
    expect(longestPeriodMs([])).toBe(0);
  });
});
