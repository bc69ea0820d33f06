/** Caps on the uses of exceptions hold over requests, resources and processes, to the last use. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { newId } from '../../src/ids.js';
import { insertPolicy } from '../store/fixtures.js';
import { createDatabaseProxy } from '../support/database-proxy.js';
import { type Api, createWorld, read, until, type World } from './world.js';

let world: World;
let other: Api;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  other = await world.another();
});
afterAll(() => world.close());
beforeEach(() => world.database.pool.query('delete from exception_uses; delete from exceptions'));

const TEAM = { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com', project: 'shop' };
const big = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  account: '1',
  region: 'us-east-1',
  tags: TEAM,
  specs: { vcpus: 32 },
};

/** An approved exception to the size limit for all that a project asks for. */
async function except(uses: number | null, apis: readonly Api[] = [other], project = 'shop'): Promise<void> {
  const id = newId('exc');
  const target = { kind: 'selector', tags: { project }, account: null };
  await world.database.pool.query(
    `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, requested_by, requested_at, approvers, cap_uses, workflow_id)
     values ($3, 'permanent', 'approved', $1, 'resource-limits', 'max-instance-size', 'because', 'dana@company.com', now(), '{}', $2, 'exception/x')`,
    [target, uses, id],
  );
  // Each process learns of it by itself.
  for (const api of [world, ...apis]) {
    await until(
      () => evaluate(api, { ...big, tags: { ...TEAM, project }, dry_run: true }),
      ({ exceptions_applied }) => exceptions_applied[0]?.id === id,
    );
  }
}

async function used(): Promise<{ used_uses: number; logged: number }> {
  const { rows } = await world.database.pool.query<{ used_uses: number; logged: number }>(
    'select used_uses, (select count(*) from exception_uses where exception_id = id) as logged from exceptions',
  );
  return rows[0] ?? { used_uses: -1, logged: -1 };
}

const evaluate = async (api: Pick<Api, 'ask'>, body: object) => read(decisionSchema, await api.ask('POST', '/v1/evaluate', { body }));

test('many requests at once to two processes never use a capped exception more often than its cap', async () => {
  await except(7);
  const decisions = await Promise.all(
    Array.from({ length: 40 }, (_, index) => evaluate(index % 2 === 0 ? world : other, { ...big, name: `web-${index}` })),
  );
  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(7);
  expect(decisions.filter(({ exceptions_applied }) => exceptions_applied.length > 0)).toHaveLength(7);
  expect(await used()).toEqual({ used_uses: 7, logged: 7 });
});

test('a plan that needs more uses than are left is denied, and uses none', async () => {
  await except(2);
  const { type, name: _, tags, specs, ...target } = big;
  const plan = { ...target, resources: ['a', 'b', 'c'].map((each) => ({ type, name: each, tags, specs })) };
  const decision = await evaluate(world, plan);
  expect(decision.decision).toBe('deny');
  expect(decision.violations.map(({ resource_id }) => resource_id)).toEqual(['c']);
  expect(await used()).toEqual({ used_uses: 0, logged: 0 });
});

test('a denial for another reason and a dry run use nothing up', async () => {
  await except(2);
  expect((await evaluate(world, { ...big, tags: { ...TEAM, owner: '' } })).decision).toBe('deny');
  expect((await evaluate(world, { ...big, dry_run: true })).decision).not.toBe('deny');
  expect(await used()).toEqual({ used_uses: 0, logged: 0 });
});

test.each([null, 5])('repeats of one deployment count once, with a cap of %s', async (cap) => {
  await except(cap);
  for (const api of [world, other, world]) expect((await evaluate(api, { ...big, idempotency_key: 'build-1' })).allowed).toBe(true);
  expect(await used()).toEqual({ used_uses: 1, logged: 1 });
  await evaluate(world, { ...big, name: 'another', idempotency_key: 'build-1' });
  await evaluate(world, { ...big, idempotency_key: 'build-2' });
  await world.ask('POST', '/v1/evaluate', { as: 'engineer', body: { ...big, idempotency_key: 'build-1' } });
  expect(await used()).toEqual({ used_uses: 4, logged: 4 });
});

test('without the database a capped exception permits nothing, since nobody knows what is left of it', async () => {
  const proxy = await createDatabaseProxy(world.database.connectionString);
  const api = await world.another({ connectionString: proxy.connectionString });
  await except(5, [other, api]);
  proxy.cut();
  expect(await evaluate(api, big)).toMatchObject({ decision: 'deny', durable: false });
  await until(async () => api.deps.snapshot.degraded, Boolean);
  expect(await evaluate(api, big)).toMatchObject({ decision: 'deny', degraded: true });
  proxy.restore();
  await until(async () => api.deps.decisionLog.waiting === 0, Boolean);
  expect(await used()).toEqual({ used_uses: 0, logged: 0 });
  await proxy.close();
});

test('the use that reaches the cap ends the exception, so that it permits nothing that stands either', async () => {
  const handle = await world.client.workflow.start('exception', { workflowId: 'exception/x', taskQueue: 'nobody', args: [] });
  await except(2);
  const signals = async () => {
    const { events } = await handle.fetchHistory();
    return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? []);
  };
  await evaluate(world, { ...big, name: 'first' });
  expect(await signals()).toEqual([]);
  await evaluate(other, { ...big, name: 'second' });
  expect(await until(signals, (names) => names.length > 0)).toEqual(['endException']);
});

test('nor where a budget of which nothing is known until it is locked would deny', async () => {
  const content = {
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name: 'strict' },
    spec: {
      type: 'BudgetLimit',
      rules: [{ name: 'shop', onUnknown: 'deny', selector: { tags: { project: 'strict' } }, budget: { monthly: 100_000_000 } }],
    },
  };
  await insertPolicy(world.database.pool, { name: 'strict', content });
  const machine = { ...big, tags: { ...TEAM, project: 'strict' }, cost: { monthly: '10' } };
  for (const api of [world, other])
    await until(
      () => evaluate(api, { ...machine, specs: { vcpus: 2 } }),
      ({ holds }) => holds.length > 0,
    );
  await except(3, [other], 'strict');
  const decisions = await Promise.all(
    Array.from({ length: 20 }, (_, index) => evaluate(index % 2 === 0 ? world : other, { ...machine, name: `strict-${index}` })),
  );
  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3);
  expect(await used()).toEqual({ used_uses: 3, logged: 3 });
});
