import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR } from '../../src/policy/durations.js';
import { accrueExceptionCosts, listEndedRemediations, listEndingExceptions, noteCompliance } from '../../src/store/scan-enforcement.js';
import { closeViolation } from '../../src/store/violations.js';
import { ACCOUNT, createScanWorld, putException, putRemediation, type ScanWorld } from './scan-world.js';

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
