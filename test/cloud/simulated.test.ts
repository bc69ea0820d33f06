import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLOUD_ACTIONS } from '../../src/cloud/provider.js';
import { changeBody, createBody, faultBody, settingsBody } from '../../src/cloud/simulated/admin-bodies.js';
import { TAG_LIMITS } from '../../src/cloud/simulated/commands.js';
import { createSimulatedProvider } from '../../src/cloud/simulated/provider.js';
import { DAY, SECOND } from '../../src/policy/durations.js';
import type { ResourceKey } from '../../src/policy/model.js';
import { type ContractSubject, describeProviderContract } from './provider-contract.js';
import { createTestCloud, type TestCloud, TRANSITION_MS } from './simulated-cloud.js';

const ACCOUNT = '111122223333';
const QUIET = { provider: 'simulated', account: '444455556666', region: 'eu-west-1', type: 'storage/bucket' };
const key = (type: string, id: string): ResourceKey => ({ provider: 'simulated', account: ACCOUNT, type, id });

async function contractSubject(): Promise<ContractSubject> {
  const cloud = await createTestCloud();
  const { admin } = cloud;
  let made = 0;
  async function make(type: string, more: object): Promise<ResourceKey> {
    made += 1;
    const id = `res-${made}`;
    await admin.createResource(createBody.parse({ account: ACCOUNT, type, id, tags: { Name: id }, ...more }));
    return key(type, id);
  }
  const instance = (more: object = {}) => make('compute/instance', { specs: { instance_type: 'm5.xlarge' }, ...more });
  for (let index = 0; index < 9; index += 1) {
    await admin.createResource(
      createBody.parse({ account: QUIET.account, region: QUIET.region, type: QUIET.type, id: `b-${(index * 7) % 10}` }),
    );
  }
  const metrics = (days: number) => instance({ metrics: { avg_cpu_percent: 12.5, avg_network_bytes_per_day: 5_000_000, days } });
  return {
    provider: cloud.provider,
    quietShard: QUIET,
    makeInstance: () => instance(),
    makeVolume: ({ attached }) =>
      make('storage/volume', {
        name: 'data',
        specs: { size_gb: 100, instance_type: 'gp3', volume_type: 'ssd' },
        ...(attached ? { state: 'in-use', attached_to: 'i-host' } : { detached_at: '2026-07-01T00:00:00Z' }),
      }),
    sizes: { from: 'm5.xlarge', to: 'm5.large', unknown: 'm5.huge', otherArch: 'm6g.large' },
    settle: () => Promise.resolve(cloud.pass(TRANSITION_MS)),
    breakNextRead: async ({ id }) => {
      await admin.setFault(faultBody.parse({ kind: 'unreachable', api: 'find', resource_id: id, times: 1 }));
    },
    loseNextAnswer: async ({ id }) => {
      await admin.setFault(faultBody.parse({ kind: 'lost-answer', resource_id: id, times: 1 }));
    },
    throttle: async (account) => {
      const fault = await admin.setFault(faultBody.parse({ kind: 'throttle', account }));
      return async () => {
        await admin.clearFaults(fault.id);
      };
    },
    metrics: { month: await metrics(30), fewDays: await metrics(3), none: await instance() },
    close: () => cloud.close(),
  };
}

describeProviderContract('the simulated cloud', contractSubject, {
  capabilities: { actions: CLOUD_ACTIONS, dryRun: true, metrics: true, snapshots: true, tagLimits: TAG_LIMITS },
  faults: true,
});

