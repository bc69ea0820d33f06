import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TollgateError } from '../errors.js';

/**
 * When the process with `pid` started, as the system words it; undefined when there is none. With the pid it names one process
 * for ever, so a pid file left by a kill is never mistaken for whatever got the same number later.
 */
export function startedAt(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name is in parentheses and may hold spaces; the state is field 3, the start time field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Name of the program that the process runs, such as `postgres`; undefined when there is no such process. */
export function programOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return basename(execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  } catch {
    return undefined;
  }
}

/** Its command line, words separated by spaces; empty when there is no such process. */
export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

export function isRunning(pid: number): boolean {
  return startedAt(pid) !== undefined;
}

/** Asks the process to stop with `signal`, kills it after `graceMs`, and returns when it is gone. */
export async function stopProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const started = startedAt(pid);
  if (started === undefined) return;
  const same = () => startedAt(pid) === started;
  send(pid, signal);
  for (const end = Date.now() + graceMs; same() && Date.now() < end; ) await sleep(20);
  if (!same()) return;
  send(pid, 'SIGKILL');
  for (const end = Date.now() + 5_000; same() && Date.now() < end; ) await sleep(20);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export interface Guard {
  /** Call when the process has been stopped in the ordinary way. */
  release(): void;
}

/**
 * Stops process `pid` with `signal` when this process dies in whatever way, `kill -9` included: a shell waits on a pipe that only
 * our death closes. `remove` is a directory to delete after that.
 */
export function guard(pid: number, signal: 'INT' | 'TERM', remove?: string): Guard {
  const script =
    'read -r done || { kill "-$1" "$2"; [ -z "$3" ] || { while kill -0 "$2"; do sleep 0.1; done; rm -rf "$3"; }; } 2>/dev/null';
  const shell = spawn('/bin/sh', ['-c', script, 'tollgate-guard', signal, String(pid), remove ?? ''], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.stdin.on('error', () => {});
  (shell.stdin as unknown as { unref(): void }).unref();
  return { release: () => void shell.stdin.end('done\n') };
}

/** The preferred port when nobody listens there, else one that the system gives; on loopback. */
export async function freePort(preferred = 0): Promise<number> {
  const port = await tryListen(preferred);
  if (port !== undefined) return port;
  const other = await tryListen(0);
  if (other === undefined) throw new TollgateError('unavailable', 'no free port on 127.0.0.1');
  return other;
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

/** Whether something accepts connections there. */
export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Waits until `ready` answers true; throws when the child has ended before, or `timeoutMs` have passed. */
export async function waitUntilReady(
  name: string,
  child: Pick<ChildProcess, 'exitCode' | 'signalCode'>,
  ready: () => Promise<boolean>,
  options: { readonly timeoutMs: number; readonly explain: () => string },
): Promise<void> {
  for (const end = Date.now() + options.timeoutMs; ; await sleep(25)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new TollgateError('unavailable', `${name} did not start: ${options.explain()}`);
    }
    if (await ready()) return;
    if (Date.now() > end)
      throw new TollgateError('unavailable', `${name} was not ready after ${options.timeoutMs / 1000} s: ${options.explain()}`);
  }
}
