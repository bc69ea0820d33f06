import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createScanActivities } from '../../src/activities/scan.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createSimulatedAdmin, type SimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import { newId } from '../../src/ids.js';
import { listNotices } from '../../src/store/outbox.js';
import { getScan, listScans } from '../../src/store/scans.js';
import { workflowIds } from '../../src/workflows/messages.js';
import type { scanCycle } from '../../src/workflows/scan-cycle.js';
import type { ScanCycleInput } from '../../src/workflows/scan-messages.js';
import { recordHistory } from '../support/histories.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connectTestTemporal, type TestTemporal, workflowBundle } from '../support/temporal.js';
import { liveDeps } from './live-world.js';
import { ACCOUNT, seedTestPolicies } from './scan-world.js';

const TASK_QUEUE = 'scan';
let temporal: TestTemporal;
let database: TestDatabase;
let admin: SimulatedAdmin;

beforeAll(async () => {
  temporal = await connectTestTemporal();
});
beforeEach(async () => {
  database = await createTestDatabase();
  admin = createSimulatedAdmin(database.pool, { catalog: createCatalog() });
  await seedTestPolicies(database.pool);
  return () => database.drop();
});
afterAll(() => temporal.close());

const create = (id: string, more: object = {}) =>
  admin.createResource({ account: ACCOUNT, region: 'us-east-1', type: 'compute/instance', id, specs: { vcpus: 32 }, ...more });

function inputOf(more: Partial<ScanCycleInput> = {}): ScanCycleInput & { readonly scanId: string } {
  const scanId = newId('scan');
  return { trigger: 'manual', scope: {}, dryRun: false, requestedBy: 'test', parallelShards: 2, pageSize: 2, ...more, scanId };
}

function start(input: ScanCycleInput & { readonly scanId: string }) {
  return temporal.client.workflow.start<typeof scanCycle>('scanCycle', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowIds.scan(input.scanId),
    args: [input],
  });
}

async function withWorker<T>(work: () => Promise<T>): Promise<T> {
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    activities: createScanActivities(liveDeps(database.pool, temporal.client)),
  });
  return worker.runUntil(work);
}

/** Runs a scan to its end. */
const scan = async (more: Partial<ScanCycleInput> = {}) => {
  const input = inputOf(more);
  const summary = await withWorker(async () => (await start(input)).result());
  return { input, summary, record: await getScan(database.pool, input.scanId) };
};

async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const count = async (from: string) => (await database.pool.query<{ count: number }>(`select count(*) from ${from}`)).rows[0]?.count;

test('a whole cycle: every shard is read, remediations begin, the summary is true and told once', async () => {
  for (const id of ['i-1', 'i-2', 'i-3', 'i-4', 'i-5']) await create(id);
  await create('i-small', { specs: { vcpus: 2 } });
  await create('i-far', { region: 'eu-west-1', account: '444455556666' });
  await create('vol-1', { type: 'storage/volume', specs: { size_gb: 10, volume_type: 'ssd' } });
  const { input, summary, record } = await scan();
  expect(record).toMatchObject({
    status: 'completed',
    trigger: 'manual',
    requestedBy: 'test',
    shards: { total: 3, completed: 3, failed: 0 },
    resourcesScanned: 8,
    // Six oversized instances; the volume lacks both tags: one rule only audits, the other is low and has no course.
    violationsFound: 8,
    violationsActionable: 6,
    violationsNew: 8,
    violationsResolved: 0,
    remediationsStarted: 6,
    remediationsCompleted: 0,
    remediationsFailed: 0,
    complianceScore: 12.5,
    errors: [],
  });
  expect(record.pages).toBe(3 + 1 + 1);
  expect(record.endedAt).toBeGreaterThanOrEqual(record.startedAt);
  expect(summary).toMatchObject({ status: 'completed', violationsFound: 8, remediationsStarted: 6, complianceScore: 12.5 });
  expect(await count('remediations')).toBe(6);
  expect((await listNotices(database.pool, input.scanId)).map(({ stage, recipient }) => [stage, recipient])).toEqual([
    ['summary', 'fiona@company.com'],
  ]);
  expect(await count(`scores_daily where scope_kind = 'all'`)).toBe(1);
  expect(await count('scan_findings')).toBe(0);
  expect(await count('scan_cursors')).toBe(0);
  await recordHistory(temporal.client, workflowIds.scan(input.scanId), 'scan-completed');
});

test('a second scan of the same cloud changes nothing', async () => {
  for (const id of ['i-1', 'i-2', 'i-3']) await create(id);
  await scan();
  const { record } = await scan();
  expect(record).toMatchObject({ violationsFound: 3, violationsNew: 0, violationsResolved: 0, remediationsStarted: 0 });
  expect(await count('violations')).toBe(3);
  expect(await count('remediations')).toBe(3);
});

