import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { createApp } from './api/app.js';
import { createCatalog, priceOfRequest } from './cloud/catalog/catalog.js';
import { createSimulatedAdmin } from './cloud/simulated/admin.js';
import * as bodies from './cloud/simulated/admin-bodies.js';
import { type Config, loadConfig, requireDatabaseUrl, requireTemporal } from './config.js';
import { createLog } from './log.js';
import { packageRoot } from './package-root.js';
import { createDocumentPool, type DocumentPool } from './runtime/document-pool.js';
import { runAsEntry } from './runtime/entry.js';
import { closeGateParts, createGateParts, type GateParts } from './runtime/gate.js';
import { stopRequested, tellReady } from './runtime/lifecycle.js';
import { createProviders } from './runtime/providers.js';
import { createPool, type Pool } from './store/db.js';
import { TASK_QUEUE } from './workflows/messages.js';

/** A large bill through a slow line takes more than the five minutes that Node gives; the headers still have one. */
const LONGEST_REQUEST_MS = 60 * 60 * 1_000;

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
  const parts = createGateParts(pool, config, log);
  const documents = createDocumentPool();
  const connection = Connection.lazy(config.temporal.connectionOptions);
  const server = createServer({ requestTimeout: LONGEST_REQUEST_MS }, appOf(config, { ...parts, pool, documents, connection, log }));
  await Promise.all([parts.snapshot.start(), listen(server, config)]);
  tellReady();
  log.info({ address: `http://${config.host}:${(server.address() as AddressInfo).port}` }, 'the API listens');
  log.info({ why: await stop }, 'stopping');
  await close(server);
  await documents.close();
  await closeGateParts(parts);
  await connection.close();
  await pool.end();
}

interface Parts extends GateParts {
  readonly pool: Pool;
  readonly documents: DocumentPool;
  readonly connection: Connection;
  readonly log: Logger;
}

function appOf(config: Config, { pool, snapshot, decisionLog, documents, connection, log }: Parts): ReturnType<typeof createApp> {
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
    limits: { importBytes: config.importBytes },
    runTaskKey: config.runTaskKey,
    price: priceOfRequest(catalog),
    lookup: catalog.lookup,
    readDocument: documents.read,
    readOpaBody: documents.readOpaBody,
    offers: (region) => simulated.offers(region),
    providers: providers.names,
    simulated: { admin: (db) => createSimulatedAdmin(db, { catalog }), bodies },
    now: Date.now,
    log,
    requestLog: log.child({}, { redact: [] }),
    temporalUiUrl: uiUrl,
    version: (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version,
  });
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
