import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRemediationActivities } from '../../src/activities/remediation.js';
import { nudgeRemediations, startRemediations } from '../../src/activities/remediation-start.js';
import { newId } from '../../src/ids.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { toTimestamp, transaction } from '../../src/store/db.js';
import { listEffects } from '../../src/store/effects.js';
import { clearPause, setPause } from '../../src/store/pauses.js';
import { approveRemediation, violationClosed } from '../../src/workflows/remediation-messages.js';
import { ACCOUNT, insertViolation } from './fixtures.js';
import { type Case, createWorld, follow, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const handleOf = (workflowId: string) => world.temporal.client.workflow.getHandle(workflowId);
const callsOf = async (id: string) => (await world.admin.listCalls(id)).map(({ kind }) => kind);
const at = () => Date.now();

async function exception(resourceId: string, status: 'pending' | 'approved'): Promise<string> {
  const id = newId('exc');
  await world.pool.query(
    `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, requested_by, requested_at, approvers,
       approved_at, workflow_id)
     values ($1, 'temporary', $2, $3, 'idle', 'low-use', 'test', 'dana@company.com', now(), '{}', $4, $1)`,
    [
      id,
      status,
      JSON.stringify({ kind: 'resource', resourceId, account: ACCOUNT, resourceType: null }),
      status === 'approved' ? toTimestamp(at()) : null,
    ],
  );
  return id;
}

/** Puts another version of policy `idle` into force. */
async function enforce(text: string, version: string): Promise<void> {
  const { documents } = parsePolicies(text, null);
  await world.pool.query(
    `insert into policy_versions (policy_name, version, status, content, content_hash, rules_hash, change_type, change_summary, created_at, created_by)
     values ('idle', $1, 'active', $2, $1, $1, 'major', '', now(), 'test')`,
    [version, JSON.stringify(documents[0]?.content)],
  );
  await world.pool.query(`update policies set active_version = $1 where name = 'idle'`, [version]);
}

test('what is compliant by now is resolved, and nothing is done', async () => {
  await world.idleInstance('i-busy', { metrics: { avg_cpu_percent: 60, avg_network_bytes_per_day: 1, days: 30 } });
  const it = await world.begin({ id: 'i-busy' });
  expect(await it.reaches('closed')).toMatchObject({ result: 'resolved', attempts: 0, actedAt: null });
  expect(await it.violation()).toMatchObject({ status: 'resolved' });
  expect(await callsOf('i-busy')).toEqual([]);
});

test('what is gone is resolved', async () => {
  const it = await world.begin({ id: 'i-never' });
  expect(await it.reaches('closed')).toMatchObject({ result: 'resolved', resultMessage: 'the resource is gone' });
});

test('what cannot be read is waited for and never acted on', async () => {
  await world.idleInstance('i-dark');
  const fault = await world.admin.setFault({ kind: 'unreachable', api: 'find', resource_id: 'i-dark', latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-dark' });
  expect(await it.reaches('grace', 'provider')).toMatchObject({ attempts: 0, result: null });
  expect(await callsOf('i-dark')).toEqual([]);
  await world.admin.clearFaults(fault.id);
  expect(await nudgeRemediations(world.deps, { resourceId: 'i-dark' })).toBe(1);
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', waitingFor: null });
});

test('unreadable metrics are no proof of idleness', async () => {
  await world.idleInstance('i-blind');
  const fault = await world.admin.setFault({ kind: 'error', api: 'metrics', latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-blind' });
  await it.reaches('grace', 'provider');
  await world.admin.clearFaults(fault.id);
  await it.reaches('undo_window');
});

test('an exception in force closes it as excepted, with its violation', async () => {
  await world.idleInstance('i-excepted');
  const id = await exception('i-excepted', 'approved');
  const it = await world.begin({ id: 'i-excepted' });
  expect(await it.reaches('closed')).toMatchObject({ result: 'excepted' });
  expect(await it.violation()).toMatchObject({ status: 'excepted', exceptionId: id, closedAt: null });
  expect(await callsOf('i-excepted')).toEqual([]);
});

test('a pending request holds it up; once it is refused the act follows', async () => {
  await world.idleInstance('i-pending');
  const id = await exception('i-pending', 'pending');
  const it = await world.begin({ id: 'i-pending' });
  await it.reaches('awaiting_approval', 'pending_exception');
  expect(await callsOf('i-pending')).toEqual([]);
  await world.pool.query(`update exceptions set status = 'rejected' where id = $1`, [id]);
  await nudgeRemediations(world.deps, { policyName: 'idle' });
  await it.reaches('undo_window');
});

test('a request that is approved while it waits closes it as excepted', async () => {
  await world.idleInstance('i-granted');
  const id = await exception('i-granted', 'pending');
  const it = await world.begin({ id: 'i-granted' });
  await it.reaches('awaiting_approval', 'pending_exception');
  await world.pool.query(`update exceptions set status = 'approved', approved_at = now() where id = $1`, [id]);
  await handleOf(it.workflowId).signal(violationClosed, { result: 'excepted', message: `exception \`${id}\` is in force` });
  expect(await it.reaches('closed')).toMatchObject({ result: 'excepted' });
  expect(await callsOf('i-granted')).toEqual([]);
});

test('a violation that ends in its grace closes the remediation at once', async () => {
  await world.idleInstance('i-fixed');
  const it = await world.begin({ id: 'i-fixed', graceMs: 60_000 });
  await handleOf(it.workflowId).signal(violationClosed, { result: 'resolved', message: 'a scan no longer shows it' });
  expect(await it.reaches('closed')).toMatchObject({ result: 'resolved', resultMessage: 'a scan no longer shows it' });
  expect(await handleOf(it.workflowId).result()).toBe('resolved');
});

test('pause stops acting, resume goes on, and both are audited', async () => {
  await world.idleInstance('i-paused');
  const scope = `account:${ACCOUNT}`;
  await transaction(world.pool, (db) => setPause(db, { scope, reason: 'incident', principal: 'olga@company.com', at: at() }));
  const it = await world.begin({ id: 'i-paused' });
  await it.reaches('paused', 'pause');
  expect(await callsOf('i-paused')).toEqual([]);
  await transaction(world.pool, (db) => clearPause(db, { scope, reason: 'over', principal: 'olga@company.com', at: at() }));
  await nudgeRemediations(world.deps, { account: ACCOUNT });
  await it.reaches('undo_window');
  const audit = await world.pool.query<{ action: string }>(`select action from audit_log where subject = $1 order by seq`, [scope]);
  expect(audit.rows.map(({ action }) => action)).toEqual(['enforcement.pause', 'enforcement.resume']);
});

test('a pause that comes between snapshot and stop holds the stop', async () => {
  await world.idleInstance('i-between');
  await world.admin.setFault({
    kind: 'latency',
    api: 'create-snapshot',
    resource_id: 'i-between',
    latency_ms: 1_500,
    times: 1,
    probability: 1,
  });
  const it = await world.begin({ id: 'i-between' });
  await expect.poll(() => listEffects(world.pool, it.id), { timeout: 20_000 }).toMatchObject([{ step: 'snapshot', status: 'started' }]);
  await transaction(world.pool, (db) =>
    setPause(db, { scope: 'policy:idle', reason: 'incident', principal: 'olga@company.com', at: at() }),
  );
  await it.reaches('paused', 'pause');
  expect(await callsOf('i-between')).toEqual(['create-snapshot']);
  await transaction(world.pool, (db) => clearPause(db, { scope: 'policy:idle', reason: 'over', principal: 'olga@company.com', at: at() }));
  await it.reaches('undo_window');
  // What was saved before the pause is out of date after it.
  expect(await callsOf('i-between')).toEqual(['create-snapshot', 'create-snapshot', 'stop']);
});

test('what infrastructure-as-code owns is left alone, and its owner is told what to change', async () => {
  await world.idleInstance('i-managed', { managed_by: { tool: 'terraform', address: 'aws_instance.web', repository: 'infra' } });
  const it = await world.begin({ id: 'i-managed' });
  const closed = await it.reaches('closed');
  expect(closed).toMatchObject({ result: 'skipped' });
  expect(closed.resultMessage).toContain('aws_instance.web in infra');
  expect(await it.violation()).toMatchObject({ status: 'open' });
  expect(await it.stages()).toEqual(['detected', 'closed']);
  expect(await callsOf('i-managed')).toEqual([]);
});

test('unless its policy says act', async () => {
  await world.idleInstance('i-managed-too', { managed_by: { tool: 'terraform', address: null, repository: null } });
  const it = await world.begin({ id: 'i-managed-too', rule: 'managed-too', parameters: { actOnManaged: true } });
  await it.reaches('undo_window');
});

test('a softer action of the version of now holds; a harder one does not', async () => {
  const policy = (action: string) => `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: idle }
spec:
  type: Utilization
  rules: [{ name: low-use, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: ${action} } }]`;
  const before = await world.pool.query<{ active_version: string }>(`select active_version from policies where name = 'idle'`);
  await enforce(policy('notify'), '2.0.0');
  await world.idleInstance('i-softer');
  const softer = await world.begin({ id: 'i-softer' });
  expect(await softer.reaches('closed')).toMatchObject({ action: 'send_notification', result: 'completed' });
  await enforce(policy('terminate'), '3.0.0');
  await world.idleInstance('i-harder');
  const harder = await world.begin({ id: 'i-harder' });
  expect(await harder.reaches('undo_window')).toMatchObject({ action: 'stop_instance' });
  await world.idleInstance('i-rule-gone');
  const gone = await world.begin({ id: 'i-rule-gone', rule: 'managed-too' });
  expect(await gone.reaches('closed')).toMatchObject({ result: 'resolved' });
  await world.pool.query(`update policies set active_version = $1 where name = 'idle'`, [before.rows[0]?.active_version]);
});

test('a policy that enforces no longer closes it as policy_archived', async () => {
  const it = await world.begin({ id: 'vol-archived', policy: 'tags' });
  await world.volume('vol-archived');
  await world.pool.query(`update policies set active_version = null where name = 'tags'`);
  expect(await it.reaches('closed')).toMatchObject({ result: 'policy_archived' });
  expect(await it.violation()).toMatchObject({ status: 'closed', closeReason: 'policy_archived' });
  await world.pool.query(`update policies set active_version = '1.0.0' where name = 'tags'`);
});

test('an observed account: nothing is written, it says what it would have done, the violation stays open', () =>
  world.under({ accounts: [{ provider: 'simulated', account: ACCOUNT, mode: 'observe' }] }, async () => {
    await world.idleInstance('i-seen');
    const it = await world.begin({ id: 'i-seen' });
    expect(await it.read()).toMatchObject({ dryRun: true });
    const closed = await it.reaches('closed');
    expect(closed).toMatchObject({ result: 'skipped', actedAt: null });
    expect(closed.resultMessage).toContain('would have tried to stop `i-seen`');
    expect(await it.violation()).toMatchObject({ status: 'open' });
    expect(await callsOf('i-seen')).toEqual([]);
  }));

test('what was found while its account was only observed is not acted on when the account is enforced meanwhile', async () => {
  await world.idleInstance('i-promised');
  let it: Case | undefined;
  await world.under({ accounts: [{ provider: 'simulated', account: ACCOUNT, mode: 'observe' }] }, async () => {
    it = await world.begin({ id: 'i-promised', graceMs: 1_000 });
  });
  expect(await it?.reaches('closed')).toMatchObject({ result: 'skipped', dryRun: true });
  expect(await callsOf('i-promised')).toEqual([]);
});

/** Two a team; nothing else is limited. */
const TWO_A_TEAM = { policy: { min: 1_000, percent: 0 }, team: { min: 2, percent: 0 }, moneyPerHour: null, windowMs: 3_600_000 };

test('over the blast radius all wait and none acts; one approval releases the batch and no more', () =>
  world.under({ blastRadius: TWO_A_TEAM }, async () => {
    const ids = ['i-b1', 'i-b2', 'i-b3'];
    for (const id of [...ids, 'i-late']) await world.idleInstance(id);
    const violations = await Promise.all(ids.map((id) => insertViolation(world.pool, { id, team: 'CC-batch', graceMs: 400 })));
    await startRemediations(world.deps, violations, { recheckEveryMs: 50 });
    const batch = await Promise.all(violations.map((violationId) => follow(world.pool, violationId)));
    for (const it of batch) await it.reaches('awaiting_approval', 'blast_radius');
    for (const id of ids) expect(await callsOf(id)).toEqual([]);
    const [first] = batch;
    if (first === undefined) throw new Error('no batch');
    await handleOf(first.workflowId).executeUpdate(approveRemediation, {
      args: [{ principal: 'olga@company.com', at: at(), comments: 'go' }],
    });
    for (const it of batch) await it.reaches('undo_window');
    const released = (await first.timeline()).find(({ event }) => event === 'batch-released');
    expect(released).toMatchObject({ principal: 'olga@company.com', details: { remediations: 3 } });
    const late = await world.begin({ id: 'i-late', team: 'CC-batch' });
    await late.reaches('awaiting_approval', 'blast_radius');
    const audit = await world.pool.query(`select 1 from audit_log where action = 'remediation.release-batch'`);
    expect(audit.rowCount).toBe(1);
  }));

test('a release that is repeated releases nothing more, and answers the same', () =>
  world.under({ blastRadius: TWO_A_TEAM }, async () => {
    const ids = ['i-r1', 'i-r2', 'i-r3'];
    for (const id of ids) await world.idleInstance(id);
    const violations = await Promise.all(ids.map((id) => insertViolation(world.pool, { id, team: 'CC-repeat', graceMs: 60_000 })));
    await startRemediations(world.deps, violations, { recheckEveryMs: 50 });
    const [remediationId = ''] = await Promise.all(violations.map(async (violationId) => (await follow(world.pool, violationId)).id));
    const input = { remediationId, policyName: 'idle', team: 'CC-repeat', principal: 'olga@company.com' };
    const { releaseBlastRadius } = createRemediationActivities(world.deps);
    expect(await releaseBlastRadius(input)).toBe(3);
    expect(await releaseBlastRadius(input)).toBe(3);
    const audit = await world.pool.query(`select 1 from audit_log where action = 'remediation.release-batch' and subject = $1`, [
      remediationId,
    ]);
    expect(audit.rowCount).toBe(1);
  }));

test('an approval that is refused releases nothing', () =>
  world.under({ blastRadius: TWO_A_TEAM }, async () => {
    const ids = ['vol-r1', 'vol-r2', 'vol-r3'];
    for (const id of ids) await world.volume(id);
    const found = ids.map((id) => insertViolation(world.pool, { id, policy: 'orphans', team: 'CC-refused', graceMs: 100 }));
    const violations = await Promise.all(found);
    await startRemediations(world.deps, violations, { recheckEveryMs: 3_600_000 });
    const batch = await Promise.all(violations.map((violationId) => follow(world.pool, violationId)));
    for (const it of batch) await it.reaches('awaiting_approval', 'blast_radius');
    await world.admin.setFault({ kind: 'unreachable', api: 'find', resource_id: 'vol-r1', latency_ms: 0, probability: 1 });
    const approval = handleOf(batch[0]?.workflowId ?? '').executeUpdate(approveRemediation, {
      args: [{ principal: 'olga@company.com', at: at(), comments: null }],
    });
    await expect(approval).rejects.toThrow(WorkflowUpdateFailedError);
    const released = await world.pool.query(`select 1 from blast_radius_releases where scope = 'team:CC-refused'`);
    expect(released.rowCount).toBe(0);
  }));

test('a breach is seen before the first of a batch acts, also when all are critical', () =>
  world.under({ blastRadius: TWO_A_TEAM }, async () => {
    const ids = ['i-c1', 'i-c2', 'i-c3'];
    for (const id of ids) await world.idleInstance(id);
    const violations = await Promise.all(ids.map((id) => insertViolation(world.pool, { id, team: 'CC-critical', severity: 'critical' })));
    expect(await startRemediations(world.deps, violations, { recheckEveryMs: 50 })).toBe(3);
    for (const violationId of violations) await (await follow(world.pool, violationId)).reaches('awaiting_approval', 'blast_radius');
    for (const id of ids) expect(await callsOf(id)).toEqual([]);
  }));

test('savings of an hour are limited where the settings say so', () =>
  world.under({ blastRadius: { ...TWO_A_TEAM, team: TWO_A_TEAM.policy, moneyPerHour: '100.00' } }, async () => {
    await world.idleInstance('i-rich');
    const it = await world.begin({ id: 'i-rich', savings: '100.01' });
    await it.reaches('awaiting_approval', 'blast_radius');
  }));

test('pending requests hold a violation up for so long at most, however many there are', () =>
  world.under({ exceptions: { ...world.deps.settings.exceptions, holdDestructiveMs: 300 } }, async () => {
    await world.idleInstance('i-stalled');
    await exception('i-stalled', 'pending');
    const it = await world.begin({ id: 'i-stalled' });
    await it.reaches('undo_window');
    expect((await it.timeline()).find(({ event }) => event === 'waiting')).toMatchObject({ details: { waiting_for: 'pending_exception' } });
  }));
