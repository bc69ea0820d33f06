import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createRemediationActivities } from '../src/activities/remediation.js';
import { startRemediations } from '../src/activities/remediation-start.js';
import { createCatalog } from '../src/cloud/catalog/catalog.js';
import { createSimulatedAdmin } from '../src/cloud/simulated/admin.js';
import { startPostgres } from '../src/local/postgres.js';
import { startTemporalServer } from '../src/local/temporal.js';
import { findTemporalCli, installTemporalCli } from '../src/local/temporal-cli.js';
import { prepareNamespace } from '../src/runtime/namespace.js';
import { createPool, type Pool } from '../src/store/db.js';
import { migrate } from '../src/store/migrate.js';
import { depsOf, idleInstance, insertViolation, seedTestPolicies, settings, TASK_QUEUE } from '../test/remediation/fixtures.js';
import { perSecond, printFigures } from './table.js';

const COUNT = 100;
/** A stop with its snapshot: notice, look, state, snapshot, stop, verification, state, and the end of the undo window. */
const ACTIVITIES = 8;

/** Whole remediations (critical, so that nothing but work takes time) beside a workflow of as many activities that do nothing, in one worker. */
export async function benchRemediation(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  chmodSync(directory, 0o755);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const cli = (await findTemporalCli()) ?? (await installTemporalCli(say));
  const postgres = await startPostgres({ directory, removeAfterDeath: directory });
  const temporal = await startTemporalServer({
    cli,
    directory,
    ports: { ui: null },
    dynamicConfig: ['history.timerProcessorMaxTimeShift="1ms"'],
  });
  try {
    const connectionString = await postgres.database('bench');
    await migrate(connectionString);
    const pool = createPool({ connectionString, applicationName: 'bench', onError: () => {} });
    await race(pool, temporal.address);
    await pool.end();
  } finally {
    await Promise.all([postgres.stop(), temporal.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function race(pool: Pool, address: string): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await Connection.connect({ address });
  await prepareNamespace(connection, 'default');
  const client = new Client({ connection });
  const deps = depsOf(pool, client, createCatalog(), { course: { ...settings.course, undoWindowMs: 1 } });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    taskQueue: TASK_QUEUE,
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('remediation-workflows.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    }),
    activities: { ...createRemediationActivities(deps), nothing: (input: object) => Promise.resolve(input) },
  });
  await worker.runUntil(async () => {
    await prepareCloud(pool);
    // Once each to warm up: the first run pays for compiling and for caches.
    await measureBare(client, 10, 'warm');
    await measureRemediations(deps, 10, 'warm');
    const bareMs = await measureBare(client, COUNT, 'run');
    const remediationMs = await measureRemediations(deps, COUNT, 'run');
    print(bareMs, remediationMs);
  });
  await connection.close();
}

async function prepareCloud(pool: Pool): Promise<void> {
  await seedTestPolicies(pool);
  const admin = createSimulatedAdmin(pool, { catalog: createCatalog() });
  await admin.setSettings({ reads_burst: 1_000_000, reads_per_second: 1_000_000, writes_burst: 1_000_000, writes_per_second: 1_000_000 });
}

async function measureBare(client: Client, count: number, name: string): Promise<number> {
  const began = performance.now();
  const ids = Array.from({ length: count }, (_, n) => `bare/${name}/${n}`);
  await Promise.all(ids.map((workflowId) => client.workflow.execute('bare', { taskQueue: TASK_QUEUE, workflowId, args: [ACTIVITIES] })));
  return performance.now() - began;
}

async function measureRemediations(deps: ReturnType<typeof depsOf>, count: number, name: string): Promise<number> {
  const { pool } = deps;
  const admin = createSimulatedAdmin(pool, { catalog: createCatalog() });
  const violations: string[] = [];
  for (let n = 0; n < count; n += 1) {
    await idleInstance(admin, `i-${name}-${n}`);
    violations.push(await insertViolation(pool, { id: `i-${name}-${n}`, severity: 'critical' }));
  }
  const began = performance.now();
  await startRemediations(deps, violations);
  const { rows } = await pool.query<{ workflow_id: string }>('select workflow_id from remediations where violation_id = any($1)', [
    violations,
  ]);
  await Promise.all(rows.map(({ workflow_id }) => deps.temporal.workflow.getHandle(workflow_id).result()));
  return performance.now() - began;
}

function print(bareMs: number, remediationMs: number): void {
  printFigures(
    `${COUNT} remediations (stop with snapshot, verified, undo window passed) beside as many bare workflows of ${ACTIVITIES} activities`,
    [
      { name: 'bare workflows', value: `${perSecond(COUNT, bareMs)} a second` },
      {
        name: 'remediations',
        value: `${perSecond(COUNT, remediationMs)} a second`,
        ratio: `${(bareMs / remediationMs).toFixed(2)} of bare`,
      },
    ],
  );
}
