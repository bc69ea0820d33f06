import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { loadConfig } from '../src/config.js';
import { startPostgres } from '../src/local/postgres.js';
import { prepareDatabase } from '../src/local/prepare-database.js';
import { freePort, listens } from '../src/local/processes.js';
import { packageRoot } from '../src/package-root.js';
import { wireRequests } from './requests.js';
import { formatCount, printFigures } from './table.js';

const SECONDS = 8;
const CONNECTIONS = 32;

/** `POST /v1/evaluate`, each decision durable before its answer, beside a bare Express echo: server on core 0, database and load on core 1. */
export async function benchGate(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const postgres = await startPostgres({ directory: join(directory, 'postgres') });
  const children: ChildProcess[] = [];
  try {
    const databaseUrl = await postgres.database('tollgate');
    const port = await freePort();
    const env = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      TOLLGATE_DATA_DIR: directory,
      TOLLGATE_PORT: String(port),
      TOLLGATE_LOG_LEVEL: 'warn',
    };
    const { token } = await prepareDatabase(loadConfig(env), databaseUrl, { acceleration: null, say: () => {} });
    const echoPort = await freePort();
    children.push(
      onCore(0, ['dist/server.js'], env),
      onCore(0, ['--import', 'tsx', 'bench/echo.ts'], { ...process.env, ECHO_PORT: String(echoPort) }),
    );
    await Promise.all([port, echoPort].map(untilListens));
    const echo = await load(`http://127.0.0.1:${echoPort}/v1/evaluate`, token);
    const gate = await load(`http://127.0.0.1:${port}/v1/evaluate`, token);
    const line = (name: string, result: autocannon.Result, ratio: string) => ({
      name,
      value: `${formatCount(Math.round(result.requests.average))} requests/s`,
      ratio: `p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms, ${result.non2xx + result.errors} failed   ${ratio}`,
    });
    printFigures(`gate: POST /v1/evaluate, ${CONNECTIONS} connections, server on one core`, [
      line('bare Express echo', echo, '1.00'),
      line('Tollgate, durable', gate, `${(gate.requests.average / echo.requests.average).toFixed(2)} of echo`),
    ]);
  } finally {
    for (const child of children) await end(child);
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Pinned to one core where the system can do it; elsewhere the figures mean less. */
function onCore(core: number, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const node = [process.execPath, ...args];
  const [command, ...rest] = process.platform === 'linux' ? ['taskset', '-c', String(core), ...node] : node;
  return spawn(command as string, rest, { cwd: packageRoot, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

async function untilListens(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (await listens(port, '127.0.0.1')) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function load(url: string, token: string): Promise<autocannon.Result> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const requests = wireRequests(2_000).map((body) => ({ method: 'POST' as const, body: JSON.stringify(body), headers }));
  const run = (duration: number) => autocannon({ url, connections: CONNECTIONS, duration, requests });
  await run(2);
  return run(SECONDS);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
