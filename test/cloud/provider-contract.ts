import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CloudAction, CloudCommand, Provider, Shard } from '../../src/cloud/provider.js';
import { TollgateError } from '../../src/errors.js';
import type { Resource, ResourceKey } from '../../src/policy/model.js';

/** A provider and the ways to bring about, on its side, what the contract speaks of. */
export interface ContractSubject {
  readonly provider: Provider;
  /** Holds at least seven resources and does not change while the suite runs. */
  readonly quietShard: Shard;
  /** A running instance, of `sizes.from` unless the suite does not care. */
  makeInstance(): Promise<ResourceKey>;
  makeVolume(options: { readonly attached: boolean }): Promise<ResourceKey>;
  readonly sizes: { readonly from: string; readonly to: string; readonly unknown: string; readonly otherArch: string };
  /** Lets as much of the provider's time pass as its transitions take. */
  settle(): Promise<void>;
  /** The next call about the resource fails, once. Absent where nobody can make this provider fail. */
  breakNextRead?(key: ResourceKey): Promise<void>;
  /** Does the next command about the resource and loses the answer. */
  loseNextAnswer?(key: ResourceKey): Promise<void>;
  /** Calls about the account are over its rate until `end` is called. */
  throttle?(account: string): Promise<() => Promise<void>>;
  readonly metrics?: { readonly month: ResourceKey; readonly fewDays: ResourceKey; readonly none: ResourceKey };
  close(): Promise<void>;
}

/** Known before anything is set up, so that what is skipped shows in the titles. */
export interface Abilities {
  readonly capabilities: Provider['capabilities'];
  /** Whether the subject can make the provider fail: `breakNextRead`, `loseNextAnswer`, `throttle`. */
  readonly faults: boolean;
}

const token = (): string => randomUUID();

async function code(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof TollgateError ? error.code : `no TollgateError: ${String(error)}`;
}

async function listAll(provider: Provider, shard: Shard, limit: number): Promise<{ readonly ids: string[]; readonly sizes: number[] }> {
  const ids: string[] = [];
  const sizes: number[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Provider['list']>> = await provider.list(shard, { cursor, limit });
    ids.push(...page.resources.map((resource) => resource.id ?? ''));
    sizes.push(page.resources.length);
    cursor = page.next;
  } while (cursor !== null);
  return { ids, sizes };
}

