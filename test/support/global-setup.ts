import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/local/postgres.js';
import { startTemporalServer } from '../../src/local/temporal.js';
import { findTemporalCli, installTemporalCli } from '../../src/local/temporal-cli.js';
import { migrate } from '../../src/store/migrate.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the database `postgres`, from which test databases are made. */
    postgresUrl: string;
    temporalAddress: string;
    /** Of this run: what files share is kept here. */
    runDirectory: string;
  }
}

const say = (line: string) => process.stderr.write(`tests: ${line}\n`);

/** One PostgreSQL cluster with a migrated template and one Temporal dev server for the whole run; both end with it, whatever ends it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const began = Date.now();
  const runDirectory = mkdtempSync(join(tmpdir(), 'tollgate-test-'));
  chmodSync(runDirectory, 0o755);
  const cli = (await findTemporalCli()) ?? (await installTemporalCli(say));
  const [postgres, temporal] = await Promise.all([
    startTestPostgres(runDirectory),
    startTemporalServer({
      cli,
      directory: runDirectory,
      inMemory: true,
      ports: { ui: null },
      // Untuned, no timer fires sooner than a second; and each test file has a namespace of its own.
      dynamicConfig: ['history.timerProcessorMaxTimeShift="1ms"', 'frontend.namespaceRPS=100000', 'frontend.globalNamespaceRPS=100000'],
    }),
  ]);
  project.provide('postgresUrl', postgres.url);
  project.provide('temporalAddress', temporal.address);
  project.provide('runDirectory', runDirectory);
  say(
    `PostgreSQL ${postgres.server.version} on port ${postgres.server.port}, Temporal at ${temporal.address}, in ${Date.now() - began} ms`,
  );
  return async () => {
    await Promise.all([postgres.server.stop(), temporal.stop()]);
    rmSync(runDirectory, { recursive: true, force: true });
  };
}

async function startTestPostgres(directory: string) {
  const server = await startPostgres({ directory, durable: false, removeAfterDeath: directory });
  await migrate(await server.database('tollgate_template'));
  return { server, url: await server.database('postgres') };
}
