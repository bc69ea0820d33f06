import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { describeError, TollgateError } from '../errors.js';
import { canEnter, findPostgresBinaries, type PostgresBinaries, type RunAs, serverUser } from './postgres-binaries.js';
import { commandOf, freePort, guard, programOf, stopProcess, waitUntilReady } from './processes.js';

export interface PostgresOptions {
  /** Made when it does not exist; all files are below it. */
  readonly directory: string;
  /** @default any free port, the one of the last start if possible */
  readonly port?: number;
  /** False loses data in a crash: for tests only. @default true */
  readonly durable?: boolean;
  /** How long a server that runs on these data already may take to answer or to end. @default 60 s */
  readonly takeOverWithinMs?: number;
  /** Deleted when this process dies without stopping the server. */
  readonly removeAfterDeath?: string;
}

export interface RunningPostgres {
  readonly origin: 'embedded' | 'system' | 'attached';
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** Of the database `name`, which is made if it does not exist. */
  database(name: string): Promise<string>;
  /** Ends all connections and returns when the server is gone. */
  stop(): Promise<void>;
}

interface Cluster {
  readonly data: string;
  readonly password: string;
  readonly log: string;
}

/**
 * Starts a PostgreSQL server of our own on loopback, with a random password and no Unix socket, and waits until it answers.
 * A server that a killed process left behind on the same data is taken over.
 * @throws unavailable when there are no binaries, or the server does not start (with the end of its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const user = serverUser();
  const binaries = findPostgresBinaries(user);
  if (binaries === undefined) {
    throw new TollgateError(
      'unavailable',
      'no PostgreSQL found: set DATABASE_URL to a running server, or run `npm install` with optional dependencies, or install PostgreSQL 15 or newer',
    );
  }
  const cluster = prepare(options.directory, user);
  const left = await takeOver(cluster, options.takeOverWithinMs ?? 60_000);
  if (left !== undefined) return running('attached', binaries.version, cluster, left.port, left.pid, options);
  if (!existsSync(join(cluster.data, 'PG_VERSION'))) initialise(cluster, binaries, user, options.durable ?? true);
  return launchWhenFree(() => launch(cluster, binaries, user, options));
}

/** The children of a server that was killed need a moment to notice, and hold on to its memory until then. */
async function launchWhenFree(start: () => Promise<RunningPostgres>): Promise<RunningPostgres> {
  for (const end = Date.now() + 15_000; ; await new Promise((next) => setTimeout(next, 250))) {
    try {
      return await start();
    } catch (error) {
      if (!describeError(error).includes('pre-existing shared memory block') || Date.now() > end) throw error;
    }
  }
}

function prepare(directory: string, user: RunAs): Cluster {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const passwordFile = join(directory, 'postgres-password');
  if (!existsSync(passwordFile)) writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return {
    data: dataDirectory(directory, user),
    password: readFileSync(passwordFile, 'utf8').trim(),
    log: join(directory, 'postgres.log'),
  };
}

/** Below root's 0700 home no other user can reach its own directory: then the data lies in /var/lib, with a link to it in ours. */
function dataDirectory(directory: string, user: RunAs): string {
  const inside = resolve(directory, 'postgres');
  if (existsSync(inside)) return lstatSync(inside).isSymbolicLink() ? join(realpathSync(inside), 'data') : inside;
  if (user.uid === undefined || canEnter(user, directory)) return inside;
  const outside = `/var/lib/tollgate/${createHash('sha256').update(inside).digest('hex').slice(0, 16)}`;
  mkdirSync(outside, { recursive: true, mode: 0o755 });
  rmSync(inside, { force: true });
  symlinkSync(outside, inside);
  return join(outside, 'data');
}

