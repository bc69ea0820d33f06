import { afterAll, beforeAll, expect, test } from 'vitest';
import { settleActuals } from '../../src/store/budget-settle.js';
import { lockBudgets } from '../../src/store/budgets.js';
import { insertPolicy } from '../store/fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { ask, compiledOf, costing, budgetPolicy } from './budgets.js';
import { transaction, createPool } from '../../src/store/db.js';
import { load } from 'js-yaml';
let d: TestDatabase;
beforeAll(async () => { d = await createTestDatabase(); });
afterAll(() => d.drop());
test('measure', { timeout: 280_000 }, async () => {
  const names = Array.from({ length: 100 }, (_, i) => `t${i}`);
  const text = budgetPolicy(Object.fromEntries(names.map((n) => [n, '{ monthly: 1000000 }'])));
  await insertPolicy(d.pool, { name: 'budgets', content: load(text) as object });
  const compiled = compiledOf(text);
  const AT = Date.UTC(2026, 10, 22, 10);
  await d.pool.query(`insert into focus_imports (id, status, currency, cost_column, created_by, started_at, seen_at) values ('i','completed','USD','EffectiveCost','a',now(),now())`);
  await d.pool.query(`insert into focus_rows (import_id, billing_account, billing_period_start, billing_period_end, charge_start, charge_end, cost, resource_id, resource_name, service_category, charge_category, tags)
   select 'i','p','2026-11-01','2026-12-01', timestamptz '2026-11-01' + (n % 500) * interval '1 hour', timestamptz '2026-11-01' + (n % 500 + 1) * interval '1 hour', 0.1, 'i-' || n, 'n-' || n, 'Compute','Usage', jsonb_build_object('team','t' || n % 100,'owner','x') from generate_series(1,300000) n`);
  await d.pool.query('analyze focus_rows');
  for (let i = 0; i < 100; i++) {
    const { holds } = await ask(d.pool, compiled, [costing('1', { tags: { team: `t${i}` } , name: `w${i}`})], { at: AT - 3600_000 * 24 });
    await d.pool.query(`update holds set status='committed' where id = $1`, [holds[0]?.id]);
  }
  await d.pool.query(`update budgets set committed = held, held = 0`);
  const pool = createPool({ connectionString: d.connectionString, applicationName: 'x', onError: () => {}, queryTimeoutMs: 250_000 });
  const began = Date.now();
  await transaction(pool, async (db) => {
    await settleActuals(db, [{ from: Date.UTC(2026, 10), to: Date.UTC(2026, 11) }], { at: AT, billedAfterMs: 72 * 3600_000 });
  });
  console.log('SETTLE MS', Date.now() - began);
  await pool.end();
  expect(1).toBe(1);
});
