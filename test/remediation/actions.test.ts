import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RemediationRecord } from '../../src/policy/records.js';
import { REFUSALS } from '../../src/workflows/messages.js';
import {
  approveRemediation,
  cancelRemediation,
  postponeRemediation,
  retryRemediation,
  undoRemediation,
} from '../../src/workflows/remediation-messages.js';
import { recordHistory } from '../support/histories.js';
import { type Case, createWorld, keyOf, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const OLGA = 'olga@company.com';
const handleOf = (it: Case) => world.temporal.client.workflow.getHandle(it.workflowId);
const by = () => ({ principal: OLGA, at: Date.now() });
const approve = (it: Case) => handleOf(it).executeUpdate(approveRemediation, { args: [{ ...by(), comments: null }] });
const cancel = (it: Case, reason = 'not now') => handleOf(it).executeUpdate(cancelRemediation, { args: [{ ...by(), reason }] });
const postpone = (it: Case, until: number, reason = 'release week') =>
  handleOf(it).executeUpdate(postponeRemediation, { args: [{ ...by(), until, reason }] });
const retry = (it: Case) => handleOf(it).executeUpdate(retryRemediation, { args: [by()] });
const undo = (it: Case, reason: string | null = null) => handleOf(it).executeUpdate(undoRemediation, { args: [{ ...by(), reason }] });
const find = (id: string, type?: string) => world.deps.providers.get('simulated').find({ provider: 'simulated', ...keyOf(id, type) });
const callsOf = async (id: string) => (await world.admin.listCalls(id)).map(({ kind }) => kind);

/** The type with which an update was refused. */
async function refusal(update: Promise<RemediationRecord>): Promise<string> {
  const error = await update.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
    throw new Error('it was not refused', { cause: error });
  return error.cause.type ?? '';
}

async function auditOf(it: Case): Promise<readonly string[]> {
  const { rows } = await world.pool.query<{ entry: string }>(
    `select principal || ' ' || action as entry from audit_log where subject = $1 order by seq`,
    [it.id],
  );
  return rows.map(({ entry }) => entry);
}

test('undo of a stop starts the instance again; the violation is open and counted again', async () => {
  await world.idleInstance('i-undo');
  const it = await world.begin({ id: 'i-undo' });
  await it.reaches('undo_window');
  expect(await undo(it, 'needed tonight')).toMatchObject({ phase: 'closed', result: 'undone' });
  expect(await it.read()).toMatchObject({ phase: 'closed', result: 'undone', resultMessage: expect.stringContaining('needed tonight') });
  expect((await find('i-undo'))?.state).toBe('running');
  expect(await it.violation()).toMatchObject({ status: 'open', closedAt: null });
  expect(await auditOf(it)).toEqual(['system:remediation remediation.act', `${OLGA} remediation.undo`]);
  expect(await handleOf(it).result()).toBe('undone');
});

test('resize: stop, resize, start; undo brings the old size back', async () => {
  await world.idleInstance('i-size', { specs: { instance_type: 'm7i.xlarge' } });
  const it = await world.begin({ id: 'i-size', policy: 'sizes', parameters: { targetType: 'm7i.large' } });
  expect(await it.reaches('undo_window')).toMatchObject({ action: 'resize_instance', result: 'completed' });
  expect(await find('i-size')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.large' } });
  expect(await callsOf('i-size')).toEqual(['create-snapshot', 'stop', 'resize', 'start']);
  await undo(it);
  expect(await find('i-size')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.xlarge' } });
});

test('a resize that is refused starts the instance again at its old size and waits for an operator, whose retry acts anew', async () => {
  await world.idleInstance('i-refused', { specs: { instance_type: 'm7i.xlarge' } });
  const fault = await world.admin.setFault({
    kind: 'error',
    api: 'resize',
    resource_id: 'i-refused',
    message: 'no capacity',
    latency_ms: 0,
    probability: 1,
  });
  const it = await world.begin({ id: 'i-refused', policy: 'sizes', parameters: { targetType: 'm7i.large' } });
  expect(await it.reaches('awaiting_operator', 'operator')).toMatchObject({ result: 'failed', resultMessage: 'no capacity', attempts: 1 });
  expect(await find('i-refused')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.xlarge' } });
  expect(await refusal(approve(it))).toBe(REFUSALS.wrongState);
  await world.admin.clearFaults(fault.id);
  expect(await retry(it)).toMatchObject({ waitingFor: null, result: null });
  expect(await it.reaches('undo_window')).toMatchObject({ attempts: 2, result: 'completed' });
  expect(await find('i-refused')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.large' } });
  // Its owner and an operator, once each.
  expect((await it.stages()).filter((stage) => stage === 'failed')).toHaveLength(2);
});

test('tags: given values and marks, never what is good already; undo takes its own back; what is left is said', async () => {
  await world.volume('vol-tags', { tags: { owner: 'dana@company.com' } });
  const it = await world.begin({
    id: 'vol-tags',
    policy: 'tags',
    parameters: { tags: { project: 'unassigned' }, missingTags: ['project'] },
  });
  await it.reaches('undo_window');
  expect((await find('vol-tags', 'storage/volume'))?.tags).toMatchObject({
    owner: 'dana@company.com',
    project: 'unassigned',
    'managed-by': 'cost-governance',
    'compliance-status': 'needs-review',
    'auto-tagged-at': expect.any(String),
  });
  expect(await it.violation()).toMatchObject({ status: 'remediated' });
  await undo(it);
  expect((await find('vol-tags', 'storage/volume'))?.tags).toEqual({ owner: 'dana@company.com' });
});

test('what still violates after the act stays open and counted, and the remediation says what is left', async () => {
  await world.volume('vol-left');
  const it = await world.begin({ id: 'vol-left', policy: 'tags', parameters: { missingTags: ['project'] } });
  const done = await it.reaches('undo_window');
  expect(done).toMatchObject({ result: 'completed', resultMessage: expect.stringContaining('what is left') });
  expect(await it.violation()).toMatchObject({ status: 'open', closedAt: null });
});

test('a deletion waits for consent, takes a snapshot first, and can be undone from it', async () => {
  await world.volume('vol-delete');
  const it = await world.begin({ id: 'vol-delete', policy: 'orphans' });
  await it.reaches('awaiting_approval', 'consent');
  expect(await callsOf('vol-delete')).toEqual([]);
  expect((await it.stages()).filter((stage) => stage === 'waiting')).not.toEqual([]);
  expect(await approve(it)).toMatchObject({ approvedBy: OLGA });
  expect(await it.reaches('undo_window')).toMatchObject({ action: 'delete_volume', result: 'completed', approvedBy: OLGA });
  expect(await callsOf('vol-delete')).toEqual(['create-snapshot', 'delete']);
  expect(await find('vol-delete', 'storage/volume')).toBeNull();
  const undone = await undo(it, 'it was needed');
  expect(undone).toMatchObject({ result: 'undone' });
  const restored = (await it.violation()).resource.id;
  expect(restored).not.toBe('vol-delete');
  expect(await find(restored, 'storage/volume')).toMatchObject({ state: 'available', specs: { sizeGb: 10 } });
  expect(await auditOf(it)).toEqual([`${OLGA} remediation.approve`, 'system:remediation remediation.act', `${OLGA} remediation.undo`]);
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-approved-undone');
});

test('approval may be given early', async () => {
  await world.volume('vol-early');
  const it = await world.begin({ id: 'vol-early', policy: 'orphans', graceMs: 1_500 });
  expect(await approve(it)).toMatchObject({ phase: 'grace', approvedBy: OLGA });
  await it.reaches('undo_window');
  expect(await it.events()).not.toContain('waiting');
});

test('an approval does not outlive a change of the resource', async () => {
  await world.volume('vol-changed');
  const it = await world.begin({ id: 'vol-changed', policy: 'orphans', graceMs: 1_500 });
  await approve(it);
  await world.admin.changeResource(keyOf('vol-changed', 'storage/volume'), { tags: { note: 'mine' } });
  expect(await it.reaches('awaiting_approval', 'consent')).toMatchObject({ approvedBy: null });
  expect(await it.events()).toContain('approval-voided');
  expect(await callsOf('vol-changed')).toEqual([]);
});

test('a termination needs consent and cannot be undone', async () => {
  await world.idleInstance('i-terminate');
  const it = await world.begin({ id: 'i-terminate', rule: 'to-terminate', action: 'terminate' });
  await it.reaches('awaiting_approval', 'consent');
  await approve(it);
  expect(await it.reaches('closed')).toMatchObject({ result: 'completed', undoUntil: null });
  expect(await find('i-terminate')).toBeNull();
});

test('where the settings allow it a deletion needs nobody', () =>
  world.under({ allowAutoDeleteVolumes: true }, async () => {
    await world.volume('vol-free');
    const it = await world.begin({ id: 'vol-free', policy: 'orphans' });
    expect(await it.reaches('undo_window')).toMatchObject({ approvedBy: null });
  }));

test('postpone moves the act by so much at most in all, forwards only, with a reason', async () => {
  await world.idleInstance('i-postpone');
  const it = await world.begin({ id: 'i-postpone', graceMs: 60_000 });
  const { actAt } = await it.read();
  expect(await refusal(postpone(it, actAt))).toBe(REFUSALS.invalid);
  expect(await refusal(postpone(it, actAt + 1_000, ' '))).toBe(REFUSALS.invalid);
  expect(await refusal(postpone(it, Number.NaN))).toBe(REFUSALS.invalid);
  expect(await refusal(postpone(it, actAt + 10_001))).toBe(REFUSALS.wrongState);
  expect(await postpone(it, actAt + 6_000)).toMatchObject({ actAt: actAt + 6_000, postponedMs: 6_000 });
  expect(await refusal(postpone(it, actAt + 10_001))).toBe(REFUSALS.wrongState);
  expect(await postpone(it, actAt + 10_000)).toMatchObject({ postponedMs: 10_000 });
  expect(await refusal(postpone(it, actAt + 10_001))).toBe(REFUSALS.wrongState);
  expect(await it.read()).toMatchObject({ actAt: actAt + 10_000, postponedMs: 10_000 });
  expect((await it.events()).filter((event) => event === 'postponed')).toHaveLength(2);
});

test('postponed while it waits for consent, it is in its grace again', async () => {
  await world.volume('vol-later');
  const it = await world.begin({ id: 'vol-later', policy: 'orphans' });
  const { actAt } = await it.reaches('awaiting_approval', 'consent');
  expect(await postpone(it, actAt + 9_900)).toMatchObject({ phase: 'grace', waitingFor: null });
  await cancel(it);
});

test('cancel needs a reason, closes it, and leaves the violation open', async () => {
  await world.idleInstance('i-cancel');
  const it = await world.begin({ id: 'i-cancel', graceMs: 60_000 });
  expect(await refusal(cancel(it, ''))).toBe(REFUSALS.invalid);
  expect(await cancel(it, 'a migration')).toMatchObject({ phase: 'closed', result: 'cancelled' });
  expect(await it.read()).toMatchObject({ phase: 'closed', result: 'cancelled', resultMessage: `cancelled by ${OLGA}: a migration` });
  expect(await it.violation()).toMatchObject({ status: 'open' });
  expect(await auditOf(it)).toEqual([`${OLGA} remediation.cancel`]);
  expect(await callsOf('i-cancel')).toEqual([]);
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-cancelled');
});

test('each update is refused where it has no sense, and changes nothing', async () => {
  await world.idleInstance('i-refuse');
  const it = await world.begin({ id: 'i-refuse', graceMs: 60_000 });
  await expect.poll(it.stages).toEqual(['detected']);
  const before = await it.read();
  for (const update of [approve, retry, undo]) expect(await refusal(update(it))).toBe(REFUSALS.wrongState);
  expect(await it.read()).toEqual(before);
  await world.idleInstance('i-acted');
  const acted = await world.begin({ id: 'i-acted' });
  const done = await acted.reaches('undo_window');
  const postponeABit = () => postpone(acted, done.actAt + 1);
  for (const update of [approve, retry, cancel, postponeABit]) expect(await refusal(update(acted))).toBe(REFUSALS.wrongState);
  expect(await acted.read()).toEqual(done);
});

test('a throttled stop is tried again; the violation is still remediated by one stop', async () => {
  await world.idleInstance('i-throttled');
  await world.admin.setFault({ kind: 'throttle', api: 'stop', resource_id: 'i-throttled', times: 2, latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-throttled' });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', attempts: 3 });
  expect((await callsOf('i-throttled')).filter((kind) => kind === 'stop')).toHaveLength(1);
});

test('a stop whose answer got lost is asked for again with its key: once at the provider, and completed, not resolved', async () => {
  await world.idleInstance('i-lost');
  await world.admin.setFault({ kind: 'lost-answer', api: 'stop', resource_id: 'i-lost', times: 1, latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-lost' });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', attempts: 1 });
  const stops = (await world.admin.listCalls('i-lost')).filter(({ kind }) => kind === 'stop');
  expect(stops).toMatchObject([{ token: `${it.id}/stop`, repeats: 1 }]);
});

test('after so many failures in a row an operator is asked, who may give up', async () => {
  await world.idleInstance('i-failing');
  await world.admin.setFault({ kind: 'throttle', api: 'stop', resource_id: 'i-failing', latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-failing' });
  expect(await it.reaches('awaiting_operator', 'operator')).toMatchObject({ result: 'failed', attempts: 5 });
  expect(await cancel(it)).toMatchObject({ result: 'cancelled' });
});

test('when the undo window has passed it is closed as completed', () =>
  world.under({ course: { ...world.deps.settings.course, undoWindowMs: 100 } }, async () => {
    await world.idleInstance('i-brief');
    const it = await world.begin({ id: 'i-brief' });
    expect(await it.reaches('closed')).toMatchObject({ result: 'completed' });
    expect(await it.violation()).toMatchObject({ status: 'remediated' });
  }));

test('an undo that cannot be made says why, and can be asked for again', async () => {
  await world.idleInstance('i-stuck');
  const it = await world.begin({ id: 'i-stuck' });
  await it.reaches('undo_window');
  const fault = await world.admin.setFault({ kind: 'error', api: 'start', resource_id: 'i-stuck', latency_ms: 0, probability: 1 });
  expect(await refusal(undo(it))).toBe(REFUSALS.wrongState);
  expect(await it.read()).toMatchObject({ phase: 'undo_window', result: 'completed' });
  await world.admin.clearFaults(fault.id);
  expect(await undo(it)).toMatchObject({ result: 'undone' });
});

test('a workflow that is cancelled in Temporal is closed as cancelled, and says so', async () => {
  await world.idleInstance('i-ended');
  const it = await world.begin({ id: 'i-ended', graceMs: 60_000 });
  await expect.poll(it.stages).toEqual(['detected']);
  await handleOf(it).cancel();
  expect(await it.reaches('closed')).toMatchObject({ result: 'cancelled' });
});