test('one failing shard makes the scan partial, resolves nothing there, and the others are done', async () => {
  await create('i-here');
  await create('i-there', { region: 'eu-west-1' });
  await scan();
  for (const region of ['us-east-1', 'eu-west-1']) await create(`i-new-${region}`, { region });
  await admin.removeResource({ account: ACCOUNT, type: 'compute/instance', id: 'i-here' });
  await admin.removeResource({ account: ACCOUNT, type: 'compute/instance', id: 'i-there' });
  await admin.setFault({ kind: 'error', api: 'list', region: 'eu-west-1', message: 'access denied', latency_ms: 0, probability: 1 });
  const { input, record } = await scan();
  expect(record).toMatchObject({
    status: 'partial',
    shards: { total: 2, completed: 1, failed: 1 },
    violationsFound: 1,
    violationsNew: 1,
    violationsResolved: 1,
    remediationsStarted: 1,
    errors: [{ shard: `simulated/${ACCOUNT}/eu-west-1/compute/instance`, message: 'access denied' }],
  });
  const { rows } = await database.pool.query(`select resource_id, status from violations order by resource_id`);
  expect(rows).toEqual([
    { resource_id: 'i-here', status: 'resolved' },
    { resource_id: 'i-new-us-east-1', status: 'open' },
    { resource_id: 'i-there', status: 'open' },
  ]);
  await recordHistory(temporal.client, workflowIds.scan(input.scanId), 'scan-partial');
});

test('throttling and a provider out of reach are waited out without losing the place', async () => {
  for (const id of ['i-1', 'i-2', 'i-3', 'i-4', 'i-5']) await create(id);
  await admin.setFault({ kind: 'throttle', api: 'list', times: 2, latency_ms: 0, probability: 1 });
  await admin.setFault({ kind: 'unreachable', api: 'list', times: 1, latency_ms: 0, probability: 1 });
  await admin.setFault({ kind: 'throttle', api: 'shards', times: 1, latency_ms: 0, probability: 1 });
  const { record } = await scan();
  expect(record).toMatchObject({ status: 'completed', pages: 3, resourcesScanned: 5, violationsFound: 5 });
});

