import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRemediations, startUnstarted } from '../../src/activities/remediation-start.js';
import { instantWords } from '../../src/policy/remediation-words.js';
import { listNotices } from '../../src/store/outbox.js';
import { postponeRemediation, type RemediationInput } from '../../src/workflows/remediation-messages.js';
import type { RemediationState } from '../../src/workflows/remediation-state.js';
import { recordHistory } from '../support/histories.js';
import { insertViolation, TASK_QUEUE } from './fixtures.js';
import { type Case, createWorld, follow, keyOf, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const stateOf = async (id: string) => (await world.deps.providers.get('simulated').find({ provider: 'simulated', ...keyOf(id) }))?.state;

test('high: notice, reminders, then the act, its verification and the undo window', async () => {
  await world.idleInstance('i-high');
  const it = await world.begin({ id: 'i-high' });
  const first = await it.read();
  expect(first).toMatchObject({ phase: 'grace', action: 'stop_instance', escalateAt: null, actAt: first.detectedAt + 150, result: null });
  const done = await it.reaches('undo_window');
  expect(done).toMatchObject({ result: 'completed', attempts: 1, waitingFor: null, actAt: first.actAt });
  expect(done.actedAt).toBeGreaterThanOrEqual(first.actAt);
  expect(done.undoUntil).toBeGreaterThan(done.actedAt ?? 0);
  expect(await it.effects()).toEqual(['snapshot', 'stop']);
  expect(await stateOf('i-high')).toBe('stopped');
  expect(await it.violation()).toMatchObject({ status: 'remediated', remediationId: it.id });
  expect(await it.events()).toEqual(['violation-detected', 'acting', 'snapshot-created', 'acted', 'remediated']);
  expect(await it.stages()).toEqual(['detected', 'acted']);
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-stopped');
});

test('critical acts at once and still tells', async () => {
  await world.idleInstance('i-critical');
  const it = await world.begin({ id: 'i-critical', severity: 'critical' });
  const done = await it.reaches('undo_window');
  expect(done.actAt).toBe(done.detectedAt);
  expect(await it.stages()).toEqual(['detected', 'acted']);
});

test('medium: a notice, then it becomes high with a notice of its own, then the act; the violation keeps its severity', async () => {
  await world.idleInstance('i-medium');
  const it = await world.begin({ id: 'i-medium', severity: 'medium' });
  const first = await it.read();
  expect(first).toMatchObject({ phase: 'notice', escalateAt: first.detectedAt + 150, actAt: first.detectedAt + 300, escalated: false });
  const escalated = await it.until(({ escalated: isHigh }) => isHigh);
  expect(escalated).toMatchObject({ severity: 'high' });
  const done = await it.reaches('undo_window');
  expect(done).toMatchObject({ severity: 'high', escalated: true, actAt: first.actAt });
  expect(await it.stages()).toEqual(['detected', 'escalated', 'acted']);
  expect(await it.violation()).toMatchObject({ severity: 'medium' });
});

test('reminders are given once each, before the act, and again when it is postponed', async () => {
  await world.idleInstance('i-remind');
  const it = await world.begin({ id: 'i-remind', graceMs: 600_000 });
  const { actAt } = await it.read();
  const handle = world.temporal.client.workflow.getHandle(it.workflowId);
  const later = actAt + 5_000;
  await handle.executeUpdate(postponeRemediation, {
    args: [{ principal: 'olga@company.com', at: Date.now(), until: later, reason: 'release week' }],
  });
  expect(await it.read()).toMatchObject({ actAt: later, postponedMs: 5_000, phase: 'grace' });
  await expect.poll(it.stages).toEqual(['detected']);
});

test('two reminders fall into a grace that is long enough for them', async () => {
  await world.idleInstance('i-two');
  const it = await world.begin({ id: 'i-two', graceMs: 2_400 });
  await it.reaches('undo_window');
  expect(await it.stages()).toEqual(['detected', 'reminder', 'reminder', 'acted']);
});

test('low has a course only where its rule gives it a grace; what is audited has none', async () => {
  const none = [
    await insertViolation(world.pool, { id: 'i-low', severity: 'low' }),
    await insertViolation(world.pool, { id: 'i-audit', enforcement: 'audit' }),
  ];
  expect(await startRemediations(world.deps, none)).toBe(0);
  await world.idleInstance('i-low-grace');
  const it = await world.begin({ id: 'i-low-grace', severity: 'low', graceMs: 50 });
  expect(await it.reaches('undo_window')).toMatchObject({ severity: 'low', escalated: false });
});

test('warn tells and never acts; the violation stays open', async () => {
  await world.idleInstance('i-warn');
  const it = await world.begin({ id: 'i-warn', rule: 'told-only', enforcement: 'warn' });
  const done = await it.reaches('closed');
  expect(done).toMatchObject({ action: 'send_notification', result: 'completed' });
  expect(done.resultMessage).toContain('what is left');
  expect(await it.effects()).toEqual([]);
  expect(await stateOf('i-warn')).toBe('running');
  expect(await it.violation()).toMatchObject({ status: 'open', closedAt: null });
});

test('a stage whose notice reaches nobody does not end, the deadlines move with it, and the notice names them as they are then', async () => {
  const groups = world.deps.directory.groups as Record<string, readonly string[]>;
  const finops = groups['finops'] ?? [];
  groups['finops'] = [];
  await world.idleInstance('i-lonely');
  const it = await world.begin({ id: 'i-lonely', owner: null, graceMs: 1_500 });
  const { actAt } = await it.read();
  await expect.poll(it.events, { timeout: 10_000 }).toContain('notice-undeliverable');
  await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(actAt);
  expect(await it.read()).toMatchObject({ phase: 'grace', result: null });
  groups['finops'] = finops;
  const done = await it.reaches('undo_window');
  expect(done.actAt).toBeGreaterThan(actAt);
  expect(done.actAt - actAt).toBeGreaterThan(1_000);
  const [detected] = await listNotices(world.pool, it.id);
  expect(detected).toMatchObject({ stage: 'detected', recipient: 'fiona@company.com' });
  expect(detected?.body).toContain(instantWords(done.actAt));
});

test('starting is safe to repeat: one row, one workflow, one violation-detected', async () => {
  await world.idleInstance('i-again');
  const it = await world.begin({ id: 'i-again', graceMs: 60_000 });
  expect(await startRemediations(world.deps, [it.violationId, it.violationId])).toBe(0);
  expect((await it.events()).filter((event) => event === 'violation-detected')).toHaveLength(1);
});

test('a row whose workflow was never started is started by the next call, with the course of its row', async () => {
  await world.idleInstance('i-orphaned');
  const violationId = await insertViolation(world.pool, { id: 'i-orphaned' });
  const broken = {
    ...world.deps,
    temporal: Object.create(world.deps.temporal, {
      workflow: {
        get: () => {
          throw new Error('no server');
        },
      },
    }),
  };
  await expect(startRemediations(broken, [violationId])).rejects.toThrow('no server');
  const it = await follow(world.pool, violationId);
  expect(await it.read()).toMatchObject({ phase: 'grace', updatedAt: (await it.read()).createdAt });
  await startUnstarted({ ...world.deps, now: () => Date.now() + 60_000 });
  await it.reaches('undo_window');
});

/** The part of a remediation that its workflow holds. */
async function viewOf(it: Case): Promise<RemediationState['view']> {
  const { action, parameters, phase, severity, escalated, escalateAt, actAt, postponedMs, waitingFor, attempts, ...rest } = await it.read();
  const { approvedBy, actedAt, result, resultMessage, undoUntil, closedAt } = rest;
  const stages = { action, parameters, phase, severity, escalated, escalateAt, actAt, postponedMs, waitingFor, attempts };
  return { ...stages, approvedBy, actedAt, result, resultMessage, undoUntil, closedAt };
}

/** Ends the workflow of `it`, and starts it anew with a state as a continued run gets it. */
async function carryOver(it: Case, state: (view: RemediationState['view']) => Partial<RemediationState>): Promise<void> {
  await expect.poll(it.stages).toEqual(['detected']);
  const handle = world.temporal.client.workflow.getHandle(it.workflowId);
  const [started] = (await handle.fetchHistory()).events ?? [];
  const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  if (!payload) throw new Error('it was started without input');
  const input = defaultPayloadConverter.fromPayload<RemediationInput>(payload);
  await handle.terminate();
  const view = await viewOf(it);
  const carried: RemediationState = {
    seq: 50,
    eventCount: 50,
    view,
    noticed: true,
    telling: null,
    reminded: [],
    approvedFingerprint: null,
    heldMs: 0,
    round: 1,
    waits: 0,
    failures: 0,
    unfinished: null,
    done: null,
    before: null,
    tagsWritten: {},
    snapshotId: null,
    undos: 0,
    why: null,
    ...state(view),
  };
  await world.temporal.client.workflow.start('remediation', { taskQueue: TASK_QUEUE, workflowId: it.workflowId, args: [input, carried] });
}

test('a state that was carried over to a new run goes on where it was', async () => {
  await world.idleInstance('i-carried');
  const it = await world.begin({ id: 'i-carried', graceMs: 60_000 });
  await carryOver(it, (view) => ({ view: { ...view, phase: 'paused', waitingFor: 'pause', actAt: Date.now() } }));
  expect(await it.reaches('undo_window')).toMatchObject({ waitingFor: null, result: 'completed' });
  expect(await it.stages()).toEqual(['detected', 'acted']);
});

test('a notice that was not given yet is given by the new run', async () => {
  await world.idleInstance('i-carried-notice');
  const it = await world.begin({ id: 'i-carried-notice', severity: 'medium', graceMs: 60_000 });
  const now = Date.now();
  await carryOver(it, (view) => ({
    view: { ...view, phase: 'grace', escalated: true, severity: 'high', escalateAt: now, actAt: now + 60_000 },
    telling: { stage: 'escalated', from: now, to: now + 60_000, tries: 3, movedMs: 0 },
  }));
  await expect.poll(it.stages).toEqual(['detected', 'escalated']);
});

test('an act that was done and not verified is verified by the new run, and not done again', async () => {
  await world.idleInstance('i-carried-done');
  const it = await world.begin({ id: 'i-carried-done', graceMs: 60_000 });
  await world.admin.changeResource(keyOf('i-carried-done'), { state: 'stopped' });
  await carryOver(it, (view) => ({
    view: { ...view, phase: 'verifying', actedAt: Date.now() },
    done: { message: 'done', undoable: true },
  }));
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  expect(await it.violation()).toMatchObject({ status: 'remediated' });
  expect(await it.effects()).toEqual([]);
});
