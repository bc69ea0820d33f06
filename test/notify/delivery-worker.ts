/** A worker process of its own that is killed: `node --import tsx delivery-worker.ts <json>`. Its channel writes what it delivers into a table. */
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createNoticeActivities } from '../../src/activities/notices.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import type { Channel } from '../../src/notify/channel.js';
import { createPool } from '../../src/store/db.js';

export interface DeliveryPlace {
  readonly address: string;
  readonly namespace: string;
  readonly connectionString: string;
  readonly bundle: string;
  /** It kills itself when it is about to make its n-th delivery; null lives on. */
  readonly dieAt: number | null;
}

const place: DeliveryPlace = JSON.parse(process.argv[2] ?? '{}');
const pool = createPool({ connectionString: place.connectionString, applicationName: 'delivery-worker', onError: () => {} });
let deliveries = 0;
const channel: Channel = {
  name: 'console',
  async deliver({ merged, recipient }) {
    deliveries += 1;
    if (deliveries === place.dieAt) process.kill(process.pid, 'SIGKILL');
    await pool.query('insert into test_deliveries (notice, recipient) select unnest($1::text[]), $2', [merged, recipient]);
  },
};
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: place.address }),
  namespace: place.namespace,
  taskQueue: 'delivery',
  workflowBundle: { codePath: place.bundle },
  activities: createNoticeActivities({
    pool,
    temporal: new Client({ connection: await Connection.connect({ address: place.address }), namespace: place.namespace }),
    taskQueue: 'delivery',
    providers: {
      names: [],
      get: () => {
        throw new Error('no provider is reached');
      },
    },
    channels: new Map([[channel.name, channel]]),
    settings: defaultSettings(),
    directory: { people: [], groups: {}, owners: { team: [], owner: [], fallback: [] } },
    now: Date.now,
    log: { info() {}, warn() {}, error() {} },
  }),
  stickyQueueScheduleToStartTimeout: 200,
});
await worker.run();
