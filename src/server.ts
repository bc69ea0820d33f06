import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { createApp } from './api/app.js';
import { writeDecisionFacts } from './api/decision-facts.js';
import { createCatalog } from './cloud/catalog/catalog.js';
import { createSimulatedAdmin } from './cloud/simulated/admin.js';
import * as bodies from './cloud/simulated/admin-bodies.js';
import { type Config, loadConfig, requireDatabaseUrl, requireTemporal } from './config.js';
import { createLog } from './log.js';
import { packageRoot } from './package-root.js';
import { runAsEntry } from './runtime/entry.js';
import { stopRequested, tellReady } from './runtime/lifecycle.js';
import { createProviders } from './runtime/providers.js';
import { createPool, type Pool } from './store/db.js';
import { createDecisionLog, type DecisionLog } from './store/decision-log.js';
import { createSnapshot, type Snapshot } from './store/snapshot.js';
import { TASK_QUEUE } from './workflows/messages.js';

/** Runs the API until it is asked to stop. It starts without the database or Temporal too, says what is away, and recovers by itself. */
export async function runServer(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  process.env['TZ'] = 'UTC';
  const config = loadConfig(env);
  const connectionString = requireDatabaseUrl(config);
  requireTemporal(config);
  const log = createLog('api', config.logLevel);
  const stop = stopRequested();
  const pool = createPool({
    connectionString,
    applicationName: 'tollgate api',
    max: 20,
    // Longer than any report takes; a database that is silent for so long is away.
    queryTimeoutMs: 20_000,
    onError: (err) => log.warn({ err }, 'a database connection broke'),
  });
  const snapshot = createSnapshot(pool, {
    onHealth: healthLog(log, 'the database'),
    onUnreadable: (problem) => log.error({ problem }, 'an enforcing policy cannot be read: each of its rules counts as unknown'),
  });
  const decisionLog = createDecisionLog(pool, { alsoWrite: writeDecisionFacts, onHealth: healthLog(log, 'the decision log') });
  const connection = Connection.lazy(config.temporal.connectionOptions);
  const server = createServer(appOf(config, { pool, snapshot, decisionLog, connection, log }));
  await Promise.all([snapshot.start(), listen(server, config)]);
  tellReady();
  log.info({ address: `http://${config.host}:${(server.address() as AddressInfo).port}` }, 'the API listens');
  log.info({ why: await stop }, 'stopping');
  await close(server);
  await decisionLog.close();
  await snapshot.stop();
  await connection.close();
  await pool.end();
}

interface Parts {
  readonly pool: Pool;
  readonly snapshot: Snapshot;
  readonly decisionLog: DecisionLog<Parameters<typeof writeDecisionFacts>[1][number]>;
  readonly connection: Connection;
  readonly log: Logger;
}

function appOf(config: Config, { pool, snapshot, decisionLog, connection, log }: Parts): ReturnType<typeof createApp> {
  const providers = createProviders(pool);
  const simulated = providers.get('simulated');
  const catalog = createCatalog();
  const { connectionOptions, namespace, uiUrl } = config.temporal;
  return createApp({
    pool,
    snapshot,
    decisionLog,
    temporal: { client: new Client({ connection, namespace }), taskQueue: TASK_QUEUE, address: connectionOptions.address ?? '' },
    settings: config.settings,
    directory: config.directory,
    price: (resource) => simulated.price(resource),
    offers: (region) => simulated.offers(region),
    providers: providers.names,
    simulated: { admin: (db) => createSimulatedAdmin(db, { catalog }), bodies },
    now: Date.now,
    log,
    temporalUiUrl: uiUrl,
    version: (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version,
  });
}

function healthLog(log: Logger, what: string): (problem: string | null) => void {
  return (problem) => {
    if (problem === null) log.info({}, `${what} is well`);
    else log.warn({ problem }, `${what} is away`);
  };
}

/** @throws the system's error when the port is taken */
async function listen(server: Server, config: Config): Promise<void> {
  server.listen(config.port, config.host);
  await once(server, 'listening');
}

/** Lets requests that are under way end, for 10 s at most, and takes no new ones. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const patience = setTimeout(() => server.closeAllConnections(), 10_000);
  await closed;
  clearTimeout(patience);
}

runAsEntry(import.meta.url, () => runServer());
