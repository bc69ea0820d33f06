import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { type BudgetState, budgetKey } from '../../src/policy/budget.js';
import { forecastOf, monthlyWithin, parsePeriod, periodAt, prorate } from '../../src/policy/budget-period.js';
import { touchedBudgets } from '../../src/policy/budget-rules.js';
import { compilePolicies } from '../../src/policy/compile.js';
import { DAY, HOUR } from '../../src/policy/durations.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { compileExceptions } from '../../src/policy/exception.js';
import { parsePolicyContent } from '../../src/policy/parse.js';
import { exception } from '../policy/samples.js';
import { AT, costing } from './budgets.js';

interface Case {
  readonly note: string;
  readonly budget: object;
  readonly rule?: object;
  readonly actual?: string;
  readonly committed?: string;
  readonly held?: string;
  readonly billedDays?: number;
  readonly crossed?: BudgetState['crossed'];
  readonly isKnown?: boolean;
  readonly approved?: boolean;
  readonly excepted?: readonly number[];
  readonly costs: readonly (string | null)[];
  readonly previous?: string | null;
  readonly unsure?: readonly string[];
  readonly want: {
    readonly decision: string;
    readonly holds?: readonly string[];
    readonly messages?: readonly string[];
    readonly paths?: readonly string[];
    readonly fix?: string;
    readonly resource?: number;
    readonly unknowns?: Readonly<Record<string, string>>;
  };
}

const FROM = Date.UTC(2026, 10);
const cases = load(readFileSync('test/cases/budget.yaml', 'utf8')) as readonly Case[];

function decide(given: Case) {
  const rule = { name: 'a', selector: { tags: { team: 'a' } }, budget: given.budget, ...given.rule };
  const { policy, issues } = parsePolicyContent({
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name: 'budgets' },
    spec: { type: 'BudgetLimit', rules: [rule] },
  });
  if (policy === undefined) throw new Error(JSON.stringify(issues));
  const compiled = compilePolicies([{ version: '1.0.0', policy }]);
  const previous = given.previous === undefined ? {} : { previousMonthly: given.previous };
  const resources = [
    ...given.costs.map((monthly, index) => costing(monthly, { id: `i-${index}`, ...previous })),
    ...(given.unsure ?? []).map((monthly) => costing(monthly, { tags: {}, unknownPaths: ['tags.team'] })),
  ];
  const states = touchedBudgets(compiled, resources, AT).map(({ policyName, ruleName, period }) => ({
    policyName,
    ruleName,
    period,
    actual: given.actual ?? '0',
    committed: given.committed ?? '0',
    held: given.held ?? '0',
    actualUntil: given.billedDays === undefined ? null : FROM + given.billedDays * DAY,
    crossed: given.crossed ?? [],
  }));
  const exceptions = (given.excepted ?? []).map((index) =>
    exception({
      id: `exc_${index}`,
      policyName: 'budgets',
      ruleName: 'a',
      target: { kind: 'resource', resourceId: `i-${index}`, account: '111122223333', resourceType: null },
    }),
  );
  return evaluateRequest(compiled, compileExceptions(exceptions), { resources }, AT, {
    ...(given.isKnown === false ? {} : { budgets: new Map(states.map((state) => [budgetKey(state), state])) }),
    ...(given.approved === true ? { approved: new Set(['budgets/a']) } : {}),
  });
}

describe('a budget at the gate', () => {
  test.each(cases.map((each) => [each.note, each] as const))('%s', (_, given) => {
    const { decision, holds, violations, warnings, unknowns } = decide(given);
    const { want } = given;
    const findings = [...violations, ...warnings];
    expect(decision).toBe(want.decision);
    if (want.holds !== undefined) expect(holds.map(({ amount }) => amount)).toEqual(want.holds);
    if (want.messages !== undefined) expect(findings.map(({ message }) => message)).toEqual(want.messages);
    if (want.paths !== undefined) expect(findings.map(({ path }) => path)).toEqual(want.paths);
    if (want.fix !== undefined) expect(findings[0]?.fix?.set['cost.monthly']).toBe(want.fix);
    if (want.resource !== undefined) expect(findings[0]?.resourceIndex).toBe(want.resource);
    if (want.decision === 'allow' && want.paths === undefined) expect(findings).toEqual([]);
    expect(Object.fromEntries(unknowns.map(({ path, reason }) => [path, reason]))).toEqual(want.unknowns ?? {});
  });
});

