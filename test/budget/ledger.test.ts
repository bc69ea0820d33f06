import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { touchedBudgets } from '../../src/policy/budget-rules.js';
import { readBudgets } from '../../src/store/budgets.js';
import { transaction } from '../../src/store/db.js';
import { commitHold, releaseHold, releaseHoldsOf } from '../../src/store/hold-moves.js';
import { findHold } from '../../src/store/holds.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT, ask, asking, budgetPolicy, compiledOf, costing, decideAll, HOLD_MS, totalsOf, wrongTotals } from './budgets.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('truncate budgets, holds, budget_crossings');
});

const PERIOD = '2026-11';
const compiled = compiledOf(budgetPolicy({ a: '{ monthly: 1000 }', b: '{ monthly: 1000, yearly: 1500 }' }));
/** A hold of 100.00 on the month. */
const HUNDRED = costing('354.37');
const move = (id: string, at = AT) => ({ id, principal: 'ci@company.com', at });

test('an allowed request holds what it would cost for the rest of the period, on each budget that it touches', async () => {
  const { decision, holds } = await ask(database.pool, compiled, [costing('2803.20'), costing('700', { tags: { team: 'b' } })]);
  expect(decision).toBe('allow');
  expect(holds.map(({ ruleName, period, amount }) => [ruleName, period, amount])).toEqual([
    ['a', PERIOD, '791.04'],
    ['b', PERIOD, '197.53'],
    ['b', '2026', '910.96'],
  ]);
  expect(await totalsOf(database.pool, 'b', '2026')).toEqual({ actual: '0', committed: '0', held: '910.96' });
  expect(await wrongTotals(database.pool)).toEqual([]);
});

test('what does not fit is denied and holds nothing, on no budget', async () => {
  expect((await ask(database.pool, compiled, [costing('3543.72')])).decision).toBe('deny');
  const { decision, holds } = await ask(database.pool, compiled, [HUNDRED, costing('1200', { tags: { team: 'b' } })]);
  expect(decision).toBe('deny');
  expect(holds).toEqual([]);
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0' });
});

test('a budget is filled to the cent and not over it', async () => {
  await ask(database.pool, compiled, [costing('3189.32')]);
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '900.00' });
  expect((await ask(database.pool, compiled, [costing('354.39')])).decision).toBe('deny');
  expect((await ask(database.pool, compiled, [HUNDRED])).decision).toBe('allow');
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '1000.00' });
});

test('many decisions under one lock see what those before them hold', async () => {
  const decided = await decideAll(
    database.pool,
    Array.from({ length: 30 }, () => asking(compiled, [HUNDRED])),
  );
  expect(decided.filter(({ decision }) => decision === 'allow')).toHaveLength(10);
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '1000.00' });
  expect(await wrongTotals(database.pool)).toEqual([]);
});

test('transactions that touch the same budgets in any order never exceed them, nor wait for each other in a circle', async () => {
  const both = [HUNDRED, costing('354.37', { tags: { team: 'b' } })];
  const decisions = await Promise.all(
    Array.from({ length: 60 }, (_, index) => ask(database.pool, compiled, index % 2 === 0 ? both : both.toReversed())),
  );
  expect(decisions.filter(({ decision }) => decision === 'allow')).toHaveLength(3);
  expect(await totalsOf(database.pool, 'b', '2026')).toMatchObject({ held: '1383.51' });
  expect(await wrongTotals(database.pool)).toEqual([]);
});