/** What every provider must do (SPEC §11). A part that a provider cannot do is skipped, and says so in its title. */
export function describeProviderContract(name: string, setup: () => Promise<ContractSubject>, abilities: Abilities): void {
  const can = abilities.capabilities;
  describe(`the provider contract on ${name}`, () => {
    let subject: ContractSubject;
    let provider: Provider;
    beforeAll(async () => {
      subject = await setup();
      ({ provider } = subject);
    });
    afterAll(() => subject.close());

    /** A test of what not every provider can do: skipped, its title says why. */
    const given = (capable: boolean, why: string) => (title: string, work: () => Promise<void>) => {
      const declare = capable ? test : test.skip;
      declare(capable ? title : `${title} (skipped: ${why})`, work);
    };
    const withAction = (...actions: readonly CloudAction[]) =>
      given(
        actions.every((action) => can.actions.includes(action)),
        `${name} cannot ${actions.join(', ')}`,
      );
    const withFaults = given(abilities.faults, `${name} cannot be made to fail`);

    const get = async (key: ResourceKey): Promise<Resource> => {
      const found = await provider.find(key);
      if (found === null) throw new Error(`${key.id} is gone`);
      return found;
    };
    const run = (command: CloudCommand) => provider.execute(command, { idempotencyToken: token() });
    const stopped = async (): Promise<ResourceKey> => {
      const key = await subject.makeInstance();
      await run({ kind: 'stop', key });
      await subject.settle();
      return key;
    };

    test('capabilities are as declared to this suite', () => {
      expect(provider.capabilities).toEqual(can);
    });

    describe('listing', () => {
      test('shards come in one order, none twice, and hold what they say', async () => {
        const shards = await provider.shards();
        expect(await provider.shards()).toEqual(shards);
        expect(new Set(shards.map((shard) => JSON.stringify(shard))).size).toBe(shards.length);
        expect(shards).toContainEqual(subject.quietShard);
        const { resources } = await provider.list(subject.quietShard, { cursor: null, limit: 1 });
        expect(resources[0]).toMatchObject({
          provider: subject.quietShard.provider,
          account: subject.quietShard.account,
          region: subject.quietShard.region,
          type: subject.quietShard.type,
        });
      });

      test('pages of any size give the same resources in the same order, none twice', async () => {
        const whole = await listAll(provider, subject.quietShard, 1_000);
        expect(whole.ids.length).toBeGreaterThanOrEqual(7);
        expect(new Set(whole.ids).size).toBe(whole.ids.length);
        for (const limit of [1, 3, whole.ids.length]) {
          const paged = await listAll(provider, subject.quietShard, limit);
          expect(paged.ids).toEqual(whole.ids);
          expect(paged.sizes.every((size) => size <= limit)).toBe(true);
        }
      });

      test('a page outside 1 to 1,000 is refused', async () => {
        expect(await code(provider.list(subject.quietShard, { cursor: null, limit: 0 }))).toBe('provider-refused');
        expect(await code(provider.list(subject.quietShard, { cursor: null, limit: 1_001 }))).toBe('provider-refused');
      });

      test('a shard that has nothing is an empty page', async () => {
        const page = await provider.list({ ...subject.quietShard, type: 'commitment/reservation' }, { cursor: null, limit: 10 });
        expect(page).toEqual({ resources: [], next: null });
      });

      test('what is listed is what is found', async () => {
        const { resources } = await provider.list(subject.quietShard, { cursor: null, limit: 1 });
        const [listed] = resources;
        expect(await provider.find({ ...subject.quietShard, id: listed?.id ?? '' })).toEqual(listed);
      });
    });

    describe('finding', () => {
      test('what does not exist is null', async () => {
        const key = await subject.makeInstance();
        expect(await provider.find({ ...key, id: `${key.id}00` })).toBeNull();
      });

      withFaults('what cannot be read throws: unreadable is not gone', async () => {
        const key = await subject.makeInstance();
        await subject.breakNextRead?.(key);
        expect(await code(provider.find(key))).toBe('provider-unreachable');
        expect(await provider.find(key)).not.toBeNull();
      });

      test('a call whose signal was aborted is not made', async () => {
        const key = await subject.makeInstance();
        const signal = AbortSignal.abort(new Error('worker is shutting down'));
        await expect(provider.find(key, signal)).rejects.toThrow('worker is shutting down');
        await expect(provider.list(subject.quietShard, { cursor: null, limit: 1 }, signal)).rejects.toThrow('worker is shutting down');
        await expect(provider.execute({ kind: 'stop', key }, { idempotencyToken: token(), signal })).rejects.toThrow(
          'worker is shutting down',
        );
        expect((await get(key)).state).toBe('running');
      });
    });

    describe('metrics', () => {
      given(can.metrics, `${name} has no metrics`)('come in the order of the keys: averages with their days, null for none', async () => {
        if (subject.metrics === undefined) throw new Error('the subject has metrics and names none');
        const { month, fewDays, none } = subject.metrics;
        const [first, second, third, fourth] = await provider.metrics([none, month, fewDays, { ...month, id: 'i-nowhere' }], 7);
        expect(first).toBeNull();
        expect(second?.days).toBe(7);
        expect(second?.avgCpuPercent).not.toBeNull();
        expect(third?.days).toBeLessThan(7);
        expect(fourth).toBeNull();
      });

      given(can.metrics, `${name} has no metrics`)('of more than 500 keys are refused, of none are none', async () => {
        const key = await subject.makeInstance();
        expect(
          await code(
            provider.metrics(
              Array.from({ length: 501 }, () => key),
              7,
            ),
          ),
        ).toBe('provider-refused');
        expect(await provider.metrics([], 7)).toEqual([]);
      });
    });

    describe('tokens', () => {
      withAction('stop')('a repeat changes nothing and answers as the first did', async () => {
        const key = await subject.makeInstance();
        const options = { idempotencyToken: token() };
        const first = await provider.execute({ kind: 'stop', key }, options);
        await subject.settle();
        const second = await provider.execute({ kind: 'stop', key }, options);
        expect(first.changed).toBe(true);
        expect(second).toEqual({ ...first, changed: false });
      });

      withAction('stop', 'start')('a repeat does not undo what happened in between', async () => {
        const key = await subject.makeInstance();
        const options = { idempotencyToken: token() };
        await provider.execute({ kind: 'stop', key }, options);
        await subject.settle();
        await run({ kind: 'start', key });
        await subject.settle();
        await provider.execute({ kind: 'stop', key }, options);
        await subject.settle();
        expect((await get(key)).state).toBe('running');
      });

      withAction('create-snapshot')('calls at the same time under one token make one thing', async () => {
        const key = await subject.makeVolume({ attached: true });
        const options = { idempotencyToken: token() };
        const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => provider.execute({ kind: 'create-snapshot', key }, options)));
        expect(outcomes.filter((outcome) => outcome.changed)).toHaveLength(1);
        expect(new Set(outcomes.map((outcome) => outcome.made['snapshotId'])).size).toBe(1);
      });

      withAction('stop', 'set-tags')('a token that was used with other parameters is refused', async () => {
        const key = await subject.makeInstance();
        const options = { idempotencyToken: token() };
        await provider.execute({ kind: 'set-tags', key, tags: { stage: 'one' } }, options);
        expect(await code(provider.execute({ kind: 'set-tags', key, tags: { stage: 'two' } }, options))).toBe('provider-refused');
        expect(await code(provider.execute({ kind: 'stop', key }, options))).toBe('provider-refused');
        expect(await get(key)).toMatchObject({ state: 'running', tags: { stage: 'one' } });
      });

      withAction('stop')('a token is not spent by a command that failed', async () => {
        const key = await subject.makeInstance();
        const options = { idempotencyToken: token() };
        const command: CloudCommand = { kind: 'resize', key, instanceType: subject.sizes.to };
        expect(await code(provider.execute(command, options))).toBe('provider-refused');
        await run({ kind: 'stop', key });
        await subject.settle();
        expect((await provider.execute(command, options)).changed).toBe(true);
      });

      withFaults('a lost answer is found again under its token', async () => {
        const key = await subject.makeVolume({ attached: true });
        const options = { idempotencyToken: token() };
        await subject.loseNextAnswer?.(key);
        expect(await code(provider.execute({ kind: 'create-snapshot', key }, options))).toBe('provider-unreachable');
        const outcome = await provider.execute({ kind: 'create-snapshot', key }, options);
        expect(outcome.changed).toBe(false);
        expect(await provider.find({ ...key, type: 'storage/snapshot', id: outcome.made['snapshotId'] ?? '' })).not.toBeNull();
      });
    });

    describe('dry run', () => {
      const withDryRun = given(can.dryRun, `${name} has no dry run`);
      withDryRun('says what would change and changes nothing', async () => {
        const key = await subject.makeInstance();
        const before = await get(key);
        const options = { idempotencyToken: token(), dryRun: true };
        expect((await provider.execute({ kind: 'stop', key }, options)).changed).toBe(true);
        expect(
          (await provider.execute({ kind: 'set-tags', key, tags: { a: 'b' } }, { ...options, idempotencyToken: token() })).changed,
        ).toBe(true);
        await subject.settle();
        expect(await get(key)).toEqual(before);
      });

      withDryRun('refuses what the command would refuse', async () => {
        const key = await subject.makeInstance();
        const options = { idempotencyToken: token(), dryRun: true };
        expect(await code(provider.execute({ kind: 'resize', key, instanceType: subject.sizes.to }, options))).toBe('provider-refused');
        expect(await code(provider.execute({ kind: 'stop', key: { ...key, id: `${key.id}00` } }, options))).toBe('not-found');
      });

      withDryRun('does not spend its token', async () => {
        const key = await subject.makeInstance();
        const idempotencyToken = token();
        await provider.execute({ kind: 'stop', key }, { idempotencyToken, dryRun: true });
        expect((await provider.execute({ kind: 'stop', key }, { idempotencyToken })).changed).toBe(true);
      });
    });

    describe('instances', () => {
      withAction('stop', 'start')('stop and start take time, and are done once', async () => {
        const key = await subject.makeInstance();
        await run({ kind: 'stop', key });
        expect((await get(key)).state).toBe('stopping');
        await subject.settle();
        expect((await get(key)).state).toBe('stopped');
        expect((await run({ kind: 'stop', key })).changed).toBe(false);
        await run({ kind: 'start', key });
        expect((await get(key)).state).toBe('pending');
        await subject.settle();
        expect((await get(key)).state).toBe('running');
      });

      withAction('resize')('a resize is refused while it runs, and leaves it as it was', async () => {
        const key = await subject.makeInstance();
        const before = await get(key);
        expect(await code(run({ kind: 'resize', key, instanceType: subject.sizes.to }))).toBe('provider-refused');
        expect(await get(key)).toEqual(before);
      });

      withAction(
        'stop',
        'start',
        'resize',
      )('a stopped instance gets its new size, and runs again', async () => {
        const key = await stopped();
        expect(await run({ kind: 'resize', key, instanceType: subject.sizes.to })).toMatchObject({
          changed: true,
          details: { previousType: subject.sizes.from },
        });
        await run({ kind: 'start', key });
        await subject.settle();
        const offer = provider.offers((await get(key)).region).find(({ instanceType }) => instanceType === subject.sizes.to);
        expect(await get(key)).toMatchObject({
          state: 'running',
          specs: { instanceType: subject.sizes.to, vcpus: offer?.vcpus, memoryGb: offer?.memoryGb },
        });
      });

      withAction('stop', 'resize')('an unknown size and one of another architecture are refused, and it keeps its size', async () => {
        const key = await stopped();
        for (const instanceType of [subject.sizes.unknown, subject.sizes.otherArch]) {
          expect(await code(run({ kind: 'resize', key, instanceType }))).toBe('provider-refused');
        }
        expect(await get(key)).toMatchObject({ state: 'stopped', specs: { instanceType: subject.sizes.from } });
      });

      withAction('terminate')('a terminated instance is gone, and stays so', async () => {
        const key = await subject.makeInstance();
        await run({ kind: 'terminate', key });
        await subject.settle();
        expect(await provider.find(key)).toBeNull();
        expect(await code(run({ kind: 'start', key }))).toBe('not-found');
      });
    });

    describe('tags', () => {
      withAction('set-tags', 'remove-tags')('are added beside those it has, and taken away by key', async () => {
        const key = await subject.makeInstance();
        const before = (await get(key)).tags;
        await run({ kind: 'set-tags', key, tags: { owner: 'dana@company.com', note: '' } });
        expect((await get(key)).tags).toEqual({ ...before, owner: 'dana@company.com', note: '' });
        await run({ kind: 'remove-tags', key, tagKeys: ['owner', 'note', 'never-there'] });
        expect((await get(key)).tags).toEqual(before);
      });

      withAction('set-tags')('up to the limits are taken; one more, a longer key or value are refused and none is set', async () => {
        const { count, keyLength, valueLength } = can.tagLimits;
        const key = await subject.makeInstance();
        const own = Object.keys((await get(key)).tags).length;
        const many = (length: number) => Object.fromEntries(Array.from({ length }, (_, index) => [`tag-${index}`, 'x']));
        for (const tags of [many(count - own + 1), { ['k'.repeat(keyLength + 1)]: 'x' }, { k: 'v'.repeat(valueLength + 1) }]) {
          expect(await code(run({ kind: 'set-tags', key, tags }))).toBe('provider-refused');
        }
        expect(Object.keys((await get(key)).tags)).toHaveLength(own);
        await run({ kind: 'set-tags', key, tags: { ...many(count - own - 1), ['k'.repeat(keyLength)]: 'v'.repeat(valueLength) } });
        expect(Object.keys((await get(key)).tags)).toHaveLength(count);
      });
    });

    describe('volumes', () => {
      withAction('delete')('an attached volume is not deleted', async () => {
        const key = await subject.makeVolume({ attached: true });
        expect(await code(run({ kind: 'delete', key }))).toBe('provider-refused');
        await subject.settle();
        expect(await provider.find(key)).not.toBeNull();
      });

      withAction(
        'create-snapshot',
        'delete',
        'restore-volume',
      )('snapshot, delete, restore gives a volume of the same size and tags', async () => {
        const key = await subject.makeVolume({ attached: false });
        const saved = await get(key);
        const { snapshotId = '' } = (await run({ kind: 'create-snapshot', key })).made;
        await subject.settle();
        await run({ kind: 'delete', key });
        await subject.settle();
        expect(await provider.find(key)).toBeNull();

        const { resourceId = '' } = (await run({ kind: 'restore-volume', key, snapshotId, saved })).made;
        await subject.settle();
        const restored = await get({ ...key, id: resourceId });
        expect(restored).toMatchObject({ name: saved.name, tags: saved.tags, specs: saved.specs, attachedTo: null });
      });

      withAction('create-snapshot')('a snapshot is listed with its account', async () => {
        const key = await subject.makeVolume({ attached: true });
        const { region } = await get(key);
        const { snapshotId } = (await run({ kind: 'create-snapshot', key })).made;
        const shard = { provider: key.provider, account: key.account, region: region ?? '', type: 'storage/snapshot' };
        expect((await listAll(provider, shard, 1_000)).ids).toContain(snapshotId);
      });

      withAction('restore-volume')('a restore from no snapshot is not found', async () => {
        const key = await subject.makeVolume({ attached: false });
        expect(await code(run({ kind: 'restore-volume', key, snapshotId: 'snap-0', saved: await get(key) }))).toBe('not-found');
      });
    });

    describe('limits', () => {
      withFaults('calls over the rate of their account are throttled, and only those', async () => {
        const key = await subject.makeInstance();
        const end = await subject.throttle?.(key.account);
        expect(await code(provider.find(key))).toBe('throttled');
        expect(await code(run({ kind: 'stop', key }))).toBe('throttled');
        expect(await listAll(provider, subject.quietShard, 1_000)).toBeDefined();
        await end?.();
        expect((await get(key)).state).toBe('running');
      });
    });

    describe('prices', () => {
      test('of what is not known are null, never zero', () => {
        const price = provider.price({ type: 'compute/instance', region: 'us-east-1', specs: { instanceType: subject.sizes.unknown } });
        expect(price).toEqual({ hourly: null, monthly: null, source: 'none' });
      });

      test('of every offer that has one are those of its size', () => {
        const offers = provider.offers('us-east-1').filter((offer) => offer.hourly !== null);
        for (const { instanceType, hourly } of offers) {
          expect(provider.price({ type: 'compute/instance', region: 'us-east-1', specs: { instanceType } }).hourly).toBe(hourly);
        }
      });
    });
  });
}
