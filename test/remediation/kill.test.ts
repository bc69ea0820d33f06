import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { startRemediations } from '../../src/activities/remediation-start.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createSimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import { listEffects } from '../../src/store/effects.js';
import { listNotices } from '../../src/store/outbox.js';
import { createTestDatabase } from '../support/postgres.js';
import { createRandom } from '../support/random.js';
import { connectTestTemporal, workflowBundle } from '../support/temporal.js';
import { depsOf, type Found, idleInstance, insertViolation, orphanedVolume, seedTestPolicies } from './fixtures.js';
import { follow } from './world.js';

const KILLS = 3;

/** What is done to each kind of resource. */
const STEPS = {
  stopped: ['snapshot', 'stop'],
  resized: ['snapshot', 'stop', 'resize', 'start'],
  deleted: ['snapshot', 'delete'],
} as const;
type Kind = keyof typeof STEPS;
const KINDS: readonly Kind[] = ['stopped', 'resized', 'deleted'];
const OF_EACH = 10;
const ALL_CALLS = OF_EACH * Object.values(STEPS).flat().length;

test('a worker killed at random moments repeats nothing and forgets nothing', { timeout: 180_000 }, async () => {
  const database = await createTestDatabase();
  const temporal = await connectTestTemporal();
  const { pool } = database;
  const catalog = createCatalog();
  const admin = createSimulatedAdmin(pool, { catalog });
  await seedTestPolicies(pool);
  const bundle = join(inject('runDirectory'), `kill-${temporal.namespace}.js`);
  writeFileSync(bundle, (await workflowBundle()).code);
  const { connectionString } = database;
  const place = JSON.stringify({ address: temporal.address, namespace: temporal.namespace, connectionString, bundle });
  const launch = async (): Promise<ChildProcess> => {
    const file = fileURLToPath(new URL('worker-process.ts', import.meta.url));
    const worker = spawn(process.execPath, ['--import', 'tsx', file, place], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(worker.stdout, 'data');
    return worker;
  };
  const kill = async (worker: ChildProcess): Promise<void> => {
    const exit = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exit;
  };

  const found = async (kind: Kind, id: string): Promise<Found> => {
    if (kind === 'stopped') await idleInstance(admin, id);
    else if (kind === 'resized') await idleInstance(admin, id, { specs: { instance_type: 'm7i.xlarge' } });
    else await orphanedVolume(admin, id);
    const resized = { policy: 'sizes', parameters: { targetType: 'm7i.large' } };
    return { id, severity: 'critical', ...(kind === 'resized' ? resized : kind === 'deleted' ? { policy: 'orphans' } : {}) };
  };
  const subjects = Array.from({ length: OF_EACH }, (_, n) => KINDS.map((kind) => ({ kind, id: `${kind}-${n}` }))).flat();
  const violations: string[] = [];
  for (const { kind, id } of subjects) violations.push(await insertViolation(pool, await found(kind, id)));
  // Each answer of the provider takes a while, so that kills fall into calls as well as between them.
  await admin.setSettings({ latency_ms: 20 });
  await startRemediations(depsOf(pool, temporal.client, catalog), violations, { recheckEveryMs: 50 });
  const cases = await Promise.all(violations.map((violationId) => follow(pool, violationId)));

  const random = createRandom(7);
  let worker = await launch();
  const acted = async () => (await admin.listCalls()).length;
  for (let kills = 0; kills < KILLS; kills += 1) {
    const before = await acted();
    // Work is under way again before the next kill, which comes at a random moment in it.
    while ((await acted()) === before && before < ALL_CALLS) await pass(5);
    await pass(random.next() * 400);
    await kill(worker);
    worker = await launch();
  }
  for (const it of cases) expect(await it.reaches('undo_window')).toMatchObject({ result: 'completed' });
  await kill(worker);

  for (const [n, it] of cases.entries()) {
    const { kind, id } = subjects[n] ?? { kind: 'stopped', id: '' };
    const calls = await admin.listCalls(id);
    expect(calls.map(({ token, changed }) => [token, changed])).toEqual(STEPS[kind].map((step) => [`${it.id}/${step}`, true]));
    const effects = await listEffects(pool, it.id);
    expect(effects.map(({ step, status }) => [step, status])).toEqual(STEPS[kind].map((step) => [step, 'done']));
    expect(effects[0]).toMatchObject({ outcome: { made: { snapshotId: expect.any(String) } } });
    expect(await it.violation()).toMatchObject({ status: 'remediated' });
    expect(await it.events()).toEqual(['violation-detected', 'acting', 'snapshot-created', 'acted', 'remediated']);
    expect((await listNotices(pool, it.id)).map(({ stage }) => stage)).toEqual(['detected', 'acted']);
  }
  await temporal.close();
  await database.drop();
});