function initialise(cluster: Cluster, binaries: PostgresBinaries, user: RunAs, durable: boolean): void {
  // INVARIANT: `data` is complete or absent. A killed initdb leaves only the unfinished directory.
  const unfinished = `${cluster.data}.unfinished`;
  const passwordFile = `${cluster.data}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 });
  for (const path of user.uid === undefined ? [] : [unfinished, passwordFile]) chownSync(path, user.uid ?? 0, user.gid ?? 0);
  const locale =
    Number.parseInt(binaries.version, 10) >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  const args = ['-D', unfinished, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', ...locale];
  try {
    execFileSync(join(binaries.bin, 'initdb'), durable ? args : [...args, '--no-sync'], { ...user, cwd: '/', stdio: 'pipe' });
  } catch (error) {
    throw new TollgateError('unavailable', `initdb failed in \`${unfinished}\``, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, cluster.data);
}

async function launch(cluster: Cluster, binaries: PostgresBinaries, user: RunAs, options: PostgresOptions): Promise<RunningPostgres> {
  const portFile = join(options.directory, 'postgres-port');
  const last = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  const port = options.port ?? (await freePort(last));
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  if (options.durable === false) settings.push('fsync=off', 'full_page_writes=off');
  const log = openSync(cluster.log, 'a');
  const args = ['-D', cluster.data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  // Detached: Ctrl-C reaches the whole terminal group, and the database has to be the last to go.
  const child = spawn(join(binaries.bin, 'postgres'), args, { ...user, cwd: '/', detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => {});
  await waitUntilReady('PostgreSQL', child, () => answers(urlOf(cluster, port, 'postgres')), {
    timeoutMs: 60_000,
    explain: () => readFileSync(cluster.log, 'utf8').trim().split('\n').slice(-3).join('; '),
  });
  child.unref();
  writeFileSync(portFile, String(port));
  return running(binaries.origin, binaries.version, cluster, port, child.pid ?? 0, options);
}

/**
 * A server that runs on our data already; a pid file that names nobody, or somebody else, is removed.
 * @throws unavailable when such a server neither answers nor ends: two on the same data would destroy it
 */
async function takeOver(cluster: Cluster, withinMs: number): Promise<{ pid: number; port: number } | undefined> {
  const file = join(cluster.data, 'postmaster.pid');
  for (const end = Date.now() + withinMs; existsSync(file); await new Promise((next) => setTimeout(next, 50))) {
    const lines = readFileSync(file, 'utf8').split('\n');
    const [pid, port] = [Number(lines[0]), Number(lines[3])];
    if (!isServerOn(pid, cluster.data)) break;
    if (await answers(urlOf(cluster, port, 'postgres'))) return { pid, port };
    // It may be starting, recovering or stopping: wait for either.
    if (Date.now() > end) {
      throw new TollgateError(
        'unavailable',
        `PostgreSQL (process ${pid}) runs on \`${cluster.data}\` and does not answer; see ${cluster.log}, and stop that process if it hangs`,
      );
    }
  }
  rmSync(file, { force: true });
  return undefined;
}

/** Its children, and servers on other data, may have got the number of one that is gone. */
function isServerOn(pid: number, data: string): boolean {
  return programOf(pid) === 'postgres' && commandOf(pid).includes(` -D ${data} `);
}

function running(
  origin: RunningPostgres['origin'],
  version: string,
  cluster: Cluster,
  port: number,
  pid: number,
  options: PostgresOptions,
): RunningPostgres {
  const guarding = guard(pid, 'INT', options.removeAfterDeath);
  return {
    origin,
    version,
    port,
    pid,
    database: (name) => ensureDatabase(cluster, port, name),
    stop: async () => {
      guarding.release();
      await stopProcess(pid, 'SIGINT', 10_000);
    },
  };
}

async function ensureDatabase(cluster: Cluster, port: number, name: string): Promise<string> {
  await withClient(urlOf(cluster, port, 'postgres'), async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  });
  return urlOf(cluster, port, name);
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://postgres:${cluster.password}@127.0.0.1:${port}/${database}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    await withClient(url, (client) => client.query('select 1'));
    return true;
  } catch {
    return false;
  }
}

/** Runs `work` on one connection of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Why the database at `url` cannot be used; undefined when it can. */
export async function databaseProblem(url: string): Promise<string | undefined> {
  try {
    await withClient(url, (client) => client.query('select 1'));
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
