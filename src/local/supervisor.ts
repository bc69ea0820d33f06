import { join, relative } from 'node:path';
import { Connection } from '@temporalio/client';
import { type Config, loadConfig } from '../config.js';
import { TollgateError } from '../errors.js';
import { stopRequested } from '../runtime/lifecycle.js';
import { prepareNamespace } from '../runtime/namespace.js';
import { type Child, keepRunning } from './child.js';
import { claim } from './claim.js';
import { followFirstScan } from './first-scan.js';
import { keepServer } from './keep-server.js';
import { databaseProblem, type RunningPostgres, startPostgres } from './postgres.js';
import { prepareDatabase } from './prepare-database.js';
import { freePort, listens } from './processes.js';
import { startTemporalServer, type TemporalServer } from './temporal.js';
import { findTemporalCli, installTemporalCli } from './temporal-cli.js';

export interface StartOptions {
  /** N of the demonstration clock; 1 is real time. */
  readonly acceleration: number;
  readonly env: NodeJS.ProcessEnv;
  /** Shows one line to the user. */
  readonly say: (line: string) => void;
}

/** What has been started, in the order of its start. */
interface Running {
  readonly children: Child[];
  readonly servers: (() => Promise<void>)[];
}

interface Start extends StartOptions {
  readonly config: Config;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly running: Running;
}

/**
 * Runs the whole of Tollgate on this machine until SIGINT or SIGTERM: PostgreSQL, Temporal, the API and a worker. Starts again what
 * dies; leaves nothing running.
 * @throws conflict when it runs already on the same data directory, or the port is taken
 * @throws invalid-configuration, unavailable
 */
export async function runSupervisor(options: StartOptions): Promise<void> {
  const config = loadConfig(options.env);
  refuseAcceleration(config, options.acceleration);
  const stopping = new AbortController();
  const stop = stopRequested().then((why) => {
    options.say('stopping');
    stopping.abort(new TollgateError('conflict', `stopped while starting: ${why}`));
  });
  const port = config.port === 0 ? await freePort() : config.port;
  const url = `http://${config.host}:${port}`;
  const giveUp = claim(config.dataDir, url);
  const running: Running = { children: [], servers: [] };
  try {
    if (await listens(port, config.host)) throw new TollgateError('conflict', `port ${port} is taken: set TOLLGATE_PORT to another one`);
    const withPort = { ...config, port };
    await startAll({ ...options, config: withPort, url, signal: stopping.signal, running });
    await stop;
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    await stopAll(running);
    giveUp();
  }
}

/** SPEC §13: the demonstration clock must never shorten a promise made about a real cloud. */
function refuseAcceleration(config: Config, acceleration: number): void {
  if (!Number.isInteger(acceleration) || acceleration < 1) {
    throw new TollgateError('invalid-input', `\`--accelerate\` takes a whole number from 1, got \`${acceleration}\``);
  }
  const real = config.settings.accounts.find(({ provider }) => provider !== 'simulated' && provider !== '*');
  if (acceleration === 1 || real === undefined) return;
  throw new TollgateError(
    'invalid-configuration',
    `\`--accelerate\` is for the simulated cloud only, and the settings name provider \`${real.provider}\``,
  );
}

async function startAll(start: Start): Promise<void> {
  const began = Date.now();
  const { config, say, acceleration } = start;
  if (acceleration > 1)
    say(`DEMONSTRATION CLOCK: every waiting length is divided by ${acceleration}; an hour of waiting takes ${3600 / acceleration} s`);
  const [databaseUrl, temporal] = await Promise.all([startDatabase(start), startTemporal(start)]);
  start.signal.throwIfAborted();
  const { token, tokenFile } = await prepareDatabase(config, databaseUrl, { acceleration, say });
  start.signal.throwIfAborted();
  const env = {
    ...start.env,
    ...temporal.env,
    DATABASE_URL: databaseUrl,
    TOLLGATE_PORT: String(config.port),
    TOLLGATE_DATA_DIR: config.dataDir,
    TZ: 'UTC',
  };
  const api = startChild(start, 'API', 'server', env);
  const worker = startChild(start, 'worker', 'worker', env);
  await untilReady(start, [api, worker]);
  say(`API          ${start.url} (reference at /docs)`);
  say('worker       takes work');
  say(`admin token  ${token} (in ${relative(process.cwd(), tokenFile)})`);
  say(`ready in ${((Date.now() - began) / 1000).toFixed(1)} s; Ctrl-C stops everything, data stays in ${config.dataDir}`);
  await followFirstScan({ url: start.url, token, signal: start.signal, say });
}

