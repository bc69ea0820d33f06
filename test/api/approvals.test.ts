/** Requests that need approval: asked of those the rule names, decided by a person, and then allowed, exactly as asked. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { reviveApprovals } from '../../src/activities/revive.js';
import { approvalSchema } from '../../src/api/contract/approval.js';
import { decisionDetail } from '../../src/api/contract/decision.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { pageOf } from '../../src/api/contract/page.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import { transaction } from '../../src/store/db.js';
import { listNotices } from '../../src/store/outbox.js';
import { createToken } from '../../src/store/tokens.js';
import { SA_TEAM } from '../../src/workflows/messages.js';
import { activate, insertPolicy, insertVersion } from '../store/fixtures.js';
import { recordHistory } from '../support/histories.js';
import { createWorld, directory, read, readProblem, TASK_QUEUE, until, type World } from './world.js';

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

/** Of a decision's detail: `[id, status, rule]` of each approval. */
async function behind({ decision_id: id }: z.output<typeof decisionSchema>): Promise<readonly (readonly [string, string, string])[]> {
  const { approvals } = read(decisionDetail, await world.ask('GET', `/v1/decisions/${id}`, { as: 'viewer' }));
  return approvals.map((each) => [each.id, each.status, `${each.policy_name}/${each.rule_name}`]);
}

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

  test('is refused with the reason, which stands for the same request until the approval expires: nobody is asked again', async () => {
    const { pool } = world.database;
    const first = await evaluate(request('ri-4'));
    const id = onlyAsked(first);
    expect(first.approvals[0]).toMatchObject({ status: 'pending', decided_by: null, reason: null });
    readProblem(await decide(id, 'reject', 'approver', {}), 400);
    const rejected = read(approvalSchema, await decide(id, 'reject', 'approver', { reason: 'buy later' }));
    expect(rejected).toMatchObject({ status: 'rejected', comments: 'buy later' });
    const noticesBefore = await pool.query('select id from outbox');

    const again = await evaluate(request('ri-4'));
    expect(onlyAsked(again)).toBe(id);
    expect(again.approvals[0]).toEqual({
      id,
      policy_name: 'reservations',
      rule_name: 'ask',
      status: 'rejected',
      approvers: ['approver@company.com'],
      expires_at: rejected.expires_at,
      decided_by: 'approver@company.com',
      reason: 'buy later',
    });
    expect(await behind(again)).toEqual([[id, 'rejected', 'reservations/ask']]);
    expect((await pool.query(`select 1 from approvals where resources = array['ri-4']`)).rowCount).toBe(1);
    expect((await pool.query('select id from outbox')).rows).toEqual(noticesBefore.rows);

    // Another request, and the same one once its time is over, are asked about.
    expect(onlyAsked(await evaluate(request('ri-4', 'us-east-1')))).not.toBe(id);
    await pool.query('update approvals set expires_at = now() where id = $1', [id]);
    const anew = await evaluate(request('ri-4'));
    expect(onlyAsked(anew)).not.toBe(id);
    expect(anew.approvals[0]).toMatchObject({ status: 'pending', reason: null });
  });

  test('that is rejected while many ask again is never asked about anew', async () => {
    const id = onlyAsked(await evaluate(request('ri-11')));
    const rejection = decide(id, 'reject', 'approver', { reason: 'no' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => evaluate(request('ri-11'))));
    read(approvalSchema, await rejection);
    expect(new Set([...answers, await evaluate(request('ri-11'))].map(onlyAsked))).toEqual(new Set([id]));
  });

  test('shows who asks what, and who may decide, in the list of workflows and in its details; then who decided', async () => {
    const id = onlyAsked(await evaluate({ ...request('ri-`12`'), cost: { monthly: '45.26' } }));
    const handle = world.client.workflow.getHandle(`approval/${id}`);
    const details = () =>
      handle.query<{ currentDetails: string }>('__temporal_workflow_metadata').then(({ currentDetails }) => currentDetails);
    const { typedSearchAttributes } = await until(
      () => handle.describe().catch(() => undefined),
      (description) => description !== undefined,
    ).then((description) => description as WorkflowExecutionDescription);
    expect(await (await handle.describe()).staticSummary()).toBe('reservations/ask: engineer@company.com asks for ri-`12`');
    expect(typedSearchAttributes.get(SA_TEAM)).toBe('CC-001234');
    const [standing, ...asked] = (await details()).split('\n\n');
    expect(standing).toMatch(/^\*\*pending\*\* lapses on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(asked).toEqual([
      '`engineer@company.com` asks for `ri- 12 `: 45.26 USD a month',
      'may decide: `approver@company.com`',
      'asked by `reservations/ask`',
    ]);
    read(approvalSchema, await decide(id, 'reject', 'approver', { reason: 'too dear' }));
    await handle.result();
    const [ending, ...still] = (await details()).split('\n\n');
    expect(ending).toMatch(/^\*\*rejected\*\* by `approver@company.com`, stands until \S+ \S+ UTC: `too dear`$/);
    expect(still).toEqual(asked);
    await recordHistory(world.client, `approval/${id}`, 'approval-rejected');
  });

  test('asked by many at once is one question', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => evaluate(request('ri-5'))));
    expect(new Set(answers.map(onlyAsked)).size).toBe(1);
  });

  test('as a dry run asks nobody', async () => {
    expect(await evaluate({ ...request('ri-6'), dry_run: true })).toMatchObject({ decision: 'needs_approval', approvals: [] });
  });
});

