/** What a remediation promises is in our database: when its workflow is lost, another goes on from there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reviveRemediations } from '../../src/activities/revive.js';
import { closeAbandoned } from '../../src/store/scan-enforcement.js';
import { approveRemediation, retryRemediation, undoRemediation } from '../../src/workflows/remediation-messages.js';
import { type Case, createWorld, keyOf, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const by = () => ({ principal: 'olga@company.com', at: Date.now() });
const handleOf = (it: Case) => world.temporal.client.workflow.getHandle(it.workflowId);
const find = (id: string, type?: string) => world.deps.providers.get('simulated').find({ provider: 'simulated', ...keyOf(id, type) });
const callsOf = async (id: string) => (await world.admin.listCalls(id)).map(({ kind }) => kind);

/** Ends the workflow without its having been able to say so. */
const lose = (it: Case) => handleOf(it).terminate('lost');

/** Brings back what is lost; Temporal's index may not have heard of the loss yet. */
async function revive(): Promise<void> {
  while ((await reviveRemediations(world.deps)) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('one that waits out its grace keeps its deadline and its timeline, tells nobody twice, and acts', async () => {
  await world.idleInstance('i-grace');
  const it = await world.begin({ id: 'i-grace', graceMs: 4_000 });
  await it.until(({ updatedAt, createdAt }) => updatedAt > createdAt);
  const before = await it.read();
  await lose(it);
  await revive();
  const after = await it.reaches('undo_window');
  expect(after).toMatchObject({ result: 'completed', actAt: before.actAt, detectedAt: before.detectedAt });
  expect(after.actedAt).toBeGreaterThanOrEqual(before.actAt);
  expect(await it.events()).toEqual(['violation-detected', 'revived', 'acting', 'snapshot-created', 'acted', 'remediated']);
  expect((await it.stages()).filter((stage) => stage === 'detected')).toEqual(['detected']);
});

test('one in its undo window can still be undone', async () => {
  await world.idleInstance('i-window');
  const it = await world.begin({ id: 'i-window', severity: 'critical' });
  const before = await it.reaches('undo_window');
  await lose(it);
  await revive();
  await handleOf(it).executeUpdate(undoRemediation, { args: [{ ...by(), reason: 'it is needed' }] });
  expect(await it.read()).toMatchObject({ phase: 'closed', result: 'undone', undoUntil: before.undoUntil });
  expect((await find('i-window'))?.state).toBe('running');
  expect(await callsOf('i-window')).toEqual(['create-snapshot', 'stop', 'start']);
  expect(await it.violation()).toMatchObject({ status: 'open' });
});

test('one that waits for an operator goes on waiting, and can be retried', async () => {
  await world.idleInstance('i-operator');
  await world.admin.setFault({ kind: 'error', api: 'stop', resource_id: 'i-operator', message: 'refused', latency_ms: 0, probability: 1 });
  const it = await world.begin({ id: 'i-operator', severity: 'critical' });
  await it.reaches('awaiting_operator');
  const calls = await callsOf('i-operator');
  await lose(it);
  await revive();
  await world.admin.clearFaults();
  expect(await callsOf('i-operator')).toEqual(calls);
  await handleOf(it).executeUpdate(retryRemediation, { args: [by()] });
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
});

test('a resize that was lost while the instance was down ends with the instance running at its new size, stopped once', async () => {
  await world.idleInstance('i-resize', { metrics: null });
  await world.admin.setFault({ kind: 'latency', api: 'resize', latency_ms: 5_000, probability: 1 });
  const it = await world.begin({ id: 'i-resize', policy: 'sizes', severity: 'critical', parameters: { targetType: 'm7i.large' } });
  const effects = () => it.effects();
  while (!(await effects()).includes('stop')) await new Promise((resolve) => setTimeout(resolve, 20));
  await lose(it);
  await world.admin.clearFaults();
  await revive();
  expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  expect(await find('i-resize')).toMatchObject({ state: 'running', specs: { instanceType: 'm7i.large' } });
  expect((await callsOf('i-resize')).filter((kind) => kind === 'stop')).toEqual(['stop']);
});

test('an approval is asked for again, since what exactly was approved is lost', async () => {
  await world.volume('vol-approved');
  const it = await world.begin({ id: 'vol-approved', policy: 'orphans', graceMs: 4_000 });
  await it.until(({ updatedAt, createdAt }) => updatedAt > createdAt);
  await handleOf(it).executeUpdate(approveRemediation, { args: [{ ...by(), comments: null }] });
  await lose(it);
  await revive();
  expect(await it.reaches('awaiting_approval', 'consent')).toMatchObject({ approvedBy: null });
  expect(await it.events()).toContain('approval-voided');
});

test('when all is well nothing is started', async () => {
  await world.idleInstance('i-well');
  const it = await world.begin({ id: 'i-well', graceMs: 60_000 });
  await it.until(({ updatedAt, createdAt }) => updatedAt > createdAt);
  const { runId } = await handleOf(it).describe();
  await reviveRemediations(world.deps);
  expect((await handleOf(it).describe()).runId).toBe(runId);
});

test('one whose workflow is gone and whose violation has ended is closed without one', async () => {
  await world.idleInstance('i-closed');
  const it = await world.begin({ id: 'i-closed', graceMs: 60_000 });
  await it.until(({ updatedAt, createdAt }) => updatedAt > createdAt);
  for (const _ of ['first', 'repeated'])
    await closeAbandoned(world.pool, [it.id], { result: 'resolved', message: 'a scan no longer shows it' }, Date.now());
  expect(await it.read()).toMatchObject({ phase: 'closed', result: 'resolved', waitingFor: null });
  expect(await it.events()).toEqual(['violation-detected', 'closed']);
});
