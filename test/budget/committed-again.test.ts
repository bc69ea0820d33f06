/** What a deployment committed and is not billed yet is its own: asked again, only what is more is held. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { budgetDetailSchema, holdSchema } from '../../src/api/contract/budget.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { createWorld, read, type World } from '../api/world.js';
import { budgetPolicy, wrongTotals } from './budgets.js';

let world: World;
beforeAll(async () => {
  const { documents } = parsePolicies(
    budgetPolicy({ a: '{ yearly: 1000, alertThresholds: [{ percent: 60, action: block-new-resources }] }' }),
    'test.yaml',
  );
  world = await createWorld({ worker: false, policies: documents });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('truncate budgets, holds, budget_crossings, decisions');
});

/** A month that costs `amount` to the end of the year. */
function monthly(amount: number): string {
  const left = Date.UTC(new Date().getUTCFullYear() + 1, 0) - Date.now();
  return ((amount * 730 * 3_600_000) / left).toFixed(2);
}

async function evaluate(amount: number, differing: object = {}) {
  const body = {
    type: 'compute/instance',
    name: 'web-1',
    tags: { team: 'a' },
    cost: { monthly: monthly(amount) },
    idempotency_key: 'k',
    ...differing,
  };
  return read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as: 'deployer', body }));
}

async function move(id: string | undefined, how: 'commit' | 'release') {
  const answer = read(holdSchema, await world.ask('POST', `/v1/holds/${id}/${how}`, { as: 'deployer' }));
  expect(await wrongTotals(world.database.pool)).toEqual([]);
  return answer;
}

async function totals(): Promise<readonly number[]> {
  const { rows } = await world.database.pool.query<{ c: string; h: string }>('select round(committed) as c, round(held) as h from budgets');
  expect(await wrongTotals(world.database.pool)).toEqual([]);
  return rows.flatMap(({ c, h }) => [Number(c), Number(h)]);
}

async function isReplayed(id: string): Promise<boolean> {
  return read(replaySchema, await world.ask('POST', `/v1/decisions/${id}/replay`, { as: 'deployer', body: { policies: 'then' } })).same;
}

/** Commits 500 of the 1000. */
async function deploy(differing: object = {}): Promise<void> {
  const { holds } = await evaluate(500, differing);
  await move(holds[0]?.id, 'commit');
}

const plan = (amount: number, rest: object = {}) => ({
  type: undefined,
  name: undefined,
  tags: undefined,
  cost: undefined,
  idempotency_key: undefined,
  resources: [{ type: 'compute/instance', name: 'web-1', tags: { team: 'a' }, cost: { monthly: monthly(amount) }, ...rest }],
});

test.for([500, 400])('of 500 that are committed, %i asked again hold nothing', async (amount) => {
  await deploy();
  const again = await evaluate(amount);
  expect(again).toMatchObject({ decision: 'allow', holds: [] });
  expect(await totals()).toEqual([500, 0]);
  expect(await isReplayed(again.decision_id)).toBe(true);
  expect(await evaluate(amount, { dry_run: true })).toMatchObject({ decision: 'allow' });
});

test('what is more is held, replaced when asked again, given back by a release, and committed beside the first', async () => {
  await deploy();
  const larger = await evaluate(700);
  expect(larger.decision).toBe('allow');
  expect(Math.round(Number(larger.holds[0]?.amount))).toBe(200);
  expect(await isReplayed(larger.decision_id)).toBe(true);
  expect(await totals()).toEqual([500, 200]);
  await move(larger.holds[0]?.id, 'release');
  expect(await totals()).toEqual([500, 0]);
  const again = await evaluate(550);
  await move(again.holds[0]?.id, 'commit');
  expect(await totals()).toEqual([550, 0]);
  expect((await evaluate(550)).holds).toEqual([]);
});

test('what is more than the budget has left is denied by the difference', async () => {
  await deploy();
  const { decision, violations } = await evaluate(1_100);
  expect(decision).toBe('deny');
  expect(violations[0]?.message).toMatch(/^Requested cost of (600|599\.9|600\.0)\d* /);
});

test('a plan without a key is the same deployment', async () => {
  const body = plan(500);
  const first = await evaluate(0, body);
  await move(first.holds[0]?.id, 'commit');
  expect((await evaluate(0, body)).holds).toEqual([]);
  expect(await totals()).toEqual([500, 0]);
});

test('another resource under the same key is not what was committed', async () => {
  await deploy();
  expect((await evaluate(300, { name: 'web-2' })).holds).toHaveLength(1);
});

test('a later change of what was committed takes its difference', async () => {
  await deploy();
  expect((await evaluate(700, { previous_monthly: monthly(500) })).holds).toHaveLength(1);
});

test('another deployment gets nothing of it', async () => {
  await deploy();
  expect((await evaluate(550, { idempotency_key: 'other' })).decision).toBe('deny');
});

test('under a block the same again passes, and so does what is free; what is more, or costs, does not', async () => {
  const { holds } = await evaluate(650);
  await move(holds[0]?.id, 'commit');
  expect((await evaluate(650)).decision).toBe('allow');
  expect((await evaluate(0, { cost: { monthly: '0' }, idempotency_key: 'role' })).decision).toBe('allow');
  expect((await evaluate(0, { cost: { monthly: '0.01' }, idempotency_key: 'tiny' })).decision).toBe('deny');
  expect((await evaluate(660)).decision).toBe('deny');
});

test('a committed hold says who committed it, and is not closed', async () => {
  const { holds } = await evaluate(500);
  const committed = await move(holds[0]?.id, 'commit');
  expect(committed).toMatchObject({ status: 'committed', closed_at: null, closed_by: null });
  expect(committed.committed_at).not.toBeNull();
  expect(committed.committed_by).not.toBeNull();
  const detail = read(budgetDetailSchema, await world.ask('GET', '/v1/budgets/budgets/a', { as: 'deployer' }));
  expect(detail.holds.items[0]).toEqual(committed);
});
