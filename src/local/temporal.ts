import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { TollgateError } from '../errors.js';
import { freePort, guard, listens, startedAt, stopProcess, waitUntilReady } from './processes.js';
import type { TemporalCli } from './temporal-cli.js';

export interface TemporalServerOptions {
  readonly cli: TemporalCli;
  /** Where the pid file, the log and, unless `inMemory`, the database are. */
  readonly directory: string;
  /** @default false: timers survive a restart */
  readonly inMemory?: boolean;
  /** Wished for; a taken one is replaced by a free one, but for `exact`, where it is an error. `ui: null` starts no UI. */
  readonly ports: { readonly frontend?: number; readonly ui?: number | null; readonly exact?: boolean };
  /** `KEY=JSON`, such as `history.timerProcessorMaxTimeShift="1ms"`. */
  readonly dynamicConfig?: readonly string[];
  readonly removeAfterDeath?: string;
}

export interface TemporalServer {
  readonly origin: 'started' | 'attached';
  readonly address: string;
  readonly port: number;
  /** Null when it runs without UI. */
  readonly uiPort: number | null;
  readonly pid: number;
  stop(): Promise<void>;
}

interface PidFile {
  readonly pid: number;
  readonly startedAt: string;
  readonly port: number;
  readonly uiPort: number | null;
}

/**
 * Starts a Temporal dev server on loopback and waits until it answers. A healthy one that a killed process left behind on the same
 * directory is taken over: nothing would stop a second one from opening the same file.
 * @throws unavailable with the last lines of its log when it does not start
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  mkdirSync(options.directory, { recursive: true, mode: 0o755 });
  const pidFile = join(options.directory, 'temporal.pid');
  const left = readPidFile(pidFile);
  if (left !== undefined && startedAt(left.pid) === left.startedAt) {
    if (await answers(`127.0.0.1:${left.port}`)) return running('attached', left, pidFile, options);
    await stopProcess(left.pid, 'SIGTERM', 5_000);
  }
  rmSync(pidFile, { force: true });
  return launch(pidFile, options);
}

function readPidFile(path: string): PidFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PidFile;
  } catch {
    return undefined;
  }
}

async function launch(pidFile: string, options: TemporalServerOptions): Promise<TemporalServer> {
  const port = await freePort(options.ports.frontend);
  if (options.ports.exact === true && port !== options.ports.frontend) {
    throw new TollgateError('unavailable', `port ${options.ports.frontend}, where everybody looks for it, is taken`);
  }
  const uiPort = options.ports.ui === null ? null : await freePort(options.ports.ui);
  const logFile = join(options.directory, 'temporal.log');
  const log = openSync(logFile, 'a');
  const child = spawn(options.cli.path, serverArguments(options, port, uiPort), { cwd: '/', detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => {});
  if (child.pid === undefined) throw new TollgateError('unavailable', `cannot run \`${options.cli.path}\``);
  const identity = { pid: child.pid, startedAt: startedAt(child.pid) ?? '', port, uiPort };
  writeFileSync(pidFile, JSON.stringify(identity), { flag: 'wx' });
  const server = running('started', identity, pidFile, options);
  try {
    await waitUntilReady('the Temporal server', child, () => answers(server.address), {
      timeoutMs: 30_000,
      explain: () => readFileSync(logFile, 'utf8').trim().split('\n').slice(-2).join('; '),
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  child.unref();
  return server;
}

function serverArguments(options: TemporalServerOptions, port: number, uiPort: number | null): string[] {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'];
  args.push(...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]));
  if (options.inMemory !== true) {
    // The schema is made only with a new file, so each server version has its own. Without both pragmas throughput halves.
    args.push('--db-filename', join(options.directory, `temporal-${options.cli.serverVersion}.db`));
    args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal');
  }
  return [...args, ...(options.dynamicConfig ?? []).flatMap((value) => ['--dynamic-config-value', value])];
}

/** Ready means that it answers, not that it listens. The port is tried first: a refused gRPC channel waits a second. */
async function answers(address: string): Promise<boolean> {
  if (!(await listens(Number(address.split(':')[1])))) return false;
  try {
    const connection = await Connection.connect({ address, connectTimeout: 2_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

function running(origin: TemporalServer['origin'], identity: PidFile, pidFile: string, options: TemporalServerOptions): TemporalServer {
  const guarding = guard(identity.pid, 'TERM', options.removeAfterDeath);
  return {
    origin,
    address: `127.0.0.1:${identity.port}`,
    port: identity.port,
    uiPort: identity.uiPort,
    pid: identity.pid,
    stop: async () => {
      guarding.release();
      await stopProcess(identity.pid, 'SIGTERM', 10_000);
      if (existsSync(pidFile)) rmSync(pidFile, { force: true });
    },
  };
}
