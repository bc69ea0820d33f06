/** What an exception promises is in our database: when its workflow is lost, another goes on from there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reviveExceptions } from '../../src/activities/revive.js';
import { getException } from '../../src/store/exceptions.js';
import { listNotices } from '../../src/store/outbox.js';
import { approveException } from '../../src/workflows/exception-messages.js';
import { createWorld, type World } from './world.js';

let world: World;
let worker: { stop(): Promise<void> };
beforeAll(async () => {
  world = await createWorld();
  worker = await world.startWorker();
});
afterAll(async () => {
  await worker.stop();
  await world.close();
});

const approval = () => ({ principal: 'bob', at: Date.now(), comments: null });
const read = (id: string) => getException(world.pool, id, Date.now());
const stagesOf = async (id: string) => (await listNotices(world.pool, id)).map(({ stage, recipient }) => `${stage} ${recipient}`);

/** Temporal's index may not have heard of the loss yet. */
async function revive(): Promise<void> {
  while ((await reviveExceptions(world.deps)) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('a pending one can still be decided, and nobody is asked twice', async () => {
  await world.insertViolation('i-pending');
  const record = await world.prepare({ resourceId: 'i-pending' });
  const { handle } = await world.request(record);
  const before = await stagesOf(record.id);
  await handle.terminate('lost');
  await revive();
  await world.temporal.client.workflow.getHandle(record.workflowId).executeUpdate(approveException, { args: [approval()] });
  expect(await read(record.id)).toMatchObject({ status: 'approved', approvedBy: 'bob' });
  expect((await stagesOf(record.id)).filter((stage) => !stage.startsWith('approved'))).toEqual(before);
});

test('an approved one still ends, and what it permitted is enforced again', async () => {
  await world.insertViolation('i-approved');
  const record = await world.prepare({ resourceId: 'i-approved', durationDays: null, expiresAt: Date.now() + 6_000 });
  const { handle } = await world.request(record);
  await handle.executeUpdate(approveException, { args: [approval()] });
  const { status } = await read(record.id);
  await handle.terminate('lost');
  await revive();
  const stored = async () =>
    (await world.pool.query<{ status: string }>('select status from exceptions where id = $1', [record.id])).rows[0];
  while ((await stored())?.status === status) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await stored()).toEqual({ status: 'expired' });
});
