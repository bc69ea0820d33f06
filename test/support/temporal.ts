import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { inject } from 'vitest';
import { prepareNamespace } from '../../src/runtime/namespace.js';

export interface TestTemporal {
  readonly client: Client;
  readonly nativeConnection: NativeConnection;
  /** Of this file alone, with our search attributes. */
  readonly namespace: string;
  readonly address: string;
  close(): Promise<void>;
}

// Once per process; each test file has a process of its own.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  shutdownSignals: [],
  telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
});

/** Connects to the run's Temporal server, in a new namespace. Timers there fire within milliseconds. */
export async function connectTestTemporal(): Promise<TestTemporal> {
  const address = inject('temporalAddress');
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  await prepareNamespace(connection, namespace);
  const nativeConnection = await NativeConnection.connect({ address });
  return {
    client: new Client({ connection, namespace }),
    nativeConnection,
    namespace,
    address,
    close: async () => {
      await nativeConnection.close();
      await connection.close();
    },
  };
}

/** All workflows of `src/workflows/index.ts`, bundled once per run: hand it to `Worker.create({ workflowBundle })`. */
export async function workflowBundle(): Promise<{ code: string }> {
  const file = join(inject('runDirectory'), 'workflow-bundle.js');
  if (existsSync(file)) return { code: readFileSync(file, 'utf8') };
  const bundle: WorkflowBundleWithSourceMap = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  // Two files may bundle at the same time; a rename shows a whole bundle or none.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, bundle.code);
  renameSync(own, file);
  return { code: bundle.code };
}
