import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { watchBudgets } from './activities/budget-watches.js';
import type { ActivityDeps } from './activities/deps.js';
import { createActivities } from './activities/index.js';
import { startPolicyWorkflows } from './activities/policy-workflows.js';
import { reviveApprovals, reviveExceptions, reviveRemediations } from './activities/revive.js';
import { createCatalog } from './cloud/catalog/catalog.js';
import { type Config, loadConfig, requireDatabaseUrl, requireTemporal } from './config.js';
import { createLog } from './log.js';
import { createChannels } from './notify/channels.js';
import { createDocumentPool } from './runtime/document-pool.js';
import { runAsEntry } from './runtime/entry.js';
import { closeGateParts, createGateParts, type GateParts } from './runtime/gate.js';
import { retryUntilItWorks, stopRequested, tellReady } from './runtime/lifecycle.js';
import { ensureSearchAttributes } from './runtime/namespace.js';
import { createPlanJudge } from './runtime/plan-judge.js';
import { createProviders } from './runtime/providers.js';
import { ensureStandingWorkflows } from './runtime/standing-workflows.js';
import { installTemporalRuntime } from './runtime/temporal-runtime.js';
import { createPool, type Pool } from './store/db.js';
import { getInstallation } from './store/installation.js';
import { TASK_QUEUE } from './workflows/messages.js';

/** Runs one worker until it is asked to stop. It waits for Temporal and the database when they are away, at its start and later. */
export async function runWorker(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  // The workflow code reads the zone of its process; what it computes must not depend on the machine.
  process.env['TZ'] = 'UTC';
  const config = loadConfig(env);
  const connectionString = requireDatabaseUrl(config);
  requireTemporal(config);
  const log = createLog('worker', config.logLevel);
  installTemporalRuntime(log, config.metricsAddress);
  const pool = createPool({
    connectionString,
    applicationName: 'tollgate worker',
    max: 20,
    onError: (err) => log.warn({ err }, 'a database connection broke'),
  });
  let stopping = false;
  const stop = stopRequested().then((why) => {
    stopping = true;
    log.info({ why }, 'stopping');
  });
  const started = await retryUntilItWorks(
    () => start(config, pool, log),
    // An error is shown on the terminal too, once; what follows is in the log.
    (err, isFirst) => log[isFirst ? 'error' : 'warn']({ err }, 'the worker waits, and tries again'),
    () => stopping,
  );
  if (started !== undefined) {
    const reviving = revive(started.deps, log, () => stopping);
    await run(started, stop, log);
    await reviving;
  }
  await pool.end();
}

/** Not waited for: there may be thousands. What fails here is made up for by the next scan. */
async function revive(deps: ActivityDeps, log: Logger, stopping: () => boolean): Promise<void> {
  try {
    const approvals = await reviveApprovals(deps, stopping);
    const exceptions = await reviveExceptions(deps, stopping);
    const remediations = await reviveRemediations(deps, stopping);
    if (approvals + exceptions + remediations > 0)
      log.warn({ approvals, exceptions, remediations }, 'workflows were lost, others go on in their place');
  } catch (err) {
    if (!stopping()) log.warn({ err }, 'lost workflows were not looked for to the end');
  }
}

interface Started {
  readonly deps: ActivityDeps;
  /** Absent where this worker takes no run tasks. */
  readonly gate?: GateParts;
  readonly worker: Worker;
  readonly native: NativeConnection;
  readonly connection: Connection;
}

async function start(config: Config, pool: Pool, log: Logger): Promise<Started> {
  const { connectionOptions, namespace } = config.temporal;
  const { acceleration } = await getInstallation(pool);
  const native = await NativeConnection.connect(connectionOptions);
  const connection = Connection.lazy(connectionOptions);
  // For the plans that HCP Terraform asks about.
  const gate = config.runTaskKey === null ? undefined : createGateParts(pool, config, log);
  try {
    await ensureSearchAttributes(connection, namespace);
    const client = new Client({ connection, namespace });
    await gate?.snapshot.start();
    const deps: ActivityDeps = {
      pool,
      temporal: client,
      taskQueue: TASK_QUEUE,
      providers: createProviders(pool),
      channels: createChannels(log),
      ...runTasksOf(config, gate, { pool, client, log }),
      settings: config.settings,
      directory: config.directory,
      now: Date.now,
      log,
    };
    const worker = await Worker.create({
      connection: native,
      namespace,
      taskQueue: TASK_QUEUE,
      ...workflowCode(),
      activities: createActivities(deps),
      // 150 KB each; more would only cost memory.
      maxCachedWorkflows: 1_000,
      maxConcurrentActivityTaskExecutions: 40,
      // After a kill the workflow's next task is first offered to the dead worker, for this long.
      stickyQueueScheduleToStartTimeout: 2_000,
      shutdownGraceTime: 3_000,
    });
    await ensureStandingWorkflows(client, config.settings, acceleration);
    await startPolicyWorkflows(deps);
    await watchBudgets(deps);
    return { deps, worker, native, connection, ...(gate === undefined ? {} : { gate }) };
  } catch (error) {
    await Promise.allSettled([native.close(), connection.close(), ...(gate === undefined ? [] : [closeGateParts(gate)])]);
    throw error;
  }
}

interface GateNeeds {
  readonly pool: Pool;
  readonly client: Client;
  readonly log: Logger;
}

/** Absent where no key says that HCP Terraform may ask. */
function runTasksOf(config: Config, gate: GateParts | undefined, { pool, client, log }: GateNeeds): Pick<ActivityDeps, 'runTasks'> {
  const { runTaskKey, settings, directory, temporal } = config;
  if (runTaskKey === null || gate === undefined) return {};
  const simulated = createProviders(pool).get('simulated');
  const judge = createPlanJudge({
    ...gate,
    pool,
    directory,
    temporal: { client, taskQueue: TASK_QUEUE, address: temporal.connectionOptions.address ?? '' },
    offers: (region) => simulated.offers(region),
    lookup: createCatalog().lookup,
    // Its threads need not be closed: they are idle when the last activity has ended.
    readDocument: createDocumentPool().read,
    metrics: { countDecision: () => {} },
    now: Date.now,
    log,
  });
  return { runTasks: { key: runTaskKey, origins: settings.runTasks.origins, judge } };
}

/** Compiled, the bundle lies beside this file; from the sources it is made now. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { workflowsPath: fileURLToPath(new URL(`./workflows/index.${extension}`, import.meta.url)) };
}

async function run({ worker, native, connection, gate }: Started, stop: Promise<void>, log: Logger): Promise<void> {
  const running = worker.run();
  tellReady();
  log.info({ task_queue: TASK_QUEUE }, 'the worker takes work');
  // A failed worker ends the process with an error; whoever watches over it starts it again.
  await Promise.race([stop, running]);
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await running;
  if (gate !== undefined) await closeGateParts(gate);
  await Promise.allSettled([native.close(), connection.close()]);
}

runAsEntry(import.meta.url, () => runWorker());