describe('what several periods of a rule have to say of one request', () => {
  const fixes = (given: Case) => decide(given).violations.map(({ fix }) => (fix === null ? null : (fix.set['cost.monthly'] as string)));
  const deny = (budget: object, more: Partial<Case> = {}): Case => ({
    note: '',
    budget,
    costs: ['200000'],
    want: { decision: 'deny' },
    ...more,
  });

  test('has one fix, which passes all of them', () => {
    const asked = deny({ monthly: 100, quarterly: 100_000 });
    const [monthly, ...others] = fixes(asked);
    expect(others).toEqual([monthly]);
    expect(decide({ ...asked, costs: [monthly ?? null] }).decision).toBe('allow');
  });

  test('has none where one of them has nothing left', () => {
    expect(fixes(deny({ monthly: 100, quarterly: 100_000 }, { actual: '100' }))).toEqual([null, null]);
  });
});

describe('a period', () => {
  test.each([
    ['monthly', Date.UTC(2026, 10, 30, 23, 59, 59, 999), '2026-11', '2026-11-01', '2026-12-01'],
    ['monthly', Date.UTC(2026, 11, 1), '2026-12', '2026-12-01', '2027-01-01'],
    ['quarterly', Date.UTC(2026, 11, 31), '2026-Q4', '2026-10-01', '2027-01-01'],
    ['quarterly', Date.UTC(2026, 3, 1), '2026-Q2', '2026-04-01', '2026-07-01'],
    ['yearly', Date.UTC(2024, 1, 29), '2024', '2024-01-01', '2025-01-01'],
  ] as const)('%s at %i is %s', (span, at, period, from, to) => {
    const found = periodAt(span, at);
    expect(found).toEqual({ span, period, from: Date.parse(from), to: Date.parse(to) });
    expect(parsePeriod(period)).toEqual(found);
  });

  test.each(['2026-13', '2026-Q5', '26', '2026-1', '', 'x'])('%s names none', (name) => {
    expect(parsePeriod(name)).toBeUndefined();
  });
});

test.each([
  ['2803.20', 206, '791.04'],
  ['730', 1, '1.00'],
  ['3.65', 1, '0.01'],
  ['3.64', 1, '0.00'],
  ['100', 0, '0.00'],
  ['100', -5, '0.00'],
])('%s a month with %i hours left comes to %s', (monthly, hours, amount) => {
  expect(prorate(monthly, 0, hours * HOUR)).toBe(amount);
});

test.each([
  ['791.04', 206],
  ['0.01', 1],
  ['100', 740],
])('the most that %s allows with %i hours left fits, and a cent more does not', (amount, hours) => {
  const monthly = monthlyWithin(amount, 0, hours * HOUR) ?? '';
  expect(Number(prorate(monthly, 0, hours * HOUR))).toBeLessThanOrEqual(Number(amount));
  expect(Number(prorate((Number(monthly) + 0.01).toFixed(2), 0, hours * HOUR))).toBeGreaterThan(Number(amount));
});

test('a forecast is the run-rate of what is billed, and what is committed on top; nothing is known of nothing', () => {
  const limits = { from: 0, to: 30 * DAY };
  const money = { actual: '100', committed: '7', held: '50' };
  expect(forecastOf({ ...money, actualUntil: 10 * DAY }, limits)).toBe('307.00');
  expect(forecastOf({ ...money, actualUntil: 30 * DAY }, limits)).toBe('107.00');
  expect(forecastOf({ ...money, actualUntil: null }, limits)).toBe('107.00');
  expect(forecastOf({ actual: '0', committed: '0', held: '50', actualUntil: null }, limits)).toBeNull();
  expect(forecastOf({ actual: '-10', committed: '0', held: '0', actualUntil: 10 * DAY }, limits)).toBe('-10.00');
});
