import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tell } from '../../src/activities/exception.js';
import { beginRemediations } from '../../src/activities/scan-enforce.js';
import { DAY, HOUR } from '../../src/policy/durations.js';
import { transaction } from '../../src/store/db.js';
import { getException } from '../../src/store/exceptions.js';
import { listNotices } from '../../src/store/outbox.js';
import {
  accrueExceptionCosts,
  listCapsToTell,
  listEndedRemediations,
  listEndingExceptions,
  noteCompliance,
} from '../../src/store/scan-enforcement.js';
import { closeViolation } from '../../src/store/violations.js';
import { ACCOUNT, createScanWorld, putException, putRemediation, type ScanWorld, settings } from './scan-world.js';

let world: ScanWorld;
beforeEach(async () => {
  world = await createScanWorld();
  await world.instance('i-big', 32);
});
afterEach(() => world.close());

const used = async (id: string) => {
  const { rows } = await world.pool.query<{ used_money: string; used_uses: number; uses: number }>(
    'select used_money, used_uses, (select count(*) from exception_uses where exception_id = id) as uses from exceptions where id = $1',
    [id],
  );
  return rows[0];
};

test('an exception is charged what its resource costs, once per scan, from the moment it covers it', async () => {
  const id = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now(), capMoney: '2.00' });
  const first = await world.scan();
  await accrueExceptionCosts(world.pool, first.scanId, world.now());
  expect(await used(id)).toMatchObject({ uses: 1, used_uses: 0 });
  expect(Number((await used(id))?.used_money)).toBe(0);
  world.pass(3 * HOUR);
  const second = await world.scan();
  for (const _ of ['first', 'repeated']) await accrueExceptionCosts(world.pool, second.scanId, world.now());
  expect(await used(id)).toMatchObject({ used_money: '1.500000', uses: 2 });
  expect(await listEndingExceptions(world.pool, 0)).toEqual([]);
  world.pass(HOUR);
  await accrueExceptionCosts(world.pool, (await world.scan()).scanId, world.now());
  expect(await used(id)).toMatchObject({ used_money: '2.000000', uses: 3 });
  expect(await listEndingExceptions(world.pool, 0)).toEqual([{ workflowId: id, reason: 'cap' }]);
});

test('half and four fifths of a cap are told once each, to the requester and the approver', async () => {
  const id = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now(), capMoney: '10.00' });
  const told = async () => (await listNotices(world.pool, id)).map(({ stage, recipient }) => `${stage} ${recipient}`).sort();
  const stages: string[][] = [];
  for (const use of ['4.99', '5.00', '5.50', '8.00', '9.99']) {
    await world.pool.query('update exceptions set used_money = $1', [use]);
    for (const { stage } of await listCapsToTell(world.pool)) {
      await tell({ now: world.now }, world.pool, await getException(world.pool, id, world.now()), stage, null);
    }
    stages.push(await told());
  }
  const half = ['cap-half bob@company.com', 'cap-half dana@company.com'];
  const both = [...half, 'cap-near bob@company.com', 'cap-near dana@company.com'];
  expect(stages).toEqual([[], half, half, both, both]);
});

test('an exception ends when its resource is gone', async () => {
  const id = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  await world.scan();
  expect(await listEndingExceptions(world.pool, 0)).toEqual([]);
  await world.admin.removeResource({ account: ACCOUNT, type: 'compute/instance', id: 'i-big' });
  world.pass(HOUR);
  await world.scan();
  expect(await listEndingExceptions(world.pool, 0)).toEqual([{ workflowId: id, reason: 'resource_gone' }]);
});

test('an exception ends when its resource has been compliant without a break for long enough', async () => {
  const id = await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  const scanWith = async (vcpus: number, after = DAY) => {
    world.pass(after);
    await world.admin.changeResource({ account: ACCOUNT, type: 'compute/instance', id: 'i-big' }, { specs: { vcpus } });
    await noteCompliance(world.pool, (await world.scan()).scanId, world.now());
    return listEndingExceptions(world.pool, world.now() - 30 * DAY);
  };
  expect(await scanWith(32)).toEqual([]);
  expect(await scanWith(8)).toEqual([]);
  expect(await scanWith(32, 29 * DAY)).toEqual([]);
  expect(await scanWith(8)).toEqual([]);
  expect(await scanWith(8, 29 * DAY)).toEqual([]);
  expect(await scanWith(8)).toEqual([{ workflowId: id, reason: 'compliant' }]);
});

test('remediations whose violation has ended are told, those that act are not', async () => {
  for (const id of ['i-gone', 'i-excepted', 'i-acting', 'i-open']) await world.instance(id, 32);
  await world.scan();
  for (const id of ['i-gone', 'i-excepted', 'i-acting', 'i-open']) {
    const [violation] = await world.violations(id);
    if (violation !== undefined) await putRemediation(world.pool, violation, { phase: id === 'i-acting' ? 'acting' : 'grace' });
  }
  await putException(world.pool, { resourceId: 'i-excepted', approvedAt: world.now() });
  for (const id of ['i-gone', 'i-acting']) await world.admin.removeResource({ account: ACCOUNT, type: 'compute/instance', id });
  world.pass(HOUR);
  await world.scan();
  const [acting] = await world.violations('i-acting');
  expect(acting?.status).toBe('open');
  await closeViolation(world.pool, acting?.id ?? '', 'resolved', 'compliant', world.now());
  const told = await listEndedRemediations(world.pool, '', 100);
  expect(told.map(({ result, reason }) => [result, reason]).sort()).toEqual([
    ['excepted', null],
    ['resolved', 'gone'],
  ]);
});

test('every remediation of a scan has its row before the first workflow starts, also with more than one batch', async () => {
  const rowsAtStart: number[] = [];
  const counting = {
    start: async () => {
      rowsAtStart.push((await world.pool.query<{ count: number }>('select count(*) from remediations')).rows[0]?.count ?? 0);
      return 'a run';
    },
  };
  for (let index = 0; index < 120; index += 1) await world.instance(`i-${100 + index}`, 32);
  const { scanId } = await world.scan();
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const temporal = new Client({ connection, interceptors: { workflow: [counting] } });
  const deps = { pool: world.pool, temporal, taskQueue: 'none', settings, now: world.now };
  expect(await beginRemediations(deps, scanId)).toBe(121);
  expect(rowsAtStart).toEqual(Array.from({ length: 121 }, () => 121));
});

test('counting costs and moving an exception never wait for each other in a circle', async () => {
  await putException(world.pool, { resourceId: 'i-big', approvedAt: world.now() });
  const { scanId } = await world.scan();
  const [violation] = await world.violations('i-big');
  world.pass(HOUR);
  // As who moves an exception: first the exception, then its violations.
  const moved = transaction(world.pool, async (db) => {
    await db.query('select id from exceptions for update');
    const accrued = accrueExceptionCosts(world.pool, scanId, world.now());
    await untilLocked();
    await db.query(`update violations set exception_id = exception_id where id = $1`, [violation?.id]);
    return { accrued };
  });
  await (await moved).accrued;
  expect(await used(violation?.exceptionId ?? '')).toMatchObject({ uses: 1 });
});

/** Resolves when somebody waits for a lock. */
async function untilLocked(): Promise<void> {
  const waiting = () => world.pool.query(`select from pg_locks where not granted`);
  while ((await waiting()).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
