import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/policy/durations.js';
import { toComplianceReport } from '../../src/report/compliance.js';
import { toExecutiveReport } from '../../src/report/executive.js';
import type { ComplianceFacts, PolicyTally } from '../../src/report/facts.js';

const end = Date.UTC(2026, 10, 22);
const facts = (over: Partial<ComplianceFacts> = {}): ComplianceFacts => ({
  scope: {},
  period: { start: end - 30 * DAY, end },
  currency: 'EUR',
  overall: { total: 10, nonCompliant: 1, excepted: 1 },
  scoreAtStart: null,
  scores: [],
  policies: [],
  violations: [],
  teams: [],
  cost: {
    openViolations: 1,
    wasteToDate: '0',
    potentialMonthlySavings: '0',
    withoutCost: 0,
    withoutSavings: 0,
    realisedMonthlySavings: '0',
    remediatedViolations: 0,
  },
  trends: { current: 0, previous: 0, detected: 0, closed: 0 },
  violators: [],
  ...over,
});
const policy = (policyName: string, total: number, nonCompliant: number, unknown = 0): PolicyTally => ({
  policyName,
  total,
  nonCompliant,
  excepted: 0,
  unknown,
});

test('has the source document’s keys', () => {
  const report = toComplianceReport(facts());
  expect(Object.keys(report)).toEqual([
    'report_metadata',
    'overall_compliance',
    'by_policy',
    'by_team',
    'cost_impact',
    'trends',
    'top_violators',
    'recommendations',
  ]);
  expect(report.report_metadata).toEqual({
    generated_at: '2026-11-22T00:00:00.000Z',
    period_start: '2026-10-23T00:00:00.000Z',
    period_end: '2026-11-22T00:00:00.000Z',
    scope: 'all',
    currency: 'EUR',
  });
  expect(report.overall_compliance).toEqual({
    score: 90,
    level: 'partial',
    trend: 'stable',
    total_resources: 10,
    compliant: 9,
    non_compliant: 1,
    exceptions: 1,
  });
});

test('policies come worst first; of equal ones the one that is violated more, then by name', () => {
  const policies = [policy('none', 0, 0), policy('b', 10, 5), policy('a', 10, 5), policy('many', 100, 50), policy('worst', 3, 2)];
  expect(toComplianceReport(facts({ policies })).by_policy.map(({ policy_name }) => policy_name)).toEqual([
    'worst',
    'many',
    'a',
    'b',
    'none',
  ]);
});

test('money is rounded once, at the end', () => {
  const cost = { ...facts().cost, wasteToDate: '0.125', potentialMonthlySavings: '1000.004', realisedMonthlySavings: '2' };
  expect(toComplianceReport(facts({ cost })).cost_impact).toMatchObject({
    total_waste_to_date: '0.13',
    potential_monthly_savings: '1000.00',
    potential_annual_savings: '12000.05',
    realised_monthly_savings: '2.00',
  });
});

describe('recommendations', () => {
  const of = (over: Partial<ComplianceFacts>) => toComplianceReport(facts(over)).recommendations;

  test('name those of the three worst policies that are below 80', () => {
    const policies = [
      policy('p79', 100, 21),
      policy('p80', 100, 20),
      policy('p10', 100, 90),
      policy('p20', 100, 80),
      policy('p30', 100, 70),
    ];
    expect(of({ policies }).map(({ title }) => title)).toEqual([
      'Address p10 violations',
      'Address p20 violations',
      'Address p30 violations',
    ]);
    expect(of({ policies: policies.slice(0, 2) })).toEqual([
      {
        priority: 'high',
        category: 'policy_compliance',
        title: 'Address p79 violations',
        description: 'Policy p79 has 21 non-compliant resources (79% compliance)',
        action: 'Review and remediate violations for policy p79',
      },
    ]);
  });

  test('mention savings above 1,000 a month, in the installation’s currency', () => {
    const cost = (potentialMonthlySavings: string) => ({ cost: { ...facts().cost, potentialMonthlySavings } });
    expect(of(cost('1000'))).toEqual([]);
    expect(of(cost('1234567.50'))).toMatchObject([
      { category: 'cost_optimization', description: 'Addressing current violations could save 1,234,568 EUR/month' },
    ]);
  });

  test('mention a policy that cannot judge most of its resources', () => {
    expect(of({ policies: [policy('p', 10, 0, 10)] })).toEqual([]);
    expect(of({ policies: [policy('p', 10, 0, 11)] })).toMatchObject([{ category: 'data_quality', priority: 'medium' }]);
  });
});

test('the executive report has five issues and ten teams at most, and no issue that is none', () => {
  const policies = Array.from({ length: 7 }, (_, index) => policy(`p${index}`, 10, index === 0 ? 0 : 1));
  const teams = Array.from({ length: 12 }, (_, index) => ({
    team: `t${index}`,
    total: 1,
    nonCompliant: 0,
    excepted: 0,
    openViolations: 0,
  }));
  const executive = toExecutiveReport(toComplianceReport(facts({ policies, teams })), 3, facts().period);
  expect(executive.top_issues.map((issue) => issue.policy)).toEqual(['p1', 'p2', 'p3', 'p4', 'p5']);
  expect(executive.team_performance).toHaveLength(10);
  expect(executive).toMatchObject({
    period_days: 30,
    summary: { active_exceptions: 3, compliance_score: 90, compliance_level: 'partial' },
  });
  const one = toExecutiveReport(toComplianceReport(facts({ policies: policies.slice(0, 2) })), 0, facts().period);
  expect(one.top_issues).toHaveLength(1);
});
