import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordHistory } from '../support/histories.js';
import { createWorld, keyOf, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

test('high: notice, reminders, then the act, its verification and the undo window', async () => {
  await world.idleInstance('i-high');
  const it = await world.begin({ id: 'i-high' });
  const first = await it.read();
  expect(first).toMatchObject({ phase: 'grace', action: 'stop_instance', escalateAt: null, actAt: first.detectedAt + 150, attempts: 0, result: null });
  const done = await it.reaches('undo_window');
  expect(done).toMatchObject({ result: 'completed', attempts: 1, waitingFor: null });
  expect(done.actedAt).toBeGreaterThanOrEqual(first.actAt);
  expect(await it.effects()).toEqual(['snapshot', 'stop']);
  expect((await world.deps.providers.get('simulated').find({ provider: 'simulated', ...keyOf('i-high') }))?.state).toBe('stopped');
  expect(await it.violation()).toMatchObject({ status: 'remediated', remediationId: it.id });
  expect(await it.stages()).toEqual(['detected', 'reminder', 'reminder', 'acted']);
  expect(await it.events()).toEqual(['violation-detected', 'acting', 'snapshot-created', 'acted', 'remediated']);
  await recordHistory(world.temporal.client, it.workflowId, 'remediation-stopped');
});
