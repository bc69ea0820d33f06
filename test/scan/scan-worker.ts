/** A worker process of its own, to be killed: `node --import tsx scan-worker.ts <json>`. */
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createScanActivities } from '../../src/activities/scan.js';
import { createPool } from '../../src/store/db.js';
import { liveDeps } from './live-world.js';

interface Place {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly connectionString: string;
  readonly bundle: string;
}

const { address, namespace, taskQueue, connectionString, bundle }: Place = JSON.parse(process.argv[2] ?? '{}');
const pool = createPool({ connectionString, applicationName: 'scan-worker', onError: () => {} });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue,
  workflowBundle: { codePath: bundle },
  activities: createScanActivities(liveDeps(pool, new Client({ connection: await Connection.connect({ address }), namespace }))),
  stickyQueueScheduleToStartTimeout: 1_000,
});
await worker.run();