async function startDatabase(start: Start): Promise<string> {
  const { config, say, running } = start;
  if (config.databaseUrl !== null) {
    const problem = await databaseProblem(config.databaseUrl);
    if (problem !== undefined) throw new TollgateError('unavailable', `the database of DATABASE_URL cannot be used: ${problem}`);
    say(`PostgreSQL   ${new URL(config.databaseUrl).host} (DATABASE_URL)`);
    return config.databaseUrl;
  }
  const directory = config.dataDir;
  const server: RunningPostgres = await startPostgres({ directory });
  running.servers.push(keepServer('PostgreSQL', server, () => startPostgres({ directory, port: server.port }), say));
  say(`PostgreSQL   127.0.0.1:${server.port} (${server.version}, ${server.origin})`);
  return server.database('tollgate');
}

async function startTemporal(start: Start): Promise<{ env: NodeJS.ProcessEnv }> {
  const { config, say, running } = start;
  const { address } = config.temporal.connectionOptions;
  if (address !== undefined) {
    say(`Temporal     ${address} (TEMPORAL_ADDRESS), UI ${config.temporal.uiUrl}`);
    return { env: {} };
  }
  const cli =
    (await findTemporalCli(start.env)) ?? (await installTemporalCli((line) => say(`Temporal     ${line}`), start.env, start.signal));
  const directory = config.dataDir;
  const server: TemporalServer = await startTemporalServer({ cli, directory, ports: { frontend: 7233, ui: 8233 } });
  // The children know its address since their start.
  const again = () => startTemporalServer({ cli, directory, ports: { frontend: server.port, ui: server.uiPort, exact: true } });
  running.servers.push(keepServer('Temporal', server, again, say));
  const connection = await Connection.connect({ address: server.address });
  try {
    await prepareNamespace(connection, config.temporal.namespace);
  } finally {
    await connection.close();
  }
  say(
    `Temporal     ${server.address} (${cli.serverVersion}, ${server.origin === 'attached' ? 'attached' : cli.from}), UI http://127.0.0.1:${server.uiPort}`,
  );
  return {
    env: {
      TEMPORAL_ADDRESS: server.address,
      TEMPORAL_NAMESPACE: config.temporal.namespace,
      TOLLGATE_TEMPORAL_UI_URL: `http://127.0.0.1:${server.uiPort}`,
    },
  };
}

function startChild(start: Start, name: string, entry: 'server' | 'worker', env: NodeJS.ProcessEnv): Child {
  const child = keepRunning({ name, entry, env, logFile: join(start.config.dataDir, `${entry}.log`), say: start.say });
  start.running.children.push(child);
  return child;
}

/** @throws unavailable naming the log of one that is not ready in time */
async function untilReady(start: Start, children: readonly Child[]): Promise<void> {
  const waiting = new Set(children);
  const signal = AbortSignal.any([start.signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  const over = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(start.signal.aborted ? (start.signal.reason as Error) : notReady([...waiting])), {
      once: true,
    });
  });
  await Promise.race([Promise.all(children.map((child) => child.ready.then(() => waiting.delete(child)))), over]);
}

/** Many times what a slow machine takes. */
const READY_WITHIN_MS = 180_000;

function notReady(children: readonly Child[]): TollgateError {
  const names = children.map(({ name, logFile }) => `${name} (its log: ${logFile})`).join(', ');
  return new TollgateError('unavailable', `not ready after ${READY_WITHIN_MS / 1000} s: ${names}`);
}

/** First what takes requests, then what works, then what both stand on. */
async function stopAll(running: Running): Promise<void> {
  for (const child of running.children) await child.stop();
  await Promise.all(running.servers.map((stop) => stop()));
}
