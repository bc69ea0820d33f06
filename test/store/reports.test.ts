import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../src/policy/durations.js';
import type { ReportScope } from '../../src/report/scope.js';
import type { Db } from '../../src/store/db.js';
import { getComplianceReport, getExceptionsReport, getExecutiveReport, getSavingsReport } from '../../src/store/reports.js';
import { recordScores } from '../../src/store/scores.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT, insertException, insertPolicy } from './fixtures.js';
import { insertResource, insertViolation } from './report-fixtures.js';

let database: TestDatabase;
let db: Db;
let size: number;
let tags: number;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.pool;
});
afterAll(() => database.drop());
beforeEach(async () => {
  await db.query('truncate resources, violations, exceptions, policies, policy_versions, scores_daily cascade');
  size = await insertPolicy(db, { name: 'size' });
  tags = await insertPolicy(db, { name: 'tags' });
});

const period = { start: AT - 30 * DAY, end: AT };
const report = (scope: ReportScope = {}) => getComplianceReport(database.pool, { scope, period });
const overall = async (scope: ReportScope = {}) => {
  const { score, total_resources, compliant, non_compliant, exceptions } = (await report(scope)).overall_compliance;
  return { score, total_resources, compliant, non_compliant, exceptions };
};

describe('overall compliance', () => {
  test('of nothing is 100', async () => {
    const empty = await report();
    expect(empty.overall_compliance).toEqual({
      score: 100,
      level: 'compliant',
      trend: 'stable',
      total_resources: 0,
      compliant: 0,
      non_compliant: 0,
      exceptions: 0,
    });
    expect(
      empty.by_policy.map(({ policy_name, total_applicable, compliance_rate }) => [policy_name, total_applicable, compliance_rate]),
    ).toEqual([
      ['size', 0, 100],
      ['tags', 0, 100],
    ]);
    expect(empty.by_team).toEqual([]);
    expect(empty.cost_impact).toMatchObject({
      total_waste_to_date: '0.00',
      potential_annual_savings: '0.00',
      violation_count: 0,
      currency: 'USD',
    });
    expect(empty.trends).toMatchObject({ change_percent: 0, direction: 'stable' });
  });

  test('is the compliant share of all present resources, whatever severity or enforcement hit the others', async () => {
    for (const id of ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']) await insertResource(db, { id });
    await insertResource(db, { id: 'gone', gone: true });
    await insertViolation(db, { resource: 'r1', severity: 'low', enforcement: 'audit' });
    await insertViolation(db, { resource: 'r1', rule: 'other', severity: 'critical' });
    await insertViolation(db, { resource: 'r2', enforcement: 'warn' });
    await insertViolation(db, { resource: 'r3', status: 'resolved', closedAt: AT });
    await insertViolation(db, { resource: 'gone' });
    expect(await overall()).toEqual({ score: 66.67, total_resources: 6, compliant: 4, non_compliant: 2, exceptions: 0 });
    expect((await report()).overall_compliance.level).toBe('non_compliant');
  });

  test('an open violation counts whenever it was detected (open ones older than the period do not vanish)', async () => {
    await insertResource(db, { id: 'r1' });
    await insertViolation(db, { resource: 'r1', detectedAt: AT - 400 * DAY, hourlyCost: '0.01' });
    const { overall_compliance, cost_impact, trends, top_violators } = await report();
    expect(overall_compliance.non_compliant).toBe(1);
    expect(cost_impact).toMatchObject({ violation_count: 1, total_waste_to_date: '96.00' });
    expect(trends).toMatchObject({ current_period_violations: 1, previous_period_violations: 1 });
    expect(top_violators).toHaveLength(1);
  });
});

describe('exceptions are matched by resource, policy and rule', () => {
  beforeEach(async () => {
    for (const id of ['r1', 'r2']) await insertResource(db, { id, applicable: [size, tags] });
  });

  test('a resource with an exception for one rule is not excepted from another', async () => {
    const exception = await insertException(db, { policy: 'size', rule: 'rule' });
    await insertViolation(db, { resource: 'r1', policy: 'size', status: 'excepted', exception });
    await insertViolation(db, { resource: 'r1', policy: 'tags' });
    await insertViolation(db, { resource: 'r2', policy: 'size', status: 'excepted', exception });
    expect(await overall()).toEqual({ score: 50, total_resources: 2, compliant: 1, non_compliant: 1, exceptions: 1 });
    expect((await report()).by_policy).toEqual([
      expect.objectContaining({ policy_name: 'tags', non_compliant: 1, excepted: 0, compliance_rate: 50 }),
      expect.objectContaining({ policy_name: 'size', non_compliant: 0, excepted: 2, compliant: 2, compliance_rate: 100 }),
    ]);
  });

  test.each([
    ['in force', {}, 0],
    ['that ends in a moment', { expiresAt: AT + 1 }, 0],
    ['that ended, though nobody has marked it', { expiresAt: AT }, 1],
    ['that was revoked', { status: 'revoked' }, 1],
    ['that is only requested', { status: 'pending' }, 1],
    ['whose uses are used up', { capUses: 2 }, 1],
    ['with uses left', { capUses: 3 }, 0],
    ['whose money is used up', { capMoney: '5.00' }, 1],
    ['with money left', { capMoney: '5.01' }, 0],
  ])('one %s', async (_, given, nonCompliant) => {
    const exception = await insertException(db, { policy: 'size', rule: 'rule', ...given });
    await insertViolation(db, { resource: 'r1', policy: 'size', status: 'excepted', exception });
    expect((await overall()).non_compliant).toBe(nonCompliant);
  });
});

describe('by policy', () => {
  test('counts the resources that it applies to, and the unknown ones apart', async () => {
    await insertResource(db, { id: 'r1', applicable: [size, tags] });
    await insertResource(db, { id: 'r2', applicable: [size], unknown: [tags] });
    await insertResource(db, { id: 'r3', applicable: [size, tags], unknown: [tags] });
    await insertResource(db, { id: 'r4', unknown: [tags] });
    await insertResource(db, { id: 'r5' });
    await insertResource(db, { id: 'gone', applicable: [size, tags], gone: true });
    await insertViolation(db, { resource: 'r1', policy: 'size' });
    await insertViolation(db, { resource: 'r1', policy: 'size', rule: 'second' });
    expect((await report()).by_policy).toMatchObject([
      { policy_name: 'size', total_applicable: 3, compliant: 2, non_compliant: 1, excepted: 0, unknown: 0, compliance_rate: 66.67 },
      { policy_name: 'tags', total_applicable: 2, compliant: 2, non_compliant: 0, excepted: 0, unknown: 2, compliance_rate: 100 },
    ]);
  });

  test('a live violation counts also while the last scan could not judge the resource', async () => {
    await insertResource(db, { id: 'r1', unknown: [size] });
    await insertResource(db, { id: 'r2', unknown: [size] });
    await insertViolation(db, { resource: 'r1', policy: 'size' });
    expect((await report()).by_policy[0]).toMatchObject({ total_applicable: 1, non_compliant: 1, unknown: 1, compliance_rate: 0 });
  });

  test('lists each enforcing policy and no other, with its worst and oldest open violations', async () => {
    await insertPolicy(db, { name: 'draft', active: null });
    for (let index = 0; index < 12; index++) {
      await insertResource(db, { id: `r${index}`, applicable: [size] });
      const severity = index === 11 ? 'critical' : 'medium';
      await insertViolation(db, { resource: `r${index}`, policy: 'size', severity, detectedAt: AT - index * HOUR });
    }
    const { by_policy } = await report();
    expect(by_policy.map(({ policy_name }) => policy_name)).toEqual(['size', 'tags']);
    expect(by_policy[0]?.violations.map(({ resource_id }) => resource_id)).toEqual([
      'r11',
      'r10',
      'r9',
      'r8',
      'r7',
      'r6',
      'r5',
      'r4',
      'r3',
      'r2',
    ]);
    expect(by_policy[0]?.violations[0]).toEqual({
      resource_id: 'r11',
      resource_name: 'name of r11',
      rule_name: 'rule',
      message: 'is wrong',
      severity: 'critical',
      detected_at: new Date(AT - 11 * HOUR).toISOString(),
    });
  });
});

test('by team, exceptions are taken out and the worst comes first', async () => {
  for (const id of ['r1', 'r2', 'r3', 'r4']) await insertResource(db, { id, team: 'red' });
  for (const id of ['u1', 'u2']) await insertResource(db, { id, team: 'untagged' });
  await insertResource(db, { id: 'b1', team: 'blue' });
  const exception = await insertException(db, { policy: 'size', rule: 'rule' });
  await insertViolation(db, { resource: 'r1', status: 'excepted', exception });
  await insertViolation(db, { resource: 'r2' });
  await insertViolation(db, { resource: 'r2', policy: 'tags' });
  await insertViolation(db, { resource: 'u1' });
  expect((await report()).by_team).toEqual([
    { team: 'untagged', total_resources: 2, violations: 1, excepted: 0, open_violations: 1, compliance_score: 50 },
    { team: 'red', total_resources: 4, violations: 1, excepted: 1, open_violations: 2, compliance_score: 75 },
    { team: 'blue', total_resources: 1, violations: 0, excepted: 0, open_violations: 0, compliance_score: 100 },
  ]);
});

describe('a scope restricts totals and violations alike', () => {
  beforeEach(async () => {
    await insertResource(db, { id: 'r1', team: 'red', account: 'a1', region: 'us-east-1', applicable: [size, tags] });
    await insertResource(db, { id: 'r2', team: 'blue', account: 'a1', region: 'eu-west-1', applicable: [size] });
    await insertResource(db, { id: 'r3', team: 'blue', account: 'a2', region: 'eu-west-1', type: 'storage/volume', applicable: [tags] });
    await insertResource(db, { id: 'r4', team: 'blue', account: 'a2', region: null });
    await insertViolation(db, { resource: 'r1', policy: 'size', savings: '1' });
    await insertViolation(db, { resource: 'r1', policy: 'tags', savings: '2' });
    await insertViolation(db, {
      resource: 'r3',
      policy: 'tags',
      account: 'a2',
      team: 'blue',
      region: 'eu-west-1',
      type: 'storage/volume',
      savings: '4',
    });
  });

  test.each<[ReportScope, number, number, string]>([
    [{}, 4, 2, '7.00'],
    [{ team: 'red' }, 1, 1, '3.00'],
    [{ team: 'blue' }, 3, 1, '4.00'],
    [{ account: 'a1' }, 2, 1, '3.00'],
    [{ region: 'eu-west-1' }, 2, 1, '4.00'],
    [{ policy: 'size' }, 2, 1, '1.00'],
    [{ policy: 'tags' }, 2, 2, '6.00'],
    [{ policy: 'tags', team: 'red' }, 1, 1, '2.00'],
    [{ account: 'a1', region: 'eu-west-1' }, 1, 0, '0.00'],
    [{ provider: 'simulated', types: ['storage/volume', 'other'] }, 1, 1, '4.00'],
    [{ team: 'nobody' }, 0, 0, '0.00'],
  ])('%j', async (scope, total, nonCompliant, savings) => {
    const { overall_compliance, cost_impact, by_policy, by_team, top_violators, trends, report_metadata } = await report(scope);
    expect(overall_compliance).toMatchObject({ total_resources: total, non_compliant: nonCompliant });
    expect(cost_impact.potential_monthly_savings).toBe(savings);
    expect(by_team.reduce((sum, team) => sum + team.total_resources, 0)).toBe(total);
    expect(top_violators).toHaveLength(nonCompliant);
    expect(trends.current_period_violations).toBe(cost_impact.violation_count);
    expect(by_policy.every(({ total_applicable }) => total_applicable <= total)).toBe(true);
    expect(report_metadata.scope).toEqual(Object.keys(scope).length === 0 ? 'all' : scope);
  });

  test('by policy shows the policy of the scope only', async () => {
    expect((await report({ policy: 'size' })).by_policy).toMatchObject([{ policy_name: 'size', total_applicable: 2, non_compliant: 1 }]);
  });

  test('a policy that does not exist is not found, rather than perfect', async () => {
    await expect(report({ policy: 'sise' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(getSavingsReport(database.pool, { scope: { policy: 'sise' }, period })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('money', () => {
  test('is exact: hourly cost × hours open, savings a month and a year, unknown ones counted and not guessed', async () => {
    for (const id of ['r1', 'r2', 'r3', 'r4', 'r5']) await insertResource(db, { id });
    await insertViolation(db, { resource: 'r1', hourlyCost: '0.1', savings: '73.005', detectedAt: AT - 3 * HOUR });
    await insertViolation(db, { resource: 'r2', hourlyCost: '0.2', savings: '0.1', detectedAt: AT - 90 * 60_000 });
    await insertViolation(db, { resource: 'r3', hourlyCost: null, savings: null, detectedAt: AT - 9 * DAY });
    await insertViolation(db, { resource: 'r4', status: 'excepted', exception: await insertException(db), hourlyCost: '9', savings: '9' });
    await insertViolation(db, {
      resource: 'r5',
      status: 'remediated',
      savings: '40.255',
      detectedAt: AT - 40 * DAY,
      closedAt: AT - 30 * DAY,
    });
    await insertViolation(db, {
      resource: 'r5',
      status: 'remediated',
      savings: '1000',
      detectedAt: AT - 60 * DAY,
      closedAt: AT - 31 * DAY,
    });
    await insertViolation(db, { resource: 'r5', status: 'resolved', savings: '1000', closedAt: AT });
    expect((await report()).cost_impact).toEqual({
      total_waste_to_date: '0.60',
      potential_monthly_savings: '73.11',
      potential_annual_savings: '877.26',
      realised_monthly_savings: '40.26',
      violation_count: 3,
      remediated_count: 1,
      violations_without_cost: 1,
      violations_without_savings: 1,
      currency: 'USD',
    });
  });

  test('the savings report splits the same sums by policy and action', async () => {
    for (const id of ['r1', 'r2']) await insertResource(db, { id });
    await insertViolation(db, { resource: 'r1', savings: '10.005' });
    await insertViolation(db, { resource: 'r2', savings: null });
    await insertViolation(db, { resource: 'r2', policy: 'tags', action: 'tag' });
    await insertViolation(db, { resource: 'r1', policy: 'tags', status: 'remediated', savings: '5', closedAt: AT, action: 'delete' });
    const savings = await getSavingsReport(database.pool, { scope: {}, period });
    expect(savings.potential).toEqual({
      monthly_savings: '10.01',
      annual_savings: '120.06',
      violations: 3,
      violations_without_savings: 2,
      by_policy: [
        { policy_name: 'size', action: 'stop', violations: 2, monthly_savings: '10.01' },
        { policy_name: 'tags', action: 'tag', violations: 1, monthly_savings: '0.00' },
      ],
    });
    expect(savings.realised).toMatchObject({
      monthly_savings: '5.00',
      violations: 1,
      by_policy: [{ policy_name: 'tags', action: 'delete' }],
    });
  });
});

describe('trends', () => {
  const start = period.start;
  test.each<[string, { detectedAt: number; closedAt?: number }, number, number]>([
    ['closed at the start of the period: before it only', { detectedAt: start - DAY, closedAt: start }, 0, 1],
    ['closed just after the start: in both', { detectedAt: start - DAY, closedAt: start + 1 }, 1, 1],
    ['detected at the start: in it only', { detectedAt: start, closedAt: start + DAY }, 1, 0],
    ['detected at its end', { detectedAt: AT }, 1, 0],
    ['open since long before: in both', { detectedAt: start - 300 * DAY }, 1, 1],
    ['closed when the previous period began: in neither', { detectedAt: start - 31 * DAY, closedAt: start - 30 * DAY }, 0, 0],
  ])('%s', async (_, given, current, previous) => {
    await insertViolation(db, { resource: 'r1', status: given.closedAt === undefined ? 'open' : 'resolved', ...given });
    expect((await report()).trends).toMatchObject({ current_period_violations: current, previous_period_violations: previous });
  });

  test('say how many were detected and closed in the period', async () => {
    await insertViolation(db, { resource: 'r1', detectedAt: AT - DAY });
    await insertViolation(db, { resource: 'r2', detectedAt: AT - DAY, status: 'remediated', closedAt: AT });
    await insertViolation(db, { resource: 'r3', detectedAt: AT - 40 * DAY, status: 'resolved', closedAt: AT - DAY });
    expect((await report()).trends).toMatchObject({
      detected_in_period: 2,
      closed_in_period: 2,
      change_percent: 200,
      direction: 'declining',
    });
  });
});

describe('stored scores', () => {
  beforeEach(async () => {
    for (const id of ['r1', 'r2', 'r3', 'r4']) await insertResource(db, { id, team: id === 'r1' ? 'red' : 'blue', applicable: [size] });
    await insertViolation(db, { resource: 'r1' });
  });

  test('the overall trend compares with the one stored at the start of the period', async () => {
    expect((await report()).overall_compliance).toMatchObject({ score: 75, trend: 'stable' });
    await insertViolation(db, { resource: 'r2' });
    await recordScores(db, period.start - 3 * DAY);
    expect((await report()).overall_compliance).toMatchObject({ score: 50, trend: 'stable' });
    await db.query(`update violations set status = 'resolved', closed_at = now() where resource_id = 'r2'`);
    expect((await report()).overall_compliance).toMatchObject({ score: 75, trend: 'up' });
    await insertViolation(db, { resource: 'r3' });
    await insertViolation(db, { resource: 'r4' });
    expect((await report()).overall_compliance).toMatchObject({ score: 25, trend: 'down' });
  });

  test('each single team, account, region and policy has its own', async () => {
    await recordScores(db, period.start);
    await db.query(`update violations set status = 'resolved', closed_at = now()`);
    const trend = async (scope: ReportScope) => (await report(scope)).overall_compliance.trend;
    expect(await trend({ team: 'red' })).toBe('up');
    expect(await trend({ team: 'blue' })).toBe('stable');
    expect(await trend({ account: 'a1' })).toBe('up');
    expect(await trend({ region: 'us-east-1' })).toBe('up');
    expect(await trend({ policy: 'size' })).toBe('up');
    expect(await trend({ policy: 'size', team: 'red' })).toBe('stable');
  });

  test('the last of a day stands, and an earlier one that comes late does not', async () => {
    await recordScores(db, AT - HOUR);
    await insertViolation(db, { resource: 'r2' });
    await recordScores(db, AT);
    await db.query(`update violations set status = 'resolved', closed_at = now()`);
    await recordScores(db, AT - 2 * HOUR);
    expect((await report()).trends.scores).toEqual([{ day: '2026-11-22', score: 50 }]);
  });

  test('history has the days of the period', async () => {
    await recordScores(db, period.start - 2 * DAY);
    await recordScores(db, AT - DAY);
    await recordScores(db, AT);
    expect((await report()).trends.scores.map(({ day }) => day)).toEqual(['2026-11-21', '2026-11-22']);
  });

  test('two scans that end together both record', async () => {
    await Promise.all([AT, AT + 1, AT + 2, AT + 3].map((at) => recordScores(db, at)));
    const { rows } = await db.query(`select recorded_at from scores_daily group by 1`);
    expect(rows).toEqual([{ recorded_at: AT + 3 }]);
  });
});

test('top violators are the resources with the most open violations, then the dearest', async () => {
  for (const id of ['r1', 'r2', 'r3']) await insertResource(db, { id });
  await insertViolation(db, { resource: 'r1', savings: '5.50' });
  await insertViolation(db, { resource: 'r2', savings: null });
  await insertViolation(db, { resource: 'r3', savings: '1' });
  await insertViolation(db, { resource: 'r3', policy: 'tags', savings: '2' });
  expect((await report()).top_violators).toMatchObject([
    { resource_id: 'r3', resource_name: 'name of r3', violation_count: 2, policies: ['size', 'tags'], total_cost_impact: '3.00' },
    { resource_id: 'r1', violation_count: 1, total_cost_impact: '5.50' },
    { resource_id: 'r2', violation_count: 1, total_cost_impact: null },
  ]);
});

test('the executive report is the compliance report in short', async () => {
  for (const id of ['r1', 'r2']) await insertResource(db, { id, applicable: [size, tags] });
  await insertViolation(db, { resource: 'r1', policy: 'tags', savings: '12.30' });
  await insertException(db);
  await insertException(db, { expiresAt: AT });
  const executive = await getExecutiveReport(database.pool, { scope: {}, period });
  expect(Object.keys(executive)).toEqual(
    expect.arrayContaining(['summary', 'financial_impact', 'top_issues', 'team_performance', 'recommendations', 'trends']),
  );
  expect(executive).toMatchObject({
    generated_at: new Date(AT).toISOString(),
    period_days: 30,
    summary: { compliance_score: 50, compliance_trend: 'stable', total_resources: 2, non_compliant_resources: 1, active_exceptions: 1 },
    financial_impact: { potential_monthly_savings: '12.30' },
    top_issues: [{ policy: 'tags', compliance_rate: 50, non_compliant_count: 1 }],
    team_performance: [{ team: 'red', violations: 1 }],
  });
});

test('the exceptions report counts by status as of now, and lists what ends or waits for review', async () => {
  await insertResource(db, { id: 'r1', monthlyCost: '70.08' });
  await insertResource(db, { id: 'r2', monthlyCost: null });
  const soon = await insertException(db, { policy: 'size', rule: 'rule', expiresAt: AT + 7 * DAY });
  await insertException(db, { policy: 'size', expiresAt: AT + 7 * DAY + 1 });
  await insertException(db, { policy: 'size', expiresAt: AT });
  const review = await insertException(db, { policy: 'tags', type: 'permanent', reviewDueAt: AT, account: 'a2' });
  await insertException(db, { policy: 'tags', type: 'permanent', reviewDueAt: AT + 1 });
  await insertException(db, { policy: 'tags', type: 'conditional', status: 'pending' });
  await insertViolation(db, { resource: 'r1', policy: 'size', status: 'excepted', exception: soon, savings: '10' });
  await insertViolation(db, { resource: 'r1', policy: 'size', rule: 'other', status: 'excepted', exception: soon, savings: '5' });
  await insertViolation(db, { resource: 'r2', policy: 'size', status: 'excepted', exception: soon });
  await insertViolation(db, { resource: 'r2', policy: 'tags' });
  expect(await getExceptionsReport(database.pool, { scope: {}, period })).toMatchObject({
    total_exceptions: 6,
    by_status: { approved: 4, expired: 1, pending: 1 },
    by_policy: { size: 3, tags: 3 },
    by_type: { temporary: 3, permanent: 2, conditional: 1 },
    expiring_soon: [
      { id: soon, resource_id: 'r1', policy_name: 'size', status: 'approved', expires_at: new Date(AT + 7 * DAY).toISOString() },
    ],
    needing_review: [{ id: review, type: 'permanent', review_due_at: new Date(AT).toISOString() }],
    cost_excepted: { monthly_cost: '70.08', monthly_savings_forgone: '15.00', resources: 2, resources_without_cost: 1, currency: 'USD' },
  });
  expect(await getExceptionsReport(database.pool, { scope: { policy: 'tags', account: 'a2' }, period })).toMatchObject({
    total_exceptions: 1,
    expiring_soon: [],
  });
});

test('exceptions of a team or region are those of its resources, or that permit its violations', async () => {
  await insertResource(db, { id: 'r1', team: 'red', region: 'us-east-1' });
  await insertResource(db, { id: 'r2', team: 'blue', region: 'eu-west-1' });
  await insertException(db, { policy: 'size', resourceId: 'r1' });
  await insertException(db, { policy: 'size', resourceId: 'r2' });
  await insertException(db, { policy: 'size', resourceId: 'r2', account: 'a2' });
  const selector = await insertException(db, { policy: 'size' });
  const target = { kind: 'selector', tags: { project: 'shop' }, account: null };
  await db.query('update exceptions set target = $2 where id = $1', [selector, target]);
  await insertViolation(db, { resource: 'r2', policy: 'size', status: 'excepted', exception: selector, team: 'blue', region: 'eu-west-1' });
  const active = async (scope: ReportScope) => (await getExecutiveReport(database.pool, { scope, period })).summary.active_exceptions;
  const total = async (scope: ReportScope) => (await getExceptionsReport(database.pool, { scope, period })).total_exceptions;
  for (const count of [active, total]) {
    expect(await count({})).toBe(4);
    expect(await count({ team: 'red' })).toBe(1);
    expect(await count({ team: 'blue' })).toBe(2);
    expect(await count({ region: 'eu-west-1' })).toBe(2);
    expect(await count({ region: 'eu-west-1', team: 'red' })).toBe(0);
    expect(await count({ account: 'a2' })).toBe(2);
  }
});

test('the exceptions report counts those that lived in the period, and refuses a policy that there is not', async () => {
  await insertException(db, { policy: 'size' });
  const ended = await insertException(db, { policy: 'size', status: 'revoked' });
  await db.query('update exceptions set requested_at = $2, closed_at = $3 where id = $1', [
    ended,
    new Date(AT - 90 * DAY),
    new Date(AT - 40 * DAY),
  ]);
  const total = async (days: number) =>
    (await getExceptionsReport(database.pool, { scope: {}, period: { start: AT - days * DAY, end: AT } })).total_exceptions;
  expect([await total(30), await total(60)]).toEqual([1, 2]);
  await expect(getExceptionsReport(database.pool, { scope: { policy: 'none' }, period })).rejects.toMatchObject({ code: 'not-found' });
});
