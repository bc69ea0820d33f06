import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/policy/durations.js';
import { findInventory } from '../../src/store/inventory.js';
import { closeViolation, markExcepted, reopenViolationAsNewEpisode } from '../../src/store/violations.js';
import { ACCOUNT, createScanWorld, inShort, putException, putRemediation, type ScanWorld } from './scan-world.js';

let world: ScanWorld;
const BIG = { account: ACCOUNT, type: 'compute/instance', id: 'i-big' };

beforeEach(async () => {
  world = await createScanWorld();
  await world.instance('i-big', 32);
  await world.instance('i-small', 2);
});
afterEach(() => world.close());

const scanLater = (ms = HOUR) => {
  world.pass(ms);
  return world.scan();
};
const episodes = async (id = 'i-big') => (await world.violations(id)).map(inShort);
const only = async (id = 'i-big') => {
  const found = await world.violations(id);
  const last = found.at(-1);
  if (last === undefined) throw new Error(`no violation of ${id}`);
  return last;
};

test('a violation is opened once, at first detection, with what its course needs', async () => {
  const summary = await world.scan();
  expect(summary).toMatchObject({
    status: 'completed',
    resourcesScanned: 2,
    violationsFound: 1,
    violationsNew: 1,
    violationsActionable: 1,
  });
  expect(await world.violations()).toMatchObject([
    {
      episode: 1,
      status: 'open',
      policyName: 'sizes',
      ruleName: 'vcpus',
      policyVersion: '1.0.0',
      severity: 'high',
      enforcement: 'deny',
      hourlyCost: '0.5',
      team: 'untagged',
      resource: { id: 'i-big', account: ACCOUNT, region: 'us-east-1' },
      detectedAt: world.now(),
      closedAt: null,
    },
  ]);
});

test('a later scan refreshes it and leaves detection and course alone', async () => {
  await world.scan();
  const before = await only();
  await world.admin.changeResource(BIG, { specs: { vcpus: 64 }, tags: { 'cost-center': 'CC-1' } });
  const summary = await scanLater();
  expect(summary).toMatchObject({ violationsFound: 1, violationsNew: 0, violationsResolved: 0 });
  const after = await only();
  expect(after).toMatchObject({ id: before.id, detectedAt: before.detectedAt, lastSeenAt: world.now(), team: 'CC-1', severity: 'high' });
  expect(after.message).toContain('64');
});

test('it is resolved when a complete listing no longer shows it', async () => {
  await world.scan();
  await world.admin.changeResource(BIG, { specs: { vcpus: 8 } });
  expect(await scanLater()).toMatchObject({ violationsFound: 0, violationsResolved: 1, complianceScore: 100 });
  expect(await episodes()).toEqual(['1 resolved (compliant)']);
});

test('it is resolved as gone with its resource, also when that was the last one of its shard', async () => {
  await world.scan();
  await world.admin.removeResource(BIG);
  await world.admin.removeResource({ ...BIG, id: 'i-small' });
  expect(await scanLater()).toMatchObject({ violationsResolved: 1, resourcesScanned: 0 });
  expect(await episodes()).toEqual(['1 resolved (gone)']);
  expect((await findInventory(world.pool, 'i-big'))?.goneAt).toBe(world.now());
});

test('what violates again after it was closed is a new episode', async () => {
  await world.scan();
  await closeViolation(world.pool, (await only()).id, 'remediated', 'remediated', world.now());
  expect(await scanLater()).toMatchObject({ violationsNew: 1 });
  expect(await episodes()).toEqual(['1 remediated (remediated)', '2 open']);
  expect(await only()).toMatchObject({ detectedAt: world.now(), remediationId: null });
});

test('a shard that fails resolves nothing, and calls nothing gone', async () => {
  await world.scan();
  await world.admin.removeResource(BIG);
  await world.admin.setFault({ kind: 'error', api: 'list', latency_ms: 0, probability: 1, message: 'access denied' });
  expect(await scanLater()).toMatchObject({ status: 'failed', shardsFailed: 1, complianceScore: null });
  expect(await episodes()).toEqual(['1 open']);
  expect((await findInventory(world.pool, 'i-big'))?.goneAt).toBeNull();
});

test('what cannot be judged is neither resolved nor found', async () => {
  await world.admin.changeResource(BIG, {
    specs: { vcpus: 8 },
    metrics: { avg_cpu_percent: 1, avg_network_bytes_per_day: 0, days: 30 },
    state: 'running',
  });
  await world.scan();
  await world.admin.setFault({ kind: 'error', api: 'metrics', latency_ms: 0, probability: 1 });
  const before = await only();
  expect(await scanLater()).toMatchObject({ status: 'completed', violationsFound: 0, violationsResolved: 0 });
  expect(await only()).toEqual(before);
});

test('what a remediation is acting on is left to its own verification', async () => {
  await world.scan();
  await putRemediation(world.pool, await only(), { phase: 'verifying' });
  await world.admin.changeResource(BIG, { specs: { vcpus: 8 } });
  await scanLater();
  expect(await episodes()).toEqual(['1 open']);
});

test('after an undo or a cancel it stays open until the time is over, then a new episode begins', async () => {
  await world.scan();
  await putRemediation(world.pool, await only(), { phase: 'closed', result: 'undone', closedAt: world.now() });
  expect(await scanLater(7 * DAY - MINUTE)).toMatchObject({ violationsFound: 1, violationsNew: 0 });
  expect(await episodes()).toEqual(['1 open']);
  expect(await scanLater(MINUTE)).toMatchObject({ violationsFound: 1, violationsNew: 1 });
  expect(await episodes()).toEqual(['1 closed (new_episode)', '2 open']);
});

