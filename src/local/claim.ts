import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  try {
    const claim = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as Claim;
    return startedAt(claim.pid) === claim.startedAt ? claim : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes this process the one that runs on the data directory.
 * @returns how to give it up
 * @throws conflict when one is running, saying where
 */
export function claim(dataDir: string, url: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const file = join(dataDir, 'running.json');
  if (runningOn(dataDir) === undefined) rmSync(file, { force: true });
  const own: Claim = { pid: process.pid, startedAt: startedAt(process.pid) ?? '', url };
  try {
    // Of two that start at the same time, one creates the file.
    writeFileSync(file, JSON.stringify(own), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = runningOn(dataDir);
    throw new TollgateError(
      'conflict',
      `Tollgate is running already at ${other?.url ?? 'this data directory'} (process ${other?.pid ?? 'unknown'}, data in ${dataDir})`,
    );
  }
  return () => rmSync(file, { force: true });
}