describe('a deployment', () => {
  const big = costing('2126.22');

  test('replaces what it held when it is evaluated again under its key, and what it held does not count against it', async () => {
    const key = { idempotencyKey: 'build-8841' };
    const first = await ask(database.pool, compiled, [big], key);
    expect(first.holds.map(({ amount }) => amount)).toEqual(['600.00']);
    const again = await ask(database.pool, compiled, [big], key);
    expect(again.decision).toBe('allow');
    expect(await findHold(database.pool, first.holds[0]?.id ?? '')).toMatchObject({ status: 'released', closeReason: 'replaced' });
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '600.00' });
    expect(await wrongTotals(database.pool)).toEqual([]);
  });

  test('is named by its key for one principal only', async () => {
    await ask(database.pool, compiled, [big], { idempotencyKey: 'build-8841' });
    expect((await ask(database.pool, compiled, [big], { idempotencyKey: 'build-8841', principal: 'eve@company.com' })).decision).toBe(
      'deny',
    );
  });

  test('is named by the digest of its plan where it gives no key, whoever asks', async () => {
    const planDigest = 'sha256:1';
    await ask(database.pool, compiled, [big], { planDigest });
    expect((await ask(database.pool, compiled, [big], { planDigest, principal: 'bob@company.com' })).decision).toBe('allow');
    expect((await ask(database.pool, compiled, [big], { planDigest, idempotencyKey: 'another' })).decision).toBe('deny');
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '600.00' });
  });

  test('that is now denied holds nothing any more', async () => {
    const key = { idempotencyKey: 'build-1' };
    await ask(database.pool, compiled, [big], key);
    expect((await ask(database.pool, compiled, [costing('9000')], key)).decision).toBe('deny');
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0.00' });
  });

  test('that moved to another budget gives back what it held on the first', async () => {
    const key = { idempotencyKey: 'build-2' };
    await ask(database.pool, compiled, [big], key);
    await ask(database.pool, compiled, [costing('354.37', { tags: { team: 'b' } })], key);
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0.00' });
    expect(await wrongTotals(database.pool)).toEqual([]);
  });

  test('evaluated twice under one lock holds once', async () => {
    const asked = [0, 1].map(() => asking(compiled, [big], { idempotencyKey: 'build-3' }));
    const decided = await decideAll(database.pool, asked);
    expect(decided.map(({ decision }) => decision)).toEqual(['allow', 'allow']);
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '600.00' });
    expect(await wrongTotals(database.pool)).toEqual([]);
  });
});

test('the same decision made twice, because nobody knew whether it was stored, holds once', async () => {
  const asked = asking(compiled, [costing('2126.22')]);
  await decideAll(database.pool, [asked]);
  await decideAll(database.pool, [asked], true);
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '600.00' });
  await transaction(database.pool, (db) => releaseHoldsOf(db, [asked.request.decisionId], AT));
  expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0.00' });
  expect(await wrongTotals(database.pool)).toEqual([]);
});

test('a hold that is not committed is over at its time, wherever it is read, with nobody to note it', async () => {
  const full = costing('3543.68');
  expect((await ask(database.pool, compiled, [full])).decision).toBe('allow');
  const looked = async (at: number) => {
    const touched = touchedBudgets(compiled, [HUNDRED], at);
    return [...(await readBudgets(database.pool, touched, at)).values()].map(({ held }) => held);
  };
  expect(await looked(AT + HOLD_MS - 1)).toEqual(['1000.00']);
  expect(await looked(AT + HOLD_MS)).toEqual(['0.00']);
  expect((await ask(database.pool, compiled, [HUNDRED], { at: AT + HOLD_MS - 1 })).decision).toBe('deny');
  expect((await ask(database.pool, compiled, [HUNDRED], { at: AT + HOLD_MS })).decision).toBe('allow');
  expect(await wrongTotals(database.pool)).toEqual([]);
});

describe('a hold', () => {
  async function held(): Promise<string> {
    const { holds } = await ask(database.pool, compiled, [HUNDRED]);
    return holds[0]?.id ?? '';
  }
  const commit = (id: string, at?: number) => transaction(database.pool, (db) => commitHold(db, move(id, at)));
  const release = (id: string, at?: number) => transaction(database.pool, (db) => releaseHold(db, move(id, at)));

  test('is committed once, however often that is asked', async () => {
    const id = await held();
    const [first, ...others] = await Promise.all([commit(id), commit(id), commit(id)]);
    expect([first, ...others].map(({ after }) => after.status)).toEqual(['committed', 'committed', 'committed']);
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0.00', committed: '100.00' });
    expect(first?.after).toMatchObject({ committedAt: AT, committedBy: 'ci@company.com', closedBy: null });
  });

  test('is released once, and can then not be committed', async () => {
    const id = await held();
    await release(id);
    expect((await release(id)).after.status).toBe('released');
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ held: '0.00', committed: '0' });
    await expect(commit(id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('was released at 2026-11-22') });
  });

  test('that is committed can not be released, and stays committed for good', async () => {
    const id = await held();
    await commit(id);
    await expect(release(id, AT + HOLD_MS)).rejects.toMatchObject({ code: 'conflict', message: `hold \`${id}\` is committed` });
    expect((await commit(id, AT + 2 * HOLD_MS)).after.status).toBe('committed');
    expect(await totalsOf(database.pool, 'a', PERIOD)).toMatchObject({ committed: '100.00' });
  });

  test('whose time is over can be neither committed nor released', async () => {
    const id = await held();
    await expect(commit(id, AT + HOLD_MS)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('expired at') });
    await expect(release(id, AT + HOLD_MS)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('that nobody took is not found', async () => {
    await expect(commit('hold_none')).rejects.toMatchObject({ code: 'not-found' });
  });
});