test('a remediation that completed without effect leaves it open for good', async () => {
  await world.scan();
  await putRemediation(world.pool, await only(), { phase: 'closed', result: 'completed', closedAt: world.now() });
  await scanLater(30 * DAY);
  expect(await episodes()).toEqual(['1 open']);
});

test('an exception in force makes it excepted; it counts as found, is not actionable and does not lower the score', async () => {
  await world.scan();
  const exceptionId = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  expect(await scanLater()).toMatchObject({ violationsFound: 1, violationsActionable: 0, violationsNew: 0, complianceScore: 100 });
  expect(await only()).toMatchObject({ episode: 1, status: 'excepted', exceptionId });
});

test('an exception that is there first is recorded as an excepted violation', async () => {
  await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  expect(await world.scan()).toMatchObject({ violationsFound: 1, violationsActionable: 0, violationsNew: 1 });
  expect(await episodes()).toEqual(['1 excepted']);
});

test('when the exception has ended, a new episode begins, also where no worker told of the end', async () => {
  await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now(), expiresAt: world.now() + HOUR });
  await world.scan();
  expect(await scanLater(HOUR - 1)).toMatchObject({ violationsNew: 0 });
  expect(await scanLater(1)).toMatchObject({ violationsNew: 1, violationsActionable: 1 });
  expect(await episodes()).toEqual(['1 closed (new_episode)', '2 open']);
  expect(await only()).toMatchObject({ exceptionId: null, detectedAt: world.now() });
});

test('when the conditions of an exception no longer hold, a new episode begins', async () => {
  await world.admin.changeResource(BIG, { state: 'running' });
  await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now(), state: 'running' });
  await world.scan();
  await world.admin.changeResource(BIG, { state: 'stopped' });
  await scanLater();
  expect(await episodes()).toEqual(['1 closed (new_episode)', '2 open']);
});

test('an excepted violation that is no longer true is resolved', async () => {
  await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  await world.scan();
  await world.admin.changeResource(BIG, { specs: { vcpus: 8 } });
  await scanLater();
  expect(await episodes()).toEqual(['1 resolved (compliant)']);
});

test('violations of a policy that enforces no longer are closed', async () => {
  await world.scan();
  await world.pool.query(`update policies set active_version = null, status = 'archived' where name = 'sizes'`);
  await scanLater();
  expect(await episodes()).toEqual(['1 closed (policy_archived)']);
});

test('a new episode can be begun by hand once, whoever asks', async () => {
  await world.scan();
  const { id } = await only();
  const exceptionId = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  expect(await markExcepted(world.pool, [id], exceptionId, world.now())).toEqual([{ violationId: id, remediationId: null }]);
  expect(await markExcepted(world.pool, [id], exceptionId, world.now())).toEqual([]);
  const next = await reopenViolationAsNewEpisode(world.pool, id, world.now());
  expect(await reopenViolationAsNewEpisode(world.pool, id, world.now())).toBe(next);
  expect(await episodes()).toEqual(['1 closed (new_episode)', '2 open']);
});

test('a resource that a remediation acts on resolves nothing meanwhile, whichever rule it violates', async () => {
  await world.scan();
  await world.admin.changeResource(BIG, { metrics: { avg_cpu_percent: 1, avg_network_bytes_per_day: 10, days: 30 } });
  await scanLater();
  const byRule = async () => (await world.violations('i-big')).map(({ ruleName, status }) => `${ruleName} ${status}`).sort();
  expect(await byRule()).toEqual(['idle open', 'vcpus open']);
  const resized = (await world.violations('i-big')).find(({ ruleName }) => ruleName === 'vcpus');
  if (resized === undefined) throw new Error('no violation');
  await putRemediation(world.pool, resized, { phase: 'acting' });
  // Stopped for the resize, it is no longer judged as idle.
  await world.admin.changeResource(BIG, { state: 'stopped' });
  await scanLater();
  expect(await byRule()).toEqual(['idle open', 'vcpus open']);
  await world.pool.query(`update remediations set phase = 'closed', closed_at = now()`);
  await scanLater();
  expect(await byRule()).toEqual(['idle resolved', 'vcpus open']);
});

test('an act left half done keeps its violation open until an operator has decided', async () => {
  await world.scan();
  await putRemediation(world.pool, await only(), { phase: 'awaiting_operator' });
  await world.pool.query('update remediations set acted_at = now()');
  await world.admin.changeResource(BIG, { specs: { vcpus: 8 } });
  await scanLater();
  expect(await episodes()).toEqual(['1 open']);
  await world.pool.query('update remediations set acted_at = null');
  await scanLater();
  expect(await episodes()).toEqual(['1 resolved (compliant)']);
});

test.each([
  ['the account is only observed: would have tried to stop `i-big`', ['1 closed (new_episode)', '2 open']],
  ['`i-big` belongs to terraform: change it there to stop it', ['1 open']],
])('what was skipped with "%s" begins anew, or not, now that the account is acted on', async (message, expected) => {
  await world.scan();
  await putRemediation(world.pool, await only(), { phase: 'closed', result: 'skipped', closedAt: world.now() });
  await world.pool.query('update remediations set result_message = $1', [message]);
  await scanLater();
  expect(await episodes()).toEqual(expected);
});