test('small shards are read several at a time, and each fails on its own', async () => {
  const regions = Array.from({ length: 30 }, (_, index) => `region-${10 + index}`);
  for (const region of regions) await create(`i-${region}`, { region });
  await admin.setFault({ kind: 'error', api: 'list', region: 'region-13', message: 'access denied', latency_ms: 0, probability: 1 });
  const { input, record } = await scan();
  expect(record).toMatchObject({
    status: 'partial',
    shards: { total: 30, completed: 29, failed: 1 },
    resourcesScanned: 29,
    violationsNew: 29,
    errors: [{ shard: `simulated/${ACCOUNT}/region-13/compute/instance`, message: 'access denied' }],
  });
  const { events = [] } = await temporal.client.workflow.getHandle(workflowIds.scan(input.scanId)).fetchHistory();
  const activities = (events ?? []).filter(({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name === 'scanShards');
  expect(activities.length).toBeLessThanOrEqual(10);
});

test('a provider that cannot say what there is counts as one failed shard, and the scan ends', async () => {
  await create('i-1');
  await admin.setFault({ kind: 'error', api: 'shards', message: 'the account is suspended', latency_ms: 0, probability: 1 });
  const { record } = await scan();
  expect(record).toMatchObject({
    status: 'failed',
    shards: { total: 1, completed: 0, failed: 1 },
    errors: [{ shard: 'simulated/*/*/*', message: 'the account is suspended' }],
  });
});

test('a dry run answers the summary and changes nothing', async () => {
  await create('i-old');
  await scan();
  await create('i-new');
  await admin.removeResource({ account: ACCOUNT, type: 'compute/instance', id: 'i-old' });
  const contents = async () => {
    const tables = ['resources', 'violations', 'remediations', 'scores_daily'].map(
      (table) => `select to_jsonb(t)::text as row from ${table} t`,
    );
    return (await database.pool.query(`${tables.join(' union all ')} order by 1`)).rows;
  };
  const before = await contents();
  const { record } = await scan({ dryRun: true });
  expect(record).toMatchObject({
    status: 'completed',
    dryRun: true,
    resourcesScanned: 1,
    violationsFound: 1,
    violationsActionable: 1,
    violationsNew: 1,
    violationsResolved: 1,
    remediationsStarted: 0,
    complianceScore: 0,
  });
  expect(await contents()).toEqual(before);
});

test('a scope narrows what is read', async () => {
  await create('i-1');
  await create('i-2', { region: 'eu-west-1' });
  await create('vol-1', { type: 'storage/volume' });
  const { record } = await scan({ scope: { region: 'us-east-1', types: ['compute/instance'] } });
  expect(record).toMatchObject({ shards: { total: 1 }, resourcesScanned: 1, scope: { region: 'us-east-1', types: ['compute/instance'] } });
});

test('a run of the schedule makes its id from its run', async () => {
  await create('i-1');
  const runId = await withWorker(async () => {
    const handle = await temporal.client.workflow.start<typeof scanCycle>('scanCycle', {
      taskQueue: TASK_QUEUE,
      workflowId: 'scan/daily',
      args: [{ ...inputOf(), scanId: null, trigger: 'schedule', requestedBy: 'system:schedule' }],
    });
    await handle.result();
    return handle.firstExecutionRunId;
  });
  const { items } = await listScans(database.pool, {}, { limit: 10, cursor: null });
  expect(items).toMatchObject([{ id: `scan_${runId}`, trigger: 'schedule', workflowId: 'scan/daily', status: 'completed' }]);
});

test('a cancelled scan says so, leaves nothing half written and starts nothing', async () => {
  for (const id of ['i-1', 'i-2', 'i-3']) await create(id);
  await admin.setFault({ kind: 'latency', api: 'list', latency_ms: 60_000, probability: 1 });
  const input = inputOf();
  await withWorker(async () => {
    const handle = await start(input);
    await eventually(
      () => count(`scan_shards where status = 'listing'`),
      (listing) => listing === 1,
    );
    await handle.cancel();
    const failure = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  });
  expect(await getScan(database.pool, input.scanId)).toMatchObject({ status: 'cancelled', complianceScore: null, remediationsStarted: 0 });
  expect(await count('violations')).toBe(0);
  expect(await count('scan_cursors')).toBe(0);
  await recordHistory(temporal.client, workflowIds.scan(input.scanId), 'scan-cancelled');
});

test('progress is to be seen while it runs, in the API and in Temporal UI', async () => {
  for (const id of ['i-1', 'i-2', 'i-3', 'i-4', 'i-5']) await create(id);
  await create('i-far', { region: 'eu-west-1' });
  await admin.setFault({ kind: 'latency', api: 'list', region: 'us-east-1', latency_ms: 300, probability: 1 });
  const input = inputOf();
  await withWorker(async () => {
    const handle = await start(input);
    const running = await eventually(
      () => getScan(database.pool, input.scanId).catch(() => undefined),
      (record) => record !== undefined && record.shards.completed === 1 && record.pages > 1,
    );
    expect(running).toMatchObject({ status: 'running', endedAt: null, shards: { total: 2, failed: 0 } });
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('shards: 1 of 2 done, 0 failed');
    await handle.result();
  });
});

test('a worker killed in mid-scan is followed by another, and every count is true', async () => {
  for (let index = 10; index < 40; index += 1) await create(`i-${index}`);
  await admin.setFault({ kind: 'latency', api: 'list', latency_ms: 100, probability: 1 });
  const bundle = join(inject('runDirectory'), 'scan-worker-bundle.js');
  writeFileSync(bundle, (await workflowBundle()).code);
  const place = {
    address: temporal.address,
    namespace: temporal.namespace,
    taskQueue: 'killed',
    connectionString: database.connectionString,
    bundle,
  };
  const file = fileURLToPath(new URL('scan-worker.ts', import.meta.url));
  const spawnWorker = () => spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(place)], { stdio: 'ignore' });
  const input = inputOf();
  const handle = await temporal.client.workflow.start<typeof scanCycle>('scanCycle', {
    taskQueue: 'killed',
    workflowId: workflowIds.scan(input.scanId),
    args: [input],
  });
  const first = spawnWorker();
  await eventually(
    () => count('scan_shards where pages >= 5'),
    (some) => some === 1,
  );
  first.kill('SIGKILL');
  const second = spawnWorker();
  try {
    expect(await handle.result()).toMatchObject({ status: 'completed' });
  } finally {
    second.kill('SIGKILL');
  }
  expect(await getScan(database.pool, input.scanId)).toMatchObject({
    pages: 15,
    resourcesScanned: 30,
    violationsFound: 30,
    violationsNew: 30,
    remediationsStarted: 30,
  });
  expect(await count('violations')).toBe(30);
  await recordHistory(temporal.client, workflowIds.scan(input.scanId), 'scan-worker-killed');
}, 60_000);
