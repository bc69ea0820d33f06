/** What is billed of a budget that nobody has asked for yet is counted beside the gate, and no import is missed or counted twice. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decisionSchema, type WireDecision } from '../../src/api/contract/evaluate.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { countBudgets, stopCounting } from '../../src/store/budget-count.js';
import { settleActuals } from '../../src/store/budget-settle.js';
import { type Db, transaction } from '../../src/store/db.js';
import { createWorld, read, until, type World } from '../api/world.js';
import { asking, budgetPolicy, compiledOf, costing, totalsOf } from './budgets.js';

const NOW = Date.now();
const YEAR = String(new Date(NOW).getUTCFullYear());
const policies = budgetPolicy({ a: '{ yearly: 1000 }', b: '{ yearly: 1000 }' });
const touched = (team: string) => asking(compiledOf(policies), [costing('1', { tags: { team } })], { at: NOW }).request.touched;

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false, policies: parsePolicies(policies, 'test.yaml').documents });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('truncate budgets, holds, focus_rows, focus_imports');
  await world.database.pool.query(
    `insert into focus_imports (id, status, currency, cost_column, created_by, started_at, seen_at)
     values ('imp_1', 'completed', 'USD', 'EffectiveCost', 'olga@company.com', now(), now())`,
  );
});

async function bill(db: Db, cost: string, team = 'a'): Promise<void> {
  await db.query(
    `insert into focus_rows (import_id, billing_account, billing_period_start, billing_period_end, charge_start, charge_end, cost,
       charge_category, tags)
     values ('imp_1', 'payer', $3::timestamptz, $3::timestamptz + interval '1 year', $3, $3::timestamptz + interval '1 day', $1, 'Usage', $2)`,
    [cost, JSON.stringify({ team }), `${YEAR}-01-01`],
  );
}
const settle = (db: Db) =>
  settleActuals(db, [{ from: Date.UTC(Number(YEAR), 0), to: Date.UTC(Number(YEAR) + 1, 0) }], { at: NOW, billedAfterMs: 1 });
const actualOf = async (team: string) => (await totalsOf(world.database.pool, team, YEAR))?.actual;

async function evaluate(api: Pick<World, 'ask'>, team: string): Promise<WireDecision> {
  const body = { type: 'compute/instance', name: 'web-1', account: '1', tags: { team }, cost: { monthly: '10' } };
  return read(decisionSchema, await api.ask('POST', '/v1/evaluate', { as: 'deployer', body }));
}

test('a budget that takes long to count holds up only the requests that touch it, and these are decided on the whole of it', async () => {
  const api = await world.another({ queryTimeoutMs: 30_000 });
  await bill(world.database.pool, '999.99');
  expect((await evaluate(api, 'b')).decision).toBe('allow');
  const slow = new pg.Client(world.database.connectionString);
  await slow.connect();
  await slow.query('begin; lock table focus_rows in access exclusive mode');
  const waiting = [evaluate(api, 'a'), evaluate(api, 'a')];
  await until(
    async () => (await slow.query(`select 1 from pg_locks where not granted and relation = 'focus_rows'::regclass`)).rowCount,
    (count) => count === 1,
  );
  expect(await evaluate(api, 'b')).toMatchObject({ decision: 'allow', degraded: false });
  await slow.query('commit');
  await slow.end();
  for (const { decision, degraded } of await Promise.all(waiting)) expect([decision, degraded]).toEqual(['deny', false]);
  expect(await actualOf('a')).toBe('999.99');
});

test('what was counted while an import was under way is counted again with its rows', async () => {
  const { pool } = world.database;
  await transaction(pool, async (db) => {
    await bill(db, '7');
    await countBudgets(pool, touched('a'), NOW);
    expect(await actualOf('a')).toBe('0');
    await settle(db);
  });
  expect(await actualOf('a')).toBe('7');
});

test('who counts while an import puts its numbers in place sees all of its rows', async () => {
  const { pool } = world.database;
  let counted: Promise<void> | undefined;
  await transaction(pool, async (db) => {
    await bill(db, '7');
    await stopCounting(db);
    counted = countBudgets(pool, touched('a'), NOW);
    await until(
      async () => (await pool.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`)).rowCount,
      (count) => count === 1,
    );
  });
  await counted;
  expect(await actualOf('a')).toBe('7');
});

test('a rule that selects otherwise than before is counted anew', async () => {
  const { pool } = world.database;
  await bill(pool, '7');
  await bill(pool, '5', 'c');
  await countBudgets(pool, touched('a'), NOW);
  const other = touched('a').map((budget) => ({ ...budget, selector: { tags: { team: 'c' } } }));
  await countBudgets(pool, other, NOW);
  expect(await actualOf('a')).toBe('5');
  await evaluate(world, 'a');
  expect(await actualOf('a')).toBe('7');
});
