import { execFile } from 'node:child_process';
import { constants, createWriteStream } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { describeError, TollgateError } from '../errors.js';
import { cacheDirectory } from './places.js';

const run = promisify(execFile);

/** The newest stable CLI that `go install` accepts: from v1.6.0 its go.mod has a `replace`. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

export interface TemporalCli {
  readonly path: string;
  /** Of the server within, such as `1.29.1`: a database file belongs to one version of it. */
  readonly serverVersion: string;
  readonly from: 'TEMPORAL_CLI_PATH' | 'PATH' | 'cache' | 'download' | 'go install';
}

export function cachedTemporalCli(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDirectory(env), `temporal-cli-${TEMPORAL_CLI_VERSION}`, 'temporal');
}

/**
 * The Temporal CLI of this machine: `TEMPORAL_CLI_PATH`, else `temporal` on the PATH, else our cached copy; undefined when there is none.
 * @throws invalid-configuration when `TEMPORAL_CLI_PATH` is set and is no Temporal CLI
 */
export async function findTemporalCli(env: NodeJS.ProcessEnv = process.env): Promise<TemporalCli | undefined> {
  const given = env['TEMPORAL_CLI_PATH'];
  if (given) {
    const serverVersion = await serverVersionOf(given);
    if (serverVersion === undefined) {
      throw new TollgateError('invalid-configuration', `TEMPORAL_CLI_PATH names \`${given}\`, which is not a Temporal CLI that runs here`);
    }
    return { path: given, serverVersion, from: 'TEMPORAL_CLI_PATH' };
  }
  for (const directory of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const serverVersion = await serverVersionOf(join(directory, 'temporal'));
    if (serverVersion !== undefined) return { path: join(directory, 'temporal'), serverVersion, from: 'PATH' };
  }
  const path = cachedTemporalCli(env);
  const serverVersion = await serverVersionOf(path);
  return serverVersion === undefined ? undefined : { path, serverVersion, from: 'cache' };
}

/** A binary made by `go install` calls itself 0.0.0-DEV; the server's version is what tells. */
async function serverVersionOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    return /Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Puts the pinned CLI into our cache: the official download, else `go install`. `say` gets a line for each step with the time to expect.
 * @throws unavailable, naming every way to get a Temporal server
 */
export async function installTemporalCli(
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
  signal: AbortSignal = new AbortController().signal,
): Promise<TemporalCli> {
  const path = cachedTemporalCli(env);
  await mkdir(join(path, '..', '..'), { recursive: true });
  const scratch = await mkdtemp(`${join(path, '..')}-`);
  const failures: string[] = [];
  const ways = [
    {
      from: 'download',
      announce: `downloading the Temporal CLI ${TEMPORAL_CLI_VERSION} (100 MB, once; a minute on a usual line)`,
      obtain: download,
    },
    {
      from: 'go install',
      announce: `building the Temporal CLI ${TEMPORAL_CLI_VERSION} with Go (once; about 3 minutes on 2 cores)`,
      obtain: buildWithGo,
    },
  ] as const;
  try {
    for (const { from, announce, obtain } of ways) {
      say(announce);
      try {
        await whileSaying(say, from, obtain(scratch, env, signal));
        const serverVersion = await serverVersionOf(join(scratch, 'temporal'));
        if (serverVersion === undefined) throw new TollgateError('unavailable', 'the binary does not run here');
        // Several processes may do this at once: each has a whole copy, and the last one to move it wins.
        await mkdir(join(path, '..'), { recursive: true });
        await rename(join(scratch, 'temporal'), path);
        return { path, serverVersion, from };
      } catch (error) {
        signal.throwIfAborted();
        const failure = `${from}: ${describeError(error).split('\n')[0]}`;
        failures.push(failure);
        say(failure);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  throw new TollgateError('unavailable', `no Temporal server (${failures.join('; ')}): ${WAYS_OUT}`);
}

export const WAYS_OUT = [
  'set TEMPORAL_ADDRESS to a running Temporal server',
  'or put the Temporal CLI on the PATH (https://docs.temporal.io/cli)',
  'or name it in TEMPORAL_CLI_PATH',
  'or install Go 1.24 or newer and start again',
].join(', ');

async function download(directory: string, _env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const platform = process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `https://temporal.download/cli/archive/v${TEMPORAL_CLI_VERSION}?platform=${platform}&arch=${arch}`;
  const connecting = AbortSignal.timeout(5 * 60_000);
  const unreachable = new AbortController();
  const timer = setTimeout(() => unreachable.abort(new Error('no answer in 8 s')), 8_000);
  const response = await fetch(url, { signal: AbortSignal.any([signal, connecting, unreachable.signal]) }).finally(() =>
    clearTimeout(timer),
  );
  if (!response.ok || response.body === null) throw new TollgateError('unavailable', `${url} answered ${response.status}`);
  const archive = join(directory, 'archive');
  await pipeline(Readable.fromWeb(response.body), createWriteStream(archive));
  // GNU and BSD tar both see by themselves how it is compressed; BSD tar reads zip too.
  await run('tar', ['-xf', archive, '-C', directory]);
  await chmod(join(directory, 'temporal'), 0o755);
}

async function buildWithGo(directory: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const go = await run('go', ['version'], { env }).then(
    () => 'go',
    () => '/usr/local/go/bin/go',
  );
  await run(go, ['install', `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`], {
    env: { ...env, GOBIN: directory },
    timeout: 30 * 60_000,
    signal,
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Says every 30 s that the work still goes on. */
async function whileSaying<T>(say: (line: string) => void, what: string, work: Promise<T>): Promise<T> {
  const began = Date.now();
  const timer = setInterval(() => say(`${what}: still at it after ${Math.round((Date.now() - began) / 1000)} s`), 30_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
