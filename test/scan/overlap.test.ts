import { afterEach, beforeEach, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../src/policy/durations.js';
import { findInventory } from '../../src/store/inventory.js';
import { reopenAfterUndo } from '../../src/store/remediation-writes.js';
import { getScan } from '../../src/store/scans.js';
import { closeViolation } from '../../src/store/violations.js';
import { ACCOUNT, createScanWorld, inShort, putException, type ScanWorld } from './scan-world.js';

let world: ScanWorld;
/** Runs once, between the read of a page and what follows. */
let afterPage: (() => Promise<unknown>) | undefined;
const BIG = { account: ACCOUNT, type: 'compute/instance', id: 'i-1' };

beforeEach(async () => {
  afterPage = undefined;
  world = await createScanWorld((deps) => {
    const provider = deps.providers.get('simulated');
    const list: typeof provider.list = async (...call) => {
      const page = await provider.list(...call);
      const act = afterPage;
      afterPage = undefined;
      await act?.();
      return page;
    };
    return { ...deps, providers: { names: ['simulated'], get: () => ({ ...provider, list }) } };
  });
  for (const id of ['i-1', 'i-2', 'i-3']) await world.instance(id, 32);
});
afterEach(() => world.close());

const episodes = async () => (await world.violations('i-1')).map(inShort);

test('a scan that began to list before another has reconciled changes nothing any more', async () => {
  const old = await world.open();
  const [shard = ''] = old.shards;
  afterPage = async () => {
    world.pass(MINUTE);
    await world.admin.changeResource(BIG, { specs: { vcpus: 8 } });
    await world.scan();
    world.pass(MINUTE);
  };
  expect(await world.read(old.scanId, shard)).toMatchObject({ violations: 3, violationsNew: 0, violationsResolved: 0 });
  expect(await episodes()).toEqual([]);
  expect((await findInventory(world.pool, 'i-1'))?.resource.specs.vcpus).toBe(8);
});

test('a resource that another scan has seen since, and not reconciled yet, is not gone for the one that missed it', async () => {
  await world.scan();
  world.pass(HOUR);
  const { scanId, shards } = await world.open();
  await world.admin.removeResource(BIG);
  afterPage = async () => {
    await world.instance('i-1', 32);
    world.pass(MINUTE);
    const other = await world.open();
    afterPage = () => world.admin.setFault({ kind: 'error', api: 'list', latency_ms: 0, probability: 1 });
    await expect(world.read(other.scanId, other.shards[0] ?? '', 1)).rejects.toThrow('injected fault');
    await world.admin.clearFaults();
  };
  await world.read(scanId, shards[0] ?? '');
  expect((await findInventory(world.pool, 'i-1'))?.goneAt).toBeNull();
  expect(await episodes()).toEqual(['1 open']);
});

test('what a remediation has ended after the page was read is not opened again by it', async () => {
  await world.scan();
  world.pass(HOUR);
  afterPage = async () => {
    world.pass(MINUTE);
    const [violation] = await world.violations('i-1');
    await closeViolation(world.pool, violation?.id ?? '', 'remediated', 'remediated', world.now());
    world.pass(MINUTE);
  };
  await world.scan();
  expect(await episodes()).toEqual(['1 remediated (remediated)']);
});

test.each(['gone', 'compliant'])(
  'a scan that listed a resource as %s before an undo does not end what the undo brought back',
  async (was) => {
    await world.scan();
    world.pass(HOUR);
    const [violation] = await world.violations('i-1');
    await closeViolation(world.pool, violation?.id ?? '', 'remediated', 'remediated', world.now());
    await (was === 'gone' ? world.admin.removeResource(BIG) : world.admin.changeResource(BIG, { specs: { vcpus: 8 } }));
    afterPage = async () => {
      world.pass(MINUTE);
      await (was === 'gone' ? world.instance('i-1', 32) : world.admin.changeResource(BIG, { specs: { vcpus: 32 } }));
      await reopenAfterUndo(world.pool, violation?.id ?? '', 'i-1', world.now());
      world.pass(MINUTE);
    };
    await world.scan();
    expect(await episodes()).toEqual(['1 open']);
    expect((await findInventory(world.pool, 'i-1'))?.goneAt).toBeNull();
  },
);

test('an exception approved after the page was read is not overruled by it', async () => {
  await world.scan();
  world.pass(HOUR);
  afterPage = async () => {
    world.pass(MINUTE);
    const exceptionId = await putException(world.pool, { resourceId: 'i-1', approvedAt: world.now() });
    await world.pool.query(`update violations set status = 'excepted', exception_id = $1 where resource_id = 'i-1'`, [exceptionId]);
    world.pass(MINUTE);
  };
  await world.scan();
  expect(await episodes()).toEqual(['1 excepted']);
});

test('an exception that ended after the page was read permits nothing any more', async () => {
  await putException(world.pool, { resourceId: 'i-1', approvedAt: world.now(), expiresAt: world.now() + MINUTE });
  afterPage = () => Promise.resolve(world.pass(MINUTE));
  await world.scan();
  expect(await episodes()).toEqual(['1 open']);
});

test('a policy that was archived after the page was read opens nothing', async () => {
  afterPage = () => world.pool.query(`update policies set active_version = null, status = 'archived' where name = 'sizes'`);
  expect(await world.scan()).toMatchObject({ status: 'completed', violationsFound: 0 });
  expect(await episodes()).toEqual([]);
});

test('a retry goes on behind the last stored page and counts no page twice', async () => {
  const { scanId, shards } = await world.open();
  const [shard = ''] = shards;
  afterPage = () => world.admin.setFault({ kind: 'error', api: 'list', latency_ms: 0, probability: 1 });
  await expect(world.read(scanId, shard, 2)).rejects.toThrow('injected fault');
  expect(await getScan(world.pool, scanId)).toMatchObject({ pages: 1, resourcesScanned: 2, violationsFound: 2 });
  await world.admin.clearFaults();
  expect(await world.read(scanId, shard, 2)).toMatchObject({ pages: 2, resources: 3, violations: 3, violationsNew: 3 });
});

test('of two attempts that read the same page one goes on and the other stops', async () => {
  const { scanId, shards } = await world.open();
  const [shard = ''] = shards;
  afterPage = async () => {
    afterPage = () => world.admin.setFault({ kind: 'error', api: 'list', latency_ms: 0, probability: 1 });
    await expect(world.read(scanId, shard, 2)).rejects.toThrow('injected fault');
    await world.admin.clearFaults();
  };
  await expect(world.read(scanId, shard, 2)).rejects.toThrow('somebody else reads');
  expect(await getScan(world.pool, scanId)).toMatchObject({ pages: 1, resourcesScanned: 2 });
  expect(await world.read(scanId, shard, 2)).toMatchObject({ pages: 2, resources: 3, violations: 3, violationsNew: 3 });
});

test('when a crash of the database loses what was found, the shard is read again instead of resolving it', async () => {
  await world.scan();
  world.pass(HOUR);
  const { scanId, shards } = await world.open();
  const [shard = ''] = shards;
  // Unlogged tables are empty after a crash, all of them together.
  const crash = () => world.pool.query('truncate scan_findings, scan_unknowns, scan_cursors');
  afterPage = async () => {
    afterPage = crash;
  };
  await expect(world.read(scanId, shard, 2)).rejects.toThrow('gave it up');
  expect(await world.read(scanId, shard, 2)).toMatchObject({
    pages: 2,
    resources: 3,
    violations: 3,
    violationsNew: 0,
    violationsResolved: 0,
  });
});
