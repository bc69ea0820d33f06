import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TollgateError } from '../errors.js';
import { startedAt } from './processes.js';

export interface Claim {
  readonly pid: number;
  readonly startedAt: string;
  readonly url: string;
}

/** Who runs on this data directory now; undefined when nobody does, whatever a killed process left in it. */
export function runningOn(dataDir: string): Claim | undefined {
  return readClaim(join(dataDir, 'running.json'));
}

/** Undefined when there is none, or who made it is gone. */
function readClaim(file: string): Claim | undefined {
  try {
    const claim = JSON.parse(readFileSync(file, 'utf8')) as Claim;
    return startedAt(claim.pid) === claim.startedAt ? claim : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes this process the one that runs on the data directory.
 * @returns how to give it up
 * @throws conflict when one is running or just starting, saying where
 */
export function claim(dataDir: string, url: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const file = join(dataDir, 'running.json');
  const own: Claim = { pid: process.pid, startedAt: startedAt(process.pid) ?? '', url };
  const unlock = lock(join(dataDir, 'running.lock'), own);
  try {
    const other = unlock === undefined ? undefined : runningOn(dataDir);
    if (unlock === undefined || other !== undefined) throw isRunningAlready(dataDir, other);
    // Whatever a killed process left is replaced at once: nobody ever reads half a claim.
    writeFileSync(`${file}.new`, JSON.stringify(own));
    renameSync(`${file}.new`, file);
  } finally {
    unlock?.();
  }
  return () => rmSync(file, { force: true });
}

/** Held for the moment of looking and writing, by one process at a time; undefined when another one holds it. One that a kill left is removed. */
function lock(file: string, own: Claim): (() => void) | undefined {
  const mine = `${file}.${own.pid}`;
  writeFileSync(mine, JSON.stringify(own));
  try {
    if (!linked(mine, file) && !(existsSync(file) && readClaim(file) === undefined && replaced(mine, file))) return undefined;
    return () => rmSync(file, { force: true });
  } finally {
    rmSync(mine, { force: true });
  }
}

function replaced(mine: string, file: string): boolean {
  rmSync(file, { force: true });
  return linked(mine, file);
}

/** A link appears with its whole content, or not at all; false when there is one. */
function linked(mine: string, file: string): boolean {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isRunningAlready(dataDir: string, other: Claim | undefined): TollgateError {
  const where = other === undefined ? 'is just being started' : `is running already at ${other.url}`;
  const who = other === undefined ? '' : `process ${other.pid}, `;
  return new TollgateError('conflict', `Tollgate ${where} (${who}data in ${dataDir})`);
}