describe('the detail of a decision names its approvals', () => {
  test('those that it asked for, the same for each that asks the same, and, once approved, those that the allowed one rests on', async () => {
    const first = await evaluate(request('ri-20'));
    const again = await evaluate(request('ri-20'));
    const id = onlyAsked(first);
    expect(await behind(first)).toEqual([[id, 'pending', 'reservations/ask']]);
    expect(await behind(again)).toEqual([[id, 'pending', 'reservations/ask']]);
    read(approvalSchema, await decide(id, 'approve', 'approver', {}));
    const allowed = await evaluate(request('ri-20'));
    expect(allowed.allowed).toBe(true);
    for (const decision of [first, again, allowed]) expect(await behind(decision)).toEqual([[id, 'approved', 'reservations/ask']]);
    const { approvals } = read(decisionDetail, await world.ask('GET', `/v1/decisions/${allowed.decision_id}`, { as: 'viewer' }));
    expect(approvals[0]).toEqual(await approval(id));
  });

  test('each its own, where the same was asked, decided and asked anew', async () => {
    const refused = await evaluate(request('ri-21'));
    read(approvalSchema, await decide(onlyAsked(refused), 'reject', 'approver', { reason: 'not yet' }));
    const repeatedRefused = await evaluate(request('ri-21'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await world.database.pool.query('update approvals set expires_at = now() where id = $1', [onlyAsked(refused)]);
    const anew = await evaluate(request('ri-21'));
    const repeated = await evaluate(request('ri-21'));
    read(approvalSchema, await decide(onlyAsked(anew), 'approve', 'approver', {}));
    const allowed = await evaluate(request('ri-21'));
    for (const decision of [refused, repeatedRefused])
      expect(await behind(decision)).toEqual([[onlyAsked(refused), 'rejected', 'reservations/ask']]);
    for (const decision of [anew, repeated, allowed])
      expect(await behind(decision)).toEqual([[onlyAsked(anew), 'approved', 'reservations/ask']]);
  });

  test('of two rules what one still asks for, and what the other was given', async () => {
    const both = await evaluate(request('ri-22', 'ap-south-1'));
    const [home, reservation] = both.approvals.map(({ id }) => id) as [string, string];
    read(approvalSchema, await decide(reservation, 'approve', 'approver', {}));
    const half = await evaluate(request('ri-22', 'ap-south-1'));
    expect(half.decision).toBe('needs_approval');
    for (const decision of [both, half])
      expect(await behind(decision)).toEqual([
        [home, 'pending', 'home-regions/ask'],
        [reservation, 'approved', 'reservations/ask'],
      ]);
  });

  test('as it is now: one that lapsed is expired', async () => {
    const asked = await evaluate(request('ri-23'));
    await world.database.pool.query(`update approvals set expires_at = now() - interval '1 second' where id = $1`, [onlyAsked(asked)]);
    expect(await behind(asked)).toEqual([[onlyAsked(asked), 'expired', 'reservations/ask']]);
  });

  test('none of a dry run, and none of what needs none', async () => {
    await evaluate(request('ri-24'));
    expect(await behind(await evaluate({ ...request('ri-24'), dry_run: true }))).toEqual([]);
    expect(await behind(await evaluate({ type: 'storage/bucket', name: 'logs', tags }))).toEqual([]);
  });
});

test('a pending approval lapses by the clock, whether or not a worker runs', async () => {
  const id = onlyAsked(await evaluate(request('ri-7')));
  await world.database.pool.query(`update approvals set expires_at = now() - interval '1 second' where id = $1`, [id]);
  expect((await approval(id)).status).toBe('expired');
  readProblem(await decide(id, 'approve', 'approver', {}), 409);
  expect(onlyAsked(await evaluate(request('ri-7')))).not.toBe(id);
});

test('one whose workflow is lost is brought back: its requester still hears that nobody decided', async () => {
  const { pool } = world.database;
  const id = onlyAsked(await evaluate(request('ri-30')));
  const handle = world.client.workflow.getHandle(`approval/${id}`);
  await until(
    () =>
      handle.describe().then(
        ({ status }) => status.name,
        () => 'none',
      ),
    (status) => status === 'RUNNING',
  );
  await handle.terminate('lost');
  await pool.query(`update approvals set expires_at = now() + interval '2 seconds' where id = $1`, [id]);
  const deps = { pool, temporal: world.client, taskQueue: TASK_QUEUE, settings: defaultSettings(), directory, now: Date.now };
  // Temporal's index may not have heard of the loss yet.
  await until(
    async () => (await reviveApprovals(deps), handle.describe()),
    ({ status }) => status.name !== 'TERMINATED',
  );
  await until(
    () => listNotices(pool, id),
    (notices) => notices.some(({ stage, recipient }) => stage === 'expired' && recipient === 'engineer@company.com'),
  );
  expect((await pool.query('select status from approvals where id = $1', [id])).rows).toEqual([{ status: 'expired' }]);
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
