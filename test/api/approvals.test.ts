/** Requests that need approval: asked of those the rule names, decided by a person, and then allowed, exactly as asked. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { approvalSchema } from '../../src/api/contract/approval.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { pageOf } from '../../src/api/contract/page.js';
import { transaction } from '../../src/store/db.js';
import { listNotices } from '../../src/store/outbox.js';
import { createToken } from '../../src/store/tokens.js';
import { activate, insertPolicy, insertVersion } from '../store/fixtures.js';
import { recordHistory } from '../support/histories.js';
import { createWorld, read, readProblem, until, type World } from './world.js';

let world: World;
const tags = { 'cost-center': 'CC-001234', environment: 'development', owner: 'dana@company.com', project: 'shop' };
const request = (name: string, region = 'eu-central-1') => ({
  type: 'commitment/reservation',
  name,
  account: '111122223333',
  region,
  tags,
  specs: { purchase_option: 'reserved', term_months: 12 },
});
const evaluate = async (body: object) => read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as: 'engineer', body }));
const approval = async (id: string) => read(approvalSchema, await world.ask('GET', `/v1/approvals/${id}`, { as: 'viewer' }));
const decide = (id: string, verb: 'approve' | 'reject', as: 'approver' | 'engineer' | 'operator', body: object) =>
  world.ask('POST', `/v1/approvals/${id}/${verb}`, { as, body });

beforeAll(async () => {
  world = await createWorld();
  await insertPolicy(world.database.pool, {
    name: 'reservations',
    content: policy('reservations', { purchaseOption: 'reserved' }, ['security'], '2h'),
  });
  await insertPolicy(world.database.pool, {
    name: 'home-regions',
    content: policy('home-regions', { regionsOutside: ['us-east-1', 'eu-central-1'] }, ['finops'], '1h'),
  });
  await until(
    async () => (await evaluate({ ...request('probe'), dry_run: true })).decision,
    (decision) => decision === 'needs_approval',
  );
});
afterAll(() => world.close());

function policy(name: string, when: object, approvers: readonly string[], expiresAfter: string): object {
  return {
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name },
    spec: { type: 'ApprovalRequirement', rules: [{ name: 'ask', resource: 'commitment/*', when, approvers, expiresAfter }] },
  };
}

const onlyAsked = (decision: z.output<typeof decisionSchema>): string => {
  expect(decision).toMatchObject({ allowed: false, decision: 'needs_approval', message: 'Request needs approval' });
  expect(decision.approvals).toHaveLength(1);
  return decision.approvals[0]?.id ?? '';
};

describe('a request that needs approval', () => {
  test('asks those whom the rule names, once, and is allowed as soon as one of them approves', async () => {
    const first = await evaluate(request('ri-1'));
    const id = onlyAsked(first);
    expect(first.approvals[0]).toMatchObject({ policy_name: 'reservations', rule_name: 'ask', approvers: ['approver@company.com'] });
    expect(await approval(id)).toMatchObject({
      status: 'pending',
      resources: ['ri-1'],
      requester: 'engineer@company.com',
      decision_id: first.decision_id,
    });
    expect(onlyAsked(await evaluate(request('ri-1')))).toBe(id);
    expect((await listNotices(world.database.pool, id)).map(({ stage, recipient }) => [stage, recipient])).toEqual([
      ['pending', 'approver@company.com'],
    ]);

    const waiting = world.ask('GET', `/v1/approvals/${id}?wait=30s`, { as: 'viewer' });
    const approved = read(approvalSchema, await decide(id, 'approve', 'approver', { comments: 'fine' }));
    expect(approved).toMatchObject({ status: 'approved', decided_by: 'approver@company.com', comments: 'fine' });
    expect(Date.parse(approved.expires_at) - Date.parse(approved.decided_at ?? '')).toBe(2 * 3_600_000);
    expect(read(approvalSchema, await waiting).status).toBe('approved');

    expect(await evaluate(request('ri-1'))).toMatchObject({ allowed: true, violations: [], approvals: [] });
    expect((await listNotices(world.database.pool, id)).map(({ stage, recipient }) => [stage, recipient])).toContainEqual([
      'approved',
      'engineer@company.com',
    ]);
    readProblem(await decide(id, 'reject', 'approver', { reason: 'too late' }), 409);
    await world.client.workflow.getHandle(`approval/${id}`).result();
    await recordHistory(world.client, `approval/${id}`, 'approval-approved');
  });

  test('is approved for what was asked: another region or another requester asks anew', async () => {
    const id = onlyAsked(await evaluate(request('ri-2')));
    read(approvalSchema, await decide(id, 'approve', 'approver', {}));
    expect((await evaluate(request('ri-2'))).allowed).toBe(true);
    expect(onlyAsked(await evaluate(request('ri-2', 'us-east-1')))).not.toBe(id);
    const body = { ...request('ri-2'), requester: 'dana@company.com' };
    const other = read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as: 'deployer', body }));
    expect(onlyAsked(other)).not.toBe(id);
  });

  test('goes to the admins when the only member of the group asked for somebody else', async () => {
    const given = { principal: 'finops@company.com', roles: ['deployer'] as const, expiresAt: null, createdBy: 'test', at: Date.now() };
    const { token } = await transaction(world.database.pool, (db) => createToken(db, given));
    const body = { ...request('ri-10', 'ap-south-1'), requester: 'dana@company.com' };
    const answer = await until(
      () => world.ask('POST', '/v1/evaluate', { token, body }),
      ({ status }) => status === 200,
    );
    const asked = read(decisionSchema, answer);
    const home = asked.approvals.find(({ policy_name }) => policy_name === 'home-regions');
    expect(home?.approvers).toEqual(['admin@company.com']);
    const problem = readProblem(await decide(home?.id ?? '', 'approve', 'approver', {}), 403);
    expect(problem.detail).toContain('it is for admin@company.com');
    expect(read(approvalSchema, await world.ask('POST', `/v1/approvals/${home?.id}/approve`, { as: 'admin', body: {} })).status).toBe(
      'approved',
    );
  });

  test('that two rules ask about needs both, each from its own approvers', async () => {
    const body = request('ri-3', 'ap-south-1');
    const asked = (await evaluate(body)).approvals;
    expect(asked.map(({ policy_name }) => policy_name)).toEqual(['home-regions', 'reservations']);
    const [home, reservation] = asked.map(({ id }) => id) as [string, string];
    readProblem(await decide(home, 'approve', 'approver', {}), 403);
    read(approvalSchema, await decide(reservation, 'approve', 'approver', {}));
    const after = await evaluate(body);
    expect(after.violations.map(({ policy_name, effect }) => [policy_name, effect])).toEqual([['home-regions', 'needs_approval']]);
    expect(onlyAsked(after)).toBe(home);
  });

  test('is refused with the reason, and a new request asks anew', async () => {
    const id = onlyAsked(await evaluate(request('ri-4')));
    readProblem(await decide(id, 'reject', 'approver', {}), 400);
    expect(read(approvalSchema, await decide(id, 'reject', 'approver', { reason: 'buy later' }))).toMatchObject({
      status: 'rejected',
      comments: 'buy later',
    });
    expect(onlyAsked(await evaluate(request('ri-4')))).not.toBe(id);
  });

  test('asked by many at once is one question', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => evaluate(request('ri-5'))));
    expect(new Set(answers.map(onlyAsked)).size).toBe(1);
  });

  test('as a dry run asks nobody', async () => {
    expect(await evaluate({ ...request('ri-6'), dry_run: true })).toMatchObject({ decision: 'needs_approval', approvals: [] });
  });
});

test('a pending approval lapses by the clock, whether or not a worker runs', async () => {
  const id = onlyAsked(await evaluate(request('ri-7')));
  await world.database.pool.query(`update approvals set expires_at = now() - interval '1 second' where id = $1`, [id]);
  expect((await approval(id)).status).toBe('expired');
  readProblem(await decide(id, 'approve', 'approver', {}), 409);
  expect(onlyAsked(await evaluate(request('ri-7')))).not.toBe(id);
});

test('an approval is for the version of the policy that asked: another one asks anew', async () => {
  const { pool } = world.database;
  const id = onlyAsked(await evaluate(request('ri-9')));
  read(approvalSchema, await decide(id, 'approve', 'approver', {}));
  expect((await evaluate(request('ri-9'))).allowed).toBe(true);
  await insertVersion(pool, 'reservations', '2.0.0', policy('reservations', { purchaseOption: 'reserved' }, ['security'], '3h'));
  await activate(pool, 'reservations', '2.0.0');
  const again = await until(
    () => evaluate(request('ri-9')),
    ({ allowed }) => !allowed,
  );
  expect(onlyAsked(again)).not.toBe(id);
  await activate(pool, 'reservations', '1.0.0');
  await until(
    () => evaluate(request('ri-9')),
    ({ allowed }) => allowed,
  );
});

test('approvals are listed by status, rule and approver', async () => {
  const id = onlyAsked(await evaluate(request('ri-8')));
  const list = async (query: string) =>
    read(pageOf(approvalSchema), await world.ask('GET', `/v1/approvals?${query}`, { as: 'viewer' })).items.map((item) => item.id);
  expect(await list('status=pending&policy=reservations&rule=ask&approver=approver@company.com')).toContain(id);
  expect(await list('status=approved')).not.toContain(id);
  readProblem(await world.ask('GET', '/v1/approvals?status=maybe', { as: 'viewer' }), 400);
  readProblem(await world.ask('GET', `/v1/approvals/${id}?wait=2h`, { as: 'viewer' }), 400);
  readProblem(await world.ask('GET', '/v1/approvals/apr_none', { as: 'viewer' }), 404);
});
