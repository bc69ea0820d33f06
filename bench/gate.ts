import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/config.js';
import { startPostgres } from '../src/local/postgres.js';
import { prepareDatabase } from '../src/local/prepare-database.js';
import { freePort, listens } from '../src/local/processes.js';
import { packageRoot } from '../src/package-root.js';
import { GATE_POLICY_FILES } from './gate-policies.js';
import { type LoadResult, runLoad } from './load.js';
import { wireRequests } from './requests.js';
import { type Figure, formatCount, printFigures } from './table.js';

const SECONDS = 8;
/** Until the compilers have seen enough of it, however slow the machine is; for so many seconds at most. */
const WARM_UP_ANSWERS = 20_000;
const WARM_UP_SECONDS = 15;
const CONNECTIONS = 32;
const BODIES = wireRequests(2_000);

/** One server of the comparison. */
interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly path: string;
  readonly token?: string;
  readonly connections?: number;
  /** What is sent in place of the request itself. */
  readonly wrap?: (request: object) => object;
}

/**
 * `POST /v1/evaluate` by the same two policies and the same 2,000 requests: Tollgate with every decision durable before its answer,
 * beside the floors of Node and Express, and Open Policy Agent where `OPA` names its binary. One after the other in one run: the
 * server on core 0, database and load on core 1.
 */
export async function benchGate(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  pinTo('1');
  const postgres = await startPostgres({ directory: join(directory, 'postgres') });
  try {
    const databaseUrl = await postgres.database('tollgate');
    const results: { readonly name: string; readonly result: Result }[] = [];
    const only = process.env['ONLY'] ?? '';
    for (const contestant of (await contestants(directory, databaseUrl)).filter(({ name }) => new RegExp(only).test(name))) {
      results.push({ name: contestant.name, result: await measure(contestant) });
    }
    printFigures('gate: one evaluation a request, 32 connections where not said, server on one core', figuresOf(results));
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
    pinTo('0-255');
  }
}

async function contestants(directory: string, databaseUrl: string): Promise<readonly Contestant[]> {
  const policies = join(directory, 'policies');
  mkdirSync(policies);
  for (const file of GATE_POLICY_FILES) copyFileSync(join(packageRoot, 'policies', file), join(policies, file));
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    TOLLGATE_DATA_DIR: directory,
    TOLLGATE_POLICIES: policies,
  };
  const { token } = await prepareDatabase(loadConfig(env), databaseUrl, { acceleration: null, say: () => {} });
  const tsx = (file: string) => [process.execPath, '--import', 'tsx', join('bench', file)];
  const tollgate = {
    command: [process.execPath, ...(process.env['FLAGS']?.split(' ') ?? []), join('dist', 'server.js')],
    path: '/v1/evaluate',
    token,
  };
  return [
    { name: 'bare Node http and evaluator', command: tsx('floor.ts'), env, path: '/' },
    { name: 'bare Express echo', command: tsx('echo.ts'), env, path: '/v1/evaluate' },
    { name: 'Tollgate, durable', ...tollgate, env },
    { name: 'Tollgate, durable, 64 connections', ...tollgate, env, connections: 64 },
    { name: 'Tollgate, relaxed', ...tollgate, env: { ...env, TOLLGATE_DECISION_LOG: 'relaxed' } },
    ...opaContestants(env),
  ];
}

function opaContestants(env: NodeJS.ProcessEnv): readonly Contestant[] {
  const opa = process.env['OPA'];
  if (opa === undefined) return [];
  const command = (...more: string[]) => [
    opa,
    'run',
    '--server',
    '--addr=127.0.0.1:$PORT',
    '--log-level=error',
    '--disable-telemetry',
    ...more,
    join(packageRoot, 'bench', 'opa', 'policy.rego'),
  ];
  const rest = { path: '/v1/data/tollgate/decision', env: { ...env, GOMAXPROCS: '1' }, wrap: (input: object) => ({ input }) };
  return [
    { name: 'Open Policy Agent, no log', command: command(), ...rest },
    { name: 'Open Policy Agent, decision log', command: command('--set=decision_logs.console=true'), ...rest },
  ];
}

interface Result extends LoadResult {
  /** What the server's own processor time was, in microseconds for each answer: it hardly depends on what else the machine does. */
  readonly cpuUs: number;
}

async function measure(contestant: Contestant): Promise<Result> {
  const { command, env, path, token, connections = CONNECTIONS, wrap = (request) => request } = contestant;
  const port = await freePort();
  const server = onCore(
    '0',
    command.map((word) => word.replace('$PORT', String(port))),
    { ...env, PORT: String(port), TOLLGATE_PORT: String(port) },
  );
  try {
    await untilListens(port);
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const bodies = BODIES.map((body) => JSON.stringify(wrap(body)));
    const run = (seconds: number) => runLoad({ port, path, headers, bodies, connections, seconds });
    let answers = 0;
    for (let second = 0; answers < WARM_UP_ANSWERS && second < WARM_UP_SECONDS; second += 1) answers += (await run(1)).answers;
    const before = cpuMs(server);
    const result = await run(SECONDS);
    return { ...result, cpuUs: ((cpuMs(server) - before) * 1_000) / result.answers };
  } finally {
    await end(server);
  }
}

function figuresOf(results: readonly { readonly name: string; readonly result: Result }[]): readonly Figure[] {
  const [floor] = results;
  return results.map(({ name, result: { perSecond, p50, p99, failed, cpuUs } }) => ({
    name,
    value: `${formatCount(Math.round(perSecond))} requests/s`,
    ratio:
      `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${failed} failed, ${cpuUs.toFixed(0)} µs of processor   ` +
      `${(perSecond / (floor?.result.perSecond ?? Number.NaN)).toFixed(2)} of the floor ` +
      `(${((floor?.result.cpuUs ?? Number.NaN) / cpuUs).toFixed(2)} by processor time)`,
  }));
}

/** Of this process, and of those that it starts from now on, where the system can do it; elsewhere the figures mean less. */
function pinTo(cores: string): void {
  if (process.platform === 'linux') spawnSync('taskset', ['-a', '-p', '-c', cores, String(process.pid)]);
}

function onCore(core: string, command: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const [first, ...rest] = process.platform === 'linux' ? ['taskset', '-c', core, ...command] : command;
  // Decision logs and request logs are written, to nowhere.
  return spawn(first as string, rest, {
    cwd: packageRoot,
    env,
    stdio: ['ignore', process.env['OUT'] === undefined ? 'ignore' : openSync(process.env['OUT'], 'w'), 'ignore'],
  });
}

const TICK_MS = 10;

/** User and system time so far; not a number where the system does not tell. */
function cpuMs({ pid }: ChildProcess): number {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return Number.NaN;
  const [, fields = ''] = readFileSync(stat, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) * TICK_MS;
}

async function untilListens(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (await listens(port, '127.0.0.1')) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
