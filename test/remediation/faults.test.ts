import { WorkflowUpdateFailedError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRemediationActivities } from '../../src/activities/remediation.js';
import { startRemediations } from '../../src/activities/remediation-start.js';
import { TollgateError } from '../../src/errors.js';
import { transaction } from '../../src/store/db.js';
import { listEffects } from '../../src/store/effects.js';
import { clearPause, setPause } from '../../src/store/pauses.js';
import {
  approveRemediation,
  cancelRemediation,
  lookAgain,
  postponeRemediation,
  retryRemediation,
  undoRemediation,
  violationClosed,
} from '../../src/workflows/remediation-messages.js';
import { recordHistory } from '../support/histories.js';
import { insertViolation } from './fixtures.js';
import { type Case, createWorld, follow, keyOf, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const OLGA = 'olga@company.com';
const by = () => ({ principal: OLGA, at: Date.now() });
const handleOf = (it: Case) => world.temporal.client.workflow.getHandle(it.workflowId);
const callsOf = async (id: string) => (await world.admin.listCalls(id)).map(({ kind }) => kind);
const retry = (it: Case) => handleOf(it).executeUpdate(retryRemediation, { args: [by()] });
const undo = (it: Case) => handleOf(it).executeUpdate(undoRemediation, { args: [{ ...by(), reason: null }] });
const postpone = (it: Case, until: number) =>
  handleOf(it).executeUpdate(postponeRemediation, { args: [{ ...by(), until, reason: 'release week' }] });
const find = (id: string, type?: string) => world.deps.providers.get('simulated').find({ provider: 'simulated', ...keyOf(id, type) });

type Fault = Parameters<World['admin']['setFault']>[0];
const fault = (id: string, api: string, kind: Fault['kind'], more: Partial<Fault> = {}) =>
  world.admin.setFault({ kind, api, resource_id: id, latency_ms: 0, probability: 1, ...more });

/** Waits until the step of that name is in the ledger. */
async function begun(it: Case, step: string): Promise<void> {
  const steps = async () => (await listEffects(world.pool, it.id)).map((effect) => effect.step);
  await expect.poll(steps, { timeout: 20_000, interval: 10 }).toContain(step);
}

const PAUSE = { scope: 'policy:idle', reason: 'incident', principal: OLGA };
const pause = () => transaction(world.pool, (db) => setPause(db, { ...PAUSE, at: Date.now() }));
const resume = () => transaction(world.pool, (db) => clearPause(db, { ...PAUSE, at: Date.now() }));

test('an act that is postponed while its snapshot is taken does not happen before its new moment', async () => {
  await world.idleInstance('i-postponed');
  await fault('i-postponed', 'create-snapshot', 'latency', { latency_ms: 1_000, times: 1 });
  const it = await world.begin({ id: 'i-postponed' });
  await begun(it, 'snapshot');
  const until = (await it.read()).actAt + 9_900;
  await postpone(it, until);
  expect(await it.until(({ phase, actedAt }) => phase === 'grace' && actedAt === null)).toMatchObject({ actAt: until });
  await expect.poll(it.events, { timeout: 20_000 }).toContain('held');
  expect(await callsOf('i-postponed')).toEqual(['create-snapshot']);
  await handleOf(it).executeUpdate(cancelRemediation, { args: [{ ...by(), reason: 'over' }] });
});

test('one that is cancelled while its snapshot is taken does not happen', async () => {
  await world.idleInstance('i-called-off');
  await fault('i-called-off', 'create-snapshot', 'latency', { latency_ms: 1_000, times: 1 });
  const it = await world.begin({ id: 'i-called-off' });
  await begun(it, 'snapshot');
  await handleOf(it).executeUpdate(cancelRemediation, { args: [{ ...by(), reason: 'over' }] });
  expect(await it.read()).toMatchObject({ result: 'cancelled', actedAt: null });
  expect(await callsOf('i-called-off')).toEqual(['create-snapshot']);
});

test('a snapshot whose answer got lost is asked for again: one snapshot, one stop, and nobody is bothered', async () => {
  await world.idleInstance('i-snap-lost');
  await fault('i-snap-lost', 'create-snapshot', 'lost-answer', { times: 2 });
  const it = await world.begin({ id: 'i-snap-lost' });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', attempts: 1 });
  expect(await world.admin.listCalls('i-snap-lost')).toMatchObject([{ kind: 'create-snapshot', repeats: 2 }, { kind: 'stop' }]);
});

test('where no snapshot can be taken nothing was begun: a retry looks again, and finds it compliant', async () => {
  await world.idleInstance('i-no-snap');
  await fault('i-no-snap', 'create-snapshot', 'error', { message: 'no quota' });
  const it = await world.begin({ id: 'i-no-snap' });
  expect(await it.reaches('awaiting_operator')).toMatchObject({ actedAt: null, resultMessage: 'no quota' });
  await world.admin.changeResource(keyOf('i-no-snap'), { metrics: { avg_cpu_percent: 60, avg_network_bytes_per_day: 1, days: 30 } });
  await retry(it);
  expect(await it.reaches('closed')).toMatchObject({ result: 'resolved' });
});

test('a last look that fails is no lost answer: it is looked at anew, and acted on once', async () => {
  await world.idleInstance('i-blink');
  await fault('i-blink', 'create-snapshot', 'latency', { latency_ms: 700, times: 1 });
  const it = await world.begin({ id: 'i-blink' });
  await begun(it, 'snapshot');
  await fault('i-blink', 'find', 'unreachable', { times: 1 });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', attempts: 2 });
  expect(await world.admin.listCalls('i-blink')).toMatchObject([{ kind: 'create-snapshot' }, { kind: 'stop', repeats: 0 }]);
});

test('a pause holds a repeat of what may not have happened', async () => {
  await world.idleInstance('i-unreached');
  await fault('i-unreached', 'stop', 'unreachable', { latency_ms: 700, times: 1 });
  const it = await world.begin({ id: 'i-unreached' });
  await begun(it, 'stop');
  await pause();
  await it.reaches('paused', 'pause');
  expect(await it.read()).toMatchObject({ actedAt: null });
  expect(await callsOf('i-unreached')).toEqual(['create-snapshot']);
  await resume();
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  expect(await callsOf('i-unreached')).toEqual(['create-snapshot', 'create-snapshot', 'stop']);
});

test('what turns out to have happened is verified and can be undone, also during a pause', async () => {
  await world.idleInstance('i-after-all');
  await fault('i-after-all', 'stop', 'lost-answer', { latency_ms: 700, times: 1 });
  const it = await world.begin({ id: 'i-after-all' });
  await begun(it, 'stop');
  await pause();
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  await resume();
  expect(await world.admin.listCalls('i-after-all')).toMatchObject([{ kind: 'create-snapshot' }, { kind: 'stop', repeats: 0 }]);
});

test('an act of unknown outcome is not forgotten: a scan does not close it, a retry finds it done, and it can be undone', async () => {
  await world.idleInstance('i-unknown');
  const lost = await fault('i-unknown', 'stop', 'lost-answer');
  const it = await world.begin({ id: 'i-unknown' });
  expect((await it.reaches('awaiting_operator', 'operator')).actedAt).not.toBeNull();
  await handleOf(it).signal(violationClosed, { result: 'resolved', message: 'a scan no longer shows it' });
  await expect(postpone(it, Date.now() + 5_000)).rejects.toThrow(WorkflowUpdateFailedError);
  expect(await it.read()).toMatchObject({ phase: 'awaiting_operator' });
  await world.admin.clearFaults(lost.id);
  await retry(it);
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  expect((await callsOf('i-unknown')).filter((kind) => kind === 'stop')).toHaveLength(1);
  await undo(it);
  expect((await find('i-unknown'))?.state).toBe('running');
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-failed-retried');
});

test('an act of unknown outcome that did not happen is looked at anew by a retry', async () => {
  await world.idleInstance('i-never');
  const away = await fault('i-never', 'stop', 'unreachable');
  const it = await world.begin({ id: 'i-never' });
  await it.reaches('awaiting_operator', 'operator');
  await world.admin.clearFaults(away.id);
  await pause();
  await retry(it);
  expect(await it.reaches('paused')).toMatchObject({ actedAt: null });
  await resume();
  await it.reaches('undo_window');
});

test('a deletion that happened although its answer got lost is found done, and its volume restored once', async () => {
  await world.volume('vol-unknown');
  const lost = await fault('vol-unknown', 'delete', 'lost-answer');
  const it = await world.begin({ id: 'vol-unknown', policy: 'orphans' });
  await it.reaches('awaiting_approval', 'consent');
  await handleOf(it).executeUpdate(approveRemediation, { args: [{ ...by(), comments: null }] });
  await it.reaches('awaiting_operator', 'operator');
  await world.admin.clearFaults(lost.id);
  await retry(it);
  await it.reaches('undo_window');
  const silent = await fault('vol-unknown', 'restore-volume', 'lost-answer');
  await expect(undo(it)).rejects.toThrow(WorkflowUpdateFailedError);
  await world.admin.clearFaults(silent.id);
  expect(await undo(it)).toMatchObject({ result: 'undone' });
  expect(await callsOf('vol-unknown')).toEqual(['create-snapshot', 'delete', 'restore-volume']);
  expect(await find((await it.violation()).resource.id, 'storage/volume')).toMatchObject({ state: 'available' });
});

test('a resize whose answers got lost starts the instance again, and is found done', async () => {
  await world.idleInstance('i-resized', { specs: { instance_type: 'm7i.xlarge' } });
  const lost = await fault('i-resized', 'resize', 'lost-answer');
  const it = await world.begin({ id: 'i-resized', policy: 'sizes', parameters: { targetType: 'm7i.large' } });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  await world.admin.clearFaults(lost.id);
  expect(await find('i-resized')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.large' } });
  await undo(it);
  expect(await find('i-resized')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.xlarge' } });
});

test('an instance that could not be started again is started by a retry, which then looks anew', async () => {
  await world.idleInstance('i-down', { specs: { instance_type: 'm7i.xlarge' } });
  const refused = await fault('i-down', 'resize', 'error', { message: 'no capacity' });
  const down = await fault('i-down', 'start', 'error', { message: 'no host' });
  const it = await world.begin({ id: 'i-down', policy: 'sizes', parameters: { targetType: 'm7i.large' } });
  const waiting = await it.reaches('awaiting_operator', 'operator');
  expect(waiting).toMatchObject({ resultMessage: 'the instance is stopped and could not be started: no host' });
  expect(waiting.actedAt).not.toBeNull();
  for (const { id } of [refused, down]) await world.admin.clearFaults(id);
  await retry(it);
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  expect(await find('i-down')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.large' } });
  expect(await callsOf('i-down')).toEqual(['create-snapshot', 'stop', 'start', 'create-snapshot', 'stop', 'resize', 'start']);
});

test('medium and resized: notice, escalation, act, and the window', async () => {
  await world.idleInstance('i-course', { specs: { instance_type: 'm7i.xlarge' } });
  const it = await world.begin({ id: 'i-course', policy: 'sizes', severity: 'medium', parameters: { targetType: 'm7i.large' } });
  expect(await it.reaches('undo_window')).toMatchObject({ escalated: true, severity: 'high', result: 'completed' });
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-escalated-resized');
});

test('an effect that does not show holds no worker: the workflow waits, and asks again', async () => {
  await world.idleInstance('i-slow');
  await fault('i-slow', 'stop', 'latency', { latency_ms: 700, times: 1 });
  const it = await world.begin({ id: 'i-slow' });
  await begun(it, 'stop');
  const blind = await fault('i-slow', 'find', 'unreachable');
  const asked = async () =>
    ((await handleOf(it).fetchHistory()).events ?? []).filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'performStep',
    ).length;
  // The snapshot, the stop, and the stop's effect asked for twice more.
  await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(3);
  await world.admin.clearFaults(blind.id);
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed', attempts: 1 });
  expect((await listEffects(world.pool, it.id)).map(({ step, attempts }) => [step, attempts])).toEqual([
    ['snapshot', 1],
    ['stop', 1],
  ]);
});

test('a word that comes during a look is heard after it', async () => {
  await world.idleInstance('i-word');
  const violationId = await insertViolation(world.pool, { id: 'i-word' });
  // Metrics are not asked of one resource: nothing else is looked at meanwhile.
  const slow = await world.admin.setFault({ kind: 'error', api: 'metrics', latency_ms: 1_000, times: 1, probability: 1 });
  await startRemediations(world.deps, [violationId], { recheckEveryMs: 3_600_000 });
  const it = await follow(world.pool, violationId);
  const hits = async () => (await world.admin.listFaults()).find(({ id }) => id === slow.id)?.hits ?? 0;
  await expect.poll(hits, { timeout: 20_000, interval: 10 }).toBe(1);
  await handleOf(it).signal(lookAgain);
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
});

test('a resource that changes between the look and the act is looked at again, also where no snapshot is taken', () =>
  world.under({ createSnapshotBeforeStop: false }, async () => {
    await world.idleInstance('i-stale');
    const slow = await fault('i-stale', 'find', 'latency', { latency_ms: 700 });
    const it = await world.begin({ id: 'i-stale' });
    await expect.poll(it.events, { timeout: 20_000, interval: 10 }).toContain('acting');
    await world.admin.changeResource(keyOf('i-stale'), { tags: { note: 'mine' } });
    await expect.poll(it.events, { timeout: 20_000 }).toContain('held');
    await world.admin.clearFaults(slow.id);
    expect(await it.reaches('undo_window')).toMatchObject({ attempts: 2 });
  }));

test('a look of long ago is no reason to act: a worker that was away looks again', async () => {
  await world.idleInstance('i-long-ago');
  const key = { provider: 'simulated', ...keyOf('i-long-ago') };
  const { performStep } = createRemediationActivities(world.deps);
  const guard = { policyName: 'idle', fingerprint: null, lookedAt: Date.now() - 11 * 60_000 };
  const input = {
    idempotencyKey: 'rem_long-ago/stop',
    remediationId: 'rem_long-ago',
    step: 'stop',
    key,
    command: { kind: 'stop' },
    guard,
  } as const;
  expect(await new MockActivityEnvironment().run(performStep, input)).toMatchObject({ kind: 'held', unknown: false });
  expect(await callsOf('i-long-ago')).toEqual([]);
});

test('a provider that is configured no longer is waited for', async () => {
  await world.idleInstance('i-homeless');
  const { providers } = world.deps;
  const { get } = providers;
  const gone = () => {
    throw new TollgateError('not-found', 'no provider `simulated`');
  };
  Object.assign(providers, { get: gone });
  const it = await world.begin({ id: 'i-homeless' });
  await it.reaches('grace', 'provider').finally(() => Object.assign(providers, { get }));
  await it.reaches('undo_window');
});

test('an error that trying again does not mend is shown to an operator, and the remediation lives on', async () => {
  await world.idleInstance('i-misled');
  const { settings } = world.deps;
  const { blastRadius } = settings;
  const broken = () => {
    throw new TollgateError('invalid-configuration', 'the settings are no good');
  };
  Object.defineProperty(settings, 'blastRadius', { get: broken, configurable: true });
  const it = await world.begin({ id: 'i-misled' });
  const waiting = await it
    .reaches('awaiting_operator', 'operator')
    .finally(() => Object.defineProperty(settings, 'blastRadius', { value: blastRadius, writable: true, enumerable: true }));
  expect(waiting).toMatchObject({ result: 'failed', resultMessage: 'the settings are no good', actedAt: null });
  await retry(it);
  await it.reaches('undo_window');
});

test('two remediations of one resource act one after the other', async () => {
  await world.idleInstance('i-shared', { specs: { instance_type: 'm7i.xlarge' } });
  await fault('i-shared', 'resize', 'latency', { latency_ms: 1_500, times: 1 });
  const first = await world.begin({ id: 'i-shared', policy: 'sizes', parameters: { targetType: 'm7i.large' } });
  await begun(first, 'resize');
  const second = await world.begin({ id: 'i-shared' });
  await second.reaches('grace', 'provider');
  await first.reaches('undo_window');
  await second.reaches('undo_window');
  expect(await callsOf('i-shared')).toEqual(['create-snapshot', 'stop', 'resize', 'start', 'create-snapshot', 'stop']);
});
