import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { createNoticeActivities } from '../../src/activities/notices.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import type { OutgoingNotice } from '../../src/notify/channel.js';
import { createConsoleChannel } from '../../src/notify/console.js';
import { addressed, listNotices, writeNotices } from '../../src/store/outbox.js';
import { WORKFLOWS } from '../../src/workflows/messages.js';
import type { NoticeDeliveryInput } from '../../src/workflows/notice-messages.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connectTestTemporal, type TestTemporal, workflowBundle } from '../support/temporal.js';
import type { DeliveryPlace } from './delivery-worker.js';

const NOW: NoticeDeliveryInput = { quietMs: 0, longestWaitMs: 0, pollMs: 20, runForMs: 200, heartbeatMs: 500, leaseMs: 1_000 };
const PATIENCE = { timeout: 40_000 };
let database: TestDatabase;
let temporal: TestTemporal;
beforeAll(async () => {
  [database, temporal] = await Promise.all([createTestDatabase(), connectTestTemporal()]);
});
beforeEach(() => database.pool.query('truncate outbox'));
afterAll(async () => {
  await temporal.close();
  await database.drop();
});

const write = (subject: string, recipients: readonly string[], channel = 'console') =>
  writeNotices(
    database.pool,
    addressed({ subject, stage: 'detected', title: `title of ${subject}`, body: `body of ${subject}` }, recipients, channel),
    Date.now(),
  );

function deliverer(deliver: (notice: OutgoingNotice) => Promise<void>, now: () => number = Date.now) {
  const deps: ActivityDeps = {
    pool: database.pool,
    temporal: temporal.client,
    taskQueue: 'delivery',
    providers: {
      names: [],
      get: () => {
        throw new Error('no provider is reached');
      },
    },
    channels: new Map([['console', { name: 'console', deliver }]]),
    settings: defaultSettings(),
    directory: { people: [], groups: {}, owners: { team: [], owner: [], fallback: [] } },
    now,
    log: { info() {}, warn() {}, error() {} },
  };
  return () => new MockActivityEnvironment().run(createNoticeActivities(deps).deliverNotices, NOW);
}

test('an owner gets one digest of what came together, others get their own', async () => {
  await write('rem_1', ['dana', 'bob']);
  await write('rem_2', ['dana']);
  const sent: OutgoingNotice[] = [];
  const run = deliverer(async (notice) => void sent.push(notice));
  expect(await run()).toBe(3);
  expect(sent.map(({ recipient, merged, title }) => [recipient, merged.length, title]).sort()).toEqual([
    ['bob', 1, 'title of rem_1'],
    ['dana', 2, '2 notices from Tollgate'],
  ]);
  expect(sent.find(({ recipient }) => recipient === 'dana')?.body).toBe('title of rem_1\nbody of rem_1\n\ntitle of rem_2\nbody of rem_2');
  expect(await run()).toBe(0);
});

test('what is announced while it waits is delivered', async () => {
  const sent: string[] = [];
  const running = deliverer(async ({ subject }) => void sent.push(subject))();
  await write('rem_1', ['dana']);
  expect(await running).toBe(1);
  expect(sent).toEqual(['rem_1']);
});

test('one that cannot be delivered holds up nobody else, and is tried again later', async () => {
  await write('rem_1', ['dana', 'bob']);
  await write('rem_2', ['sam'], 'pigeon');
  let reachable = false;
  const sent: string[] = [];
  const deliver = async ({ recipient }: OutgoingNotice) => {
    if (recipient === 'dana' && !reachable) throw new Error('nobody answers');
    sent.push(recipient);
  };
  await deliverer(deliver)();
  expect(sent).toEqual(['bob']);
  const [dana] = (await listNotices(database.pool, 'rem_1')).filter(({ recipient }) => recipient === 'dana');
  expect(dana).toMatchObject({ deliveredAt: null, attempts: 1, lastError: 'nobody answers' });
  expect((await listNotices(database.pool, 'rem_2'))[0]).toMatchObject({
    deliveredAt: null,
    lastError: 'no channel `pigeon` is configured',
  });
  reachable = true;
  await deliverer(deliver)();
  expect(sent).toEqual(['bob']);
  await deliverer(deliver, () => Date.now() + 5_000)();
  expect(sent).toEqual(['bob', 'dana']);
});

test('the console channel writes one line for each', async () => {
  const lines: [object, string][] = [];
  const channel = createConsoleChannel({ info: (fields, message) => void lines.push([fields, message]) });
  const notice = {
    id: 'ntc_1',
    subject: 'rem_1',
    stage: 'detected',
    recipient: 'dana',
    title: 'a title',
    body: 'a body',
    merged: ['ntc_1'],
  };
  await channel.deliver(notice);
  expect(lines).toEqual([[{ notice }, 'a title']]);
});

test('delivery survives a killed worker, and delivers each notice once', async () => {
  await database.pool.query('create table test_deliveries (notice text not null, recipient text not null)');
  const bundle = join(inject('runDirectory'), 'delivery-worker-bundle.js');
  writeFileSync(bundle, (await workflowBundle()).code);
  const file = fileURLToPath(new URL('delivery-worker.ts', import.meta.url));
  const spawnWorker = (dieAt: number | null) => {
    const { address, namespace } = temporal;
    const place: DeliveryPlace = { address, namespace, connectionString: database.connectionString, bundle, dieAt };
    return spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(place)], { stdio: 'ignore' });
  };
  const recipients = Array.from({ length: 12 }, (_, index) => `person-${index}`);
  await write('rem_1', recipients);
  await write('rem_2', recipients);
  const handle = await temporal.client.workflow.start(WORKFLOWS.noticeDelivery, {
    taskQueue: 'delivery',
    workflowId: 'notice-delivery',
    args: [{ ...NOW, runForMs: 60_000 }],
  });
  await once(spawnWorker(5), 'exit');
  const survivor = spawnWorker(null);
  try {
    await expect.poll(async () => (await database.pool.query('select from outbox where delivered_at is null')).rowCount, PATIENCE).toBe(0);
    const { rows } = await database.pool.query(
      'select recipient, count(*) as times, count(distinct notice) as notices from test_deliveries group by recipient',
    );
    expect(rows).toHaveLength(12);
    expect(rows.every(({ times, notices }) => times === 2 && notices === 2)).toBe(true);
    const { rows: claims } = await database.pool.query('select max(attempts) as most from outbox');
    expect(claims).toEqual([{ most: 2 }]);
  } finally {
    await handle.terminate();
    survivor.kill('SIGKILL');
    await once(survivor, 'exit');
  }
}, 90_000);
