/** A worker process of its own, to be killed: `node --import tsx worker-process.ts <json>`. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createPool } from '../../src/store/db.js';
import { createRunTaskWorker } from './run-task-worker.js';

export interface Place {
  readonly address: string;
  readonly namespace: string;
  readonly connectionString: string;
  readonly bundle: string;
  readonly origins: readonly string[];
}

const { address, namespace, connectionString, bundle, origins }: Place = JSON.parse(process.argv[2] ?? '{}');
Runtime.install({ logger: new DefaultLogger('ERROR') });
const pool = createPool({ connectionString, applicationName: 'run-task-worker', onError: () => {} });
const client = new Client({ connection: await Connection.connect({ address }), namespace });
const connection = await NativeConnection.connect({ address });
const { worker } = await createRunTaskWorker({ pool, client, connection, namespace, origins, workflowBundle: { codePath: bundle } });
process.stdout.write('ready\n');
await worker.run();
