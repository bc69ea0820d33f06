import { type ChildProcess, fork } from 'node:child_process';
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ReadyMessage } from '../runtime/lifecycle.js';
import { stopProcess } from './processes.js';

export interface ChildOptions {
  readonly name: string;
  /** Entry point beside `src/` or `dist/`, without extension: `server`. */
  readonly entry: 'server' | 'worker';
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly say: (line: string) => void;
}

export interface Child extends Pick<ChildOptions, 'name' | 'logFile'> {
  readonly pid: () => number | undefined;
  /** Resolves when it has said for the first time that it works. */
  readonly ready: Promise<void>;
  /** Asks it to stop and waits until it is gone; it is not started again. */
  stop(): Promise<void>;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** One that has run this long starts again at once after its death. */
const SETTLED_MS = 60_000;
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

/** Runs an entry point as a process of its own, and again whenever it dies: after 0.5 s, then twice as long each time, at most 30 s. */
export function keepRunning(options: ChildOptions): Child {
  if (existsSync(options.logFile) && statSync(options.logFile).size > LOG_LIMIT_BYTES) renameSync(options.logFile, `${options.logFile}.1`);
  const log = createWriteStream(options.logFile, { flags: 'a' });
  const stopping = new AbortController();
  let current: ChildProcess | undefined;
  let tellReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  const done = (async () => {
    for (let waitMs = FIRST_WAIT_MS; !stopping.signal.aborted; ) {
      const began = Date.now();
      current = launch(options, log, tellReady);
      const how = await ended(current);
      if (stopping.signal.aborted) break;
      if (Date.now() - began > SETTLED_MS) waitMs = FIRST_WAIT_MS;
      options.say(`${options.name} ended (${how}), starting it again in ${waitMs / 1000} s; its log: ${options.logFile}`);
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    log.end();
  })();
  return {
    name: options.name,
    logFile: options.logFile,
    pid: () => current?.pid,
    ready,
    stop: async () => {
      stopping.abort();
      if (current?.pid !== undefined && current.exitCode === null) await stopProcess(current.pid, 'SIGTERM', 20_000);
      await done;
    },
  };
}

function launch(options: ChildOptions, log: NodeJS.WritableStream, tellReady: () => void): ChildProcess {
  // Run from the sources (tests), entry points are TypeScript and need the same loader as we have.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = fileURLToPath(new URL(`../${options.entry}.${extension}`, import.meta.url));
  const child = fork(file, [], {
    env: options.env,
    execArgv: [...(extension === 'ts' ? ['--import', 'tsx'] : []), '--enable-source-maps'],
    // Detached: Ctrl-C reaches the whole terminal group, and the supervisor stops its children in its own order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => pass(line, options, log));
  }
  child.on('message', (message) => {
    if ((message as ReadyMessage).ready) tellReady();
  });
  return child;
}

/** Every line goes to the log file; what somebody should see goes to the terminal too, in words. */
function pass(line: string, options: ChildOptions, log: NodeJS.WritableStream): void {
  log.write(`${line}\n`);
  const words = importantWords(line);
  if (words !== undefined) options.say(`${options.name}: ${words}`);
}

function importantWords(line: string): string | undefined {
  // Not of our logger: of all that Node prints when a process breaks, the line that names the error.
  if (!line.startsWith('{')) return /^\S*Error\b/.test(line) ? line : undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } };
    if (level !== 'error' && level !== 'fatal') return undefined;
    return err?.message === undefined || err.message === msg ? msg : `${msg}: ${err.message}`;
  } catch {
    return undefined;
  }
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
}
