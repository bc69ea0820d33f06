/** A worker process of its own, to be killed: `node --import tsx worker-process.ts <json>`. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createRemediationActivities } from '../../src/activities/remediation.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createPool } from '../../src/store/db.js';
import { depsOf, TASK_QUEUE } from './fixtures.js';

export interface Place {
  readonly address: string;
  readonly namespace: string;
  readonly connectionString: string;
  readonly bundle: string;
}

const { address, namespace, connectionString, bundle }: Place = JSON.parse(process.argv[2] ?? '{}');
Runtime.install({ logger: new DefaultLogger('ERROR') });
const pool = createPool({ connectionString, applicationName: 'remediation-worker', onError: () => {} });
const client = new Client({ connection: await Connection.connect({ address }), namespace });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue: TASK_QUEUE,
  workflowBundle: { codePath: bundle },
  activities: createRemediationActivities(depsOf(pool, client, createCatalog(), { allowAutoDeleteVolumes: true })),
  stickyQueueScheduleToStartTimeout: 1_000,
});
process.stdout.write('ready\n');
await worker.run();
