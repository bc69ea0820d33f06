/** What a deployment held before, over HTTP: it never counts against the deployment itself, and is given back when it asks for something else. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { createWorld, read, type World } from '../api/world.js';
import { budgetPolicy, wrongTotals } from './budgets.js';

let world: World;
beforeAll(async () => {
  const { documents } = parsePolicies(budgetPolicy({ a: '{ yearly: 1000000 }' }), 'test.yaml');
  world = await createWorld({ worker: false, policies: documents });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('truncate budgets, holds, budget_crossings, decisions');
});

/** More than half of the budget, on any day of the year but its last. */
async function evaluate(differing: object = {}) {
  const left = Date.UTC(new Date().getUTCFullYear() + 1, 0) - Date.now();
  const monthly = ((600_000 * 730 * 3_600_000) / left).toFixed(2);
  const body = {
    type: 'compute/instance',
    name: 'web-1',
    tags: { team: 'a' },
    cost: { monthly },
    idempotency_key: 'build-1',
    ...differing,
  };
  return read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as: 'deployer', body }));
}

async function held(): Promise<number> {
  const { rows } = await world.database.pool.query<{ held: number }>(`select count(*) as held from holds where status = 'held'`);
  expect(await wrongTotals(world.database.pool)).toEqual([]);
  return rows[0]?.held ?? -1;
}

test.for([
  ['that touches no budget any more', { tags: { team: 'b' } }],
  ['that costs nothing any more', { cost: { monthly: '0' }, previous_monthly: '1' }],
] as const)('a deployment %s gives back what it held', async ([, differing]) => {
  expect((await evaluate()).holds).toHaveLength(1);
  expect(await held()).toBe(1);
  expect((await evaluate({ ...differing, dry_run: true })).allowed).toBe(true);
  expect(await held()).toBe(1);
  expect(await evaluate(differing)).toMatchObject({ allowed: true, holds: [], durable: true });
  expect(await held()).toBe(0);
});

test('a dry run of a deployment does not count against it what it holds itself', async () => {
  expect((await evaluate()).allowed).toBe(true);
  expect((await evaluate({ idempotency_key: 'build-2', dry_run: true })).decision).toBe('deny');
  expect((await evaluate({ dry_run: true })).decision).toBe('allow');
  expect(await held()).toBe(1);
});

test('nor does a replay by the policies of now', async () => {
  const { decision_id: id } = await evaluate();
  const answer = await world.ask('POST', `/v1/decisions/${id}/replay`, { as: 'deployer', body: { policies: 'now' } });
  expect(read(replaySchema, answer)).toMatchObject({ same: true, after: 'allow' });
  expect(await held()).toBe(1);
});