describe('the simulated cloud', () => {
  let cloud: TestCloud;
  let instances = 0;
  beforeAll(async () => {
    cloud = await createTestCloud();
  });
  afterAll(() => cloud.close());
  beforeEach(async () => {
    await cloud.admin.clearFaults();
    await cloud.admin.setSettings({ latency_ms: 0, reads_burst: 400, reads_per_second: 200, writes_burst: 200, writes_per_second: 100 });
  });

  async function makeInstance(more: object = {}): Promise<ResourceKey> {
    instances += 1;
    const id = `i-${instances}`;
    await cloud.admin.createResource(
      createBody.parse({ account: ACCOUNT, type: 'compute/instance', id, specs: { instance_type: 'm5.xlarge' }, ...more }),
    );
    return key('compute/instance', id);
  }
  const stop = (target: ResourceKey, idempotencyToken: string) =>
    cloud.provider.execute({ kind: 'stop', key: target }, { idempotencyToken });

  /** Returns once so many sessions of this database wait for a lock. */
  async function waitingSessions(count: number): Promise<void> {
    const waiting = `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    for (;;) {
      const result = await cloud.pool.query<{ count: number }>(waiting);
      if ((result.rows[0]?.count ?? 0) >= count) return;
    }
  }

  describe('rate limits', () => {
    test('a burst is let through to the last, the next call is throttled, and a second refills a second', async () => {
      const target = await makeInstance();
      await cloud.admin.setSettings({ reads_burst: 3, reads_per_second: 2 });
      const finds = (count: number) => Promise.allSettled(Array.from({ length: count }, () => cloud.provider.find(target)));
      const passed = async (count: number) => (await finds(count)).filter(({ status }) => status === 'fulfilled').length;
      expect(await passed(5)).toBe(3);
      cloud.pass(SECOND);
      expect(await passed(5)).toBe(2);
      cloud.pass(3_600 * SECOND);
      expect(await passed(5)).toBe(3);
    });

    test('hold for all processes together: two providers share one bucket', async () => {
      const target = await makeInstance();
      await cloud.admin.setSettings({ writes_burst: 3, writes_per_second: 1 });
      const second = createSimulatedProvider({ pool: cloud.pool, catalog: cloud.catalog, clock: () => cloud.now() });
      const calls = [1, 2, 3, 4, 5, 6].map((index) =>
        (index % 2 === 0 ? cloud.provider : second).execute(
          { kind: 'set-tags', key: target, tags: { index: `${index}` } },
          { idempotencyToken: `share-${index}` },
        ),
      );
      const results = await Promise.allSettled(calls);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    });

    test('are counted by account: another account is not held up', async () => {
      const target = await makeInstance();
      await cloud.admin.createResource(createBody.parse({ account: '999900001111', type: 'compute/instance', id: 'i-elsewhere' }));
      await cloud.admin.setSettings({ reads_burst: 1, reads_per_second: 0.001 });
      await cloud.provider.find(target);
      await expect(cloud.provider.find(target)).rejects.toMatchObject({ code: 'throttled' });
      expect(await cloud.provider.find({ ...target, account: '999900001111', id: 'i-elsewhere' })).not.toBeNull();
    });
  });

  describe('faults', () => {
    test('hit only what they match, as often as they say', async () => {
      const [first, second] = [await makeInstance(), await makeInstance()];
      await cloud.admin.setFault(faultBody.parse({ kind: 'error', api: 'stop', resource_id: first.id, times: 2, message: 'no capacity' }));
      await expect(stop(first, 'f1')).rejects.toMatchObject({ code: 'provider-refused', message: 'no capacity' });
      expect((await stop(second, 'f2')).changed).toBe(true);
      await expect(stop(first, 'f1')).rejects.toThrow('no capacity');
      expect((await stop(first, 'f1')).changed).toBe(true);
    });

    test('latency adds up and delays, and the call is then done', async () => {
      const target = await makeInstance();
      await cloud.admin.setSettings({ latency_ms: 40 });
      await cloud.admin.setFault(faultBody.parse({ kind: 'latency', latency_ms: 500, type: 'compute/instance' }));
      cloud.slept.length = 0;
      expect(await cloud.provider.find(target)).not.toBeNull();
      expect(cloud.slept).toEqual([540]);
    });

    test('latency ends with its signal', async () => {
      const target = await makeInstance();
      await cloud.admin.setSettings({ latency_ms: 60_000 });
      const patient = createSimulatedProvider({ pool: cloud.pool, catalog: cloud.catalog, clock: () => cloud.now() });
      const abort = new AbortController();
      const found = patient.find(target, abort.signal);
      abort.abort();
      await expect(found).rejects.toMatchObject({ name: 'AbortError' });
    });

    test('a failing shard leaves the others readable', async () => {
      const target = await makeInstance();
      await cloud.admin.setFault(
        faultBody.parse({ kind: 'unreachable', api: 'list', account: ACCOUNT, region: 'us-east-1', type: 'compute/instance' }),
      );
      const shard = { provider: 'simulated', account: ACCOUNT, region: 'us-east-1', type: 'compute/instance' };
      const page = { cursor: null, limit: 10 };
      await expect(cloud.provider.list(shard, page)).rejects.toMatchObject({ code: 'provider-unreachable' });
      await expect(cloud.provider.list({ ...shard, type: 'storage/volume' }, page)).resolves.toBeDefined();
      expect(await cloud.provider.find(target)).not.toBeNull();
    });
  });

  describe('what a command does', () => {
    test('is logged once for each token, with how often it was repeated', async () => {
      const target = await makeInstance();
      for (let index = 0; index < 3; index += 1) await stop(target, 'once');
      await stop(target, 'again');
      expect(await cloud.admin.listCalls(target.id)).toMatchObject([
        { kind: 'stop', token: 'once', changed: true, repeats: 2 },
        { kind: 'stop', token: 'again', changed: false, repeats: 0 },
      ]);
    });

    test('is done once for one token, however two calls meet', async () => {
      const target = await makeInstance();
      const holder = await cloud.pool.connect();
      await holder.query('begin');
      await holder.query('select 1 from simulated.resources where id = $1 for update', [target.id]);
      const calls = [stop(target, 'meeting'), stop(target, 'meeting')];
      await waitingSessions(2);
      await holder.query('commit');
      holder.release();
      expect((await Promise.all(calls)).filter(({ changed }) => changed)).toHaveLength(1);
      expect(await cloud.admin.listCalls(target.id)).toMatchObject([{ token: 'meeting', changed: true, repeats: 1 }]);
    });

    test('a stopped instance costs nothing and a resized one its new price; at its billed size the bill holds', async () => {
      const target = await makeInstance();
      expect((await cloud.provider.find(target))?.cost).toEqual({ hourly: '0.192', monthly: '140.16', source: 'price-list' });
      await cloud.pool.query(`update simulated.resources set bill = $2, cost = $2::jsonb->'cost' where id = $1`, [
        target.id,
        JSON.stringify({ instanceType: 'm5.xlarge', cost: { hourly: '0.15', monthly: '109.50', source: 'bill' } }),
      ]);
      await stop(target, 'cost-stop');
      cloud.pass(TRANSITION_MS);
      expect((await cloud.provider.find(target))?.cost.hourly).toBe('0');
      const resize = (instanceType: string) =>
        cloud.provider.execute({ kind: 'resize', key: target, instanceType }, { idempotencyToken: `cost-${instanceType}` });
      await resize('m5.large');
      await cloud.provider.execute({ kind: 'start', key: target }, { idempotencyToken: 'cost-start' });
      expect((await cloud.provider.find(target))?.cost).toEqual({ hourly: '0.096', monthly: '70.08', source: 'price-list' });
      await stop(target, 'cost-stop-2');
      cloud.pass(TRANSITION_MS);
      await resize('m5.xlarge');
      await cloud.provider.execute({ kind: 'start', key: target }, { idempotencyToken: 'cost-start-2' });
      expect((await cloud.provider.find(target))?.cost).toEqual({ hourly: '0.15', monthly: '109.50', source: 'bill' });
    });

    test('terminating an instance leaves its volumes, unattached from then on', async () => {
      const target = await makeInstance();
      await cloud.admin.createResource(
        createBody.parse({ account: ACCOUNT, type: 'storage/volume', id: 'vol-left', state: 'in-use', attached_to: target.id }),
      );
      await cloud.provider.execute({ kind: 'terminate', key: target }, { idempotencyToken: 'terminate' });
      expect(await cloud.provider.find(key('storage/volume', 'vol-left'))).toMatchObject({
        state: 'available',
        attachedTo: null,
        detachedAt: cloud.now(),
      });
    });

    test('metrics grow by a day a day, and are asked for at most as long as they are there', async () => {
      const target = await makeInstance({ metrics: { avg_cpu_percent: 1, avg_network_bytes_per_day: 10, days: 6 } });
      const days = async () => (await cloud.provider.metrics([target], 7))[0]?.days;
      expect(await days()).toBe(6);
      cloud.pass(DAY - 1);
      expect(await days()).toBe(6);
      cloud.pass(1);
      expect(await days()).toBe(7);
      cloud.pass(10 * DAY);
      expect(await days()).toBe(7);
    });
  });

  test('a listing shows what is there from first to last page once, whatever comes and goes meanwhile', async () => {
    const shard = { provider: 'simulated', account: '222200001111', region: 'us-east-1', type: 'storage/bucket' };
    const make = (id: string) => cloud.admin.createResource(createBody.parse({ account: shard.account, type: shard.type, id }));
    for (const id of ['b', 'd', 'f', 'h']) await make(id);
    const first = await cloud.provider.list(shard, { cursor: null, limit: 2 });
    await cloud.admin.removeResource({ ...shard, id: 'd' });
    await make('a');
    const second = await cloud.provider.list(shard, { cursor: first.next, limit: 2 });
    expect([...first.resources, ...second.resources].map(({ id }) => id)).toEqual(['b', 'd', 'f', 'h']);
    expect(second.next).toBeNull();
  });

  test('a database is stopped, resized to a class of databases only, and started', async () => {
    await cloud.admin.createResource(
      createBody.parse({
        account: ACCOUNT,
        type: 'database/instance',
        id: 'db-1',
        specs: { instance_type: 'db.m5.2xlarge', storage_gb: 100 },
      }),
    );
    const target = key('database/instance', 'db-1');
    await stop(target, 'db-stop');
    cloud.pass(TRANSITION_MS);
    const resize = (instanceType: string) =>
      cloud.provider.execute({ kind: 'resize', key: target, instanceType }, { idempotencyToken: instanceType });
    await expect(resize('m5.large')).rejects.toMatchObject({ code: 'provider-refused' });
    await resize('db.m5.large');
    expect(await cloud.provider.find(target)).toMatchObject({ specs: { instanceType: 'db.m5.large', vcpus: 2, storageGb: 100 } });
  });

  describe('an engineer', () => {
    test.each([
      ['a fault of no kind', faultBody, { kind: 'flood' }],
      ['a fault that never hits', faultBody, { kind: 'error', probability: 0 }],
      ['a misspelt key', faultBody, { kind: 'error', acount: ACCOUNT }],
      ['a minute of latency and more', settingsBody, { latency_ms: 60_001 }],
      ['a burst that no counter holds', settingsBody, { reads_burst: 2_147_483_648 }],
      ['a size that is no size', changeBody, { specs: { size_gb: 1e300 } }],
      ['a type without a family', createBody, { account: ACCOUNT, type: 'instance', id: 'i' }],
      ['a cost as a number', changeBody, { hourly_cost: 0.1 }],
      ['a time without a zone', changeBody, { detached_at: '2026-07-01T00:00:00' }],
      ['a tag value that is too long', changeBody, { tags: { owner: 'x'.repeat(257) } }],
    ])('cannot give %s', (_, schema, body) => {
      expect(schema.safeParse(body).success).toBe(false);
    });

    test('fixes a resource: tags, size and state are as said, the price follows the size', async () => {
      const target = await makeInstance({ tags: { owner: 'dana@company.com', stray: 'x' } });
      const changed = await cloud.admin.changeResource(
        target,
        changeBody.parse({
          tags: { project: 'alpha', stray: null },
          specs: { instance_type: 'm5.large' },
          state: 'stopped',
          attached_to: null,
        }),
      );
      expect(changed).toMatchObject({
        state: 'stopped',
        tags: { owner: 'dana@company.com', project: 'alpha' },
        specs: { vcpus: 2, memoryGb: 8, instanceType: 'm5.large' },
      });
      expect(Object.keys(changed.tags)).not.toContain('stray');
    });

    test('removes a resource: it is gone, and its id is free', async () => {
      const target = await makeInstance();
      await cloud.admin.removeResource(target);
      expect(await cloud.provider.find(target)).toBeNull();
      await expect(cloud.admin.removeResource(target)).rejects.toMatchObject({ code: 'not-found' });
      await cloud.admin.createResource(createBody.parse({ account: ACCOUNT, type: 'compute/instance', id: target.id }));
      await expect(
        cloud.admin.createResource(createBody.parse({ account: ACCOUNT, type: 'compute/instance', id: target.id })),
      ).rejects.toMatchObject({ code: 'conflict' });
    });
  });
});
