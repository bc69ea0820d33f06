import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPostgres } from '../src/local/postgres.js';
import type { ScanFigures } from './scan-process.js';
import { formatCount, perSecond, printFigures } from './table.js';

const RESOURCES = 100_000;
const POLICIES = 50;

/**
 * A first and a second scan of the simulated cloud, on a durable PostgreSQL, by a process of its own so that its peak memory is that of a worker.
 * What listing alone takes is measured beside it, page by page in the same order: a real cloud's listing is its own affair.
 */
export async function benchScan(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  chmodSync(directory, 0o755);
  const postgres = await startPostgres({ directory, removeAfterDeath: directory });
  try {
    const place = JSON.stringify({ connectionString: await postgres.database('bench'), resources: RESOURCES, policies: POLICIES });
    const file = fileURLToPath(new URL('scan-process.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file, place]);
    print(JSON.parse(stdout) as ScanFigures);
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(figures: ScanFigures): void {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const line = (name: string, ms: number) => ({
    name,
    value: seconds(ms - figures.listingMs),
    ratio: `${formatCount(perSecond(RESOURCES * POLICIES, ms - figures.listingMs))} policies × resources a second`,
  });
  printFigures(`scan of ${formatCount(RESOURCES)} resources × ${POLICIES} policies, ${figures.shards} shards`, [
    { name: 'listing alone', value: seconds(figures.listingMs) },
    line('first scan, listing excluded', figures.firstMs),
    line('second scan, listing excluded', figures.secondMs),
    { name: 'violations', value: formatCount(figures.violations) },
    { name: 'peak memory', value: `${Math.round(figures.peakBytes / 2 ** 20)} MB` },
  ]);
}
