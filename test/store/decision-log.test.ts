import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPool, type Pool } from '../../src/store/db.js';
import { createDecisionLog, type DecisionLog, type Logged } from '../../src/store/decision-log.js';
import { type DecisionRecord, findDecision, getDecision, insertDecisions, listDecisions } from '../../src/store/decisions.js';
import { createDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT, decision } from './fixtures.js';

const WRITTEN = expect.objectContaining({ durable: true, away: false }) as Logged<DecisionRecord>;
const KEPT = expect.objectContaining({ durable: false, away: true }) as Logged<DecisionRecord>;

let database: TestDatabase;
let proxy: DatabaseProxy;
let pool: Pool;
let log: DecisionLog;
let health: (string | null)[];

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await createDatabaseProxy(database.connectionString);
  pool = createPool({ connectionString: proxy.connectionString, applicationName: 'test', onError: () => {} });
  health = [];
  log = createDecisionLog(pool, { retryMs: 20, onHealth: (problem) => health.push(problem) });
});

afterEach(async () => {
  proxy.restore();
  await log.close();
  await pool.end();
  await proxy.close();
  await database.drop();
});

async function stored(): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ id: string }>('select id from decisions order by id');
  return rows.map(({ id }) => id);
}
const many = (count: number) => Array.from({ length: count }, () => decision());
const ids = (decisions: readonly { readonly id: string }[]) => decisions.map(({ id }) => id).sort();
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

test('a decision is in the database before its append resolves', async () => {
  const one = decision({ result: '{"allowed":false}', idempotencyKey: 'build-1' });
  expect(await log.append(one)).toEqual(WRITTEN);
  expect(await findDecision(database.pool, one.id)).toEqual(one);
});

test('decisions that come in while others are written go together, in few statements', async () => {
  const groups: number[] = [];
  await log.close();
  log = createDecisionLog(pool, {
    alsoWrite: async (_, decisions) => {
      groups.push(decisions.length);
    },
  });
  const all = many(1_000);
  expect(await Promise.all(all.map((one) => log.append(one)))).toEqual(all.map(() => WRITTEN));
  expect(await stored()).toEqual(ids(all));
  expect(groups.length).toBeLessThan(10);
});

test('what is also written is in the same transaction', async () => {
  let fail = true;
  await log.close();
  log = createDecisionLog(pool, {
    retryMs: 20,
    alsoWrite: async (db) => {
      await db.query('insert into policy_sets values ($1, $2, now())', ['sha256:1', '[]']);
      if (fail) throw new Error('not now');
    },
  });
  const one = decision();
  expect(await log.append(one)).toEqual(KEPT);
  expect(await stored()).toEqual([]);
  fail = false;
  await soon(async () => expect(await stored()).toEqual([one.id]));
  expect((await database.pool.query('select revision from policy_sets')).rowCount).toBe(1);
});

test.each(['cut', 'stall'] as const)('while the database is away (%s) it says so, and writes everything when it is back', async (how) => {
  const before = decision();
  await log.append(before);
  proxy[how]();
  const during = many(700);
  expect(await Promise.all(during.map((one) => log.append(one)))).toEqual(during.map(() => KEPT));
  expect(log.waiting).toBe(700);
  expect(await stored()).toEqual([before.id]);
  proxy.restore();
  await soon(() => expect(log.waiting).toBe(0));
  expect(await stored()).toEqual(ids([before, ...during]));
  expect(await log.append(decision())).toEqual(WRITTEN);
  expect(health).toEqual([expect.any(String), null]);
});

test('what was answered from memory is stored as what it was answered as', async () => {
  proxy.cut();
  const one = decision({ result: '{"allowed":false,"degraded":false,"durable":true}' });
  const committed = decision({ result: '{"allowed":true,"degraded":false,"durable":true}' });
  // Its commit was not confirmed: it is there, and is answered from memory all the same.
  await insertDecisions(database.pool, [committed]);
  expect(await Promise.all([log.append(one), log.append(committed)])).toEqual([KEPT, KEPT]);
  expect(await log.append(decision())).toEqual(KEPT);
  proxy.restore();
  await soon(() => expect(log.waiting).toBe(0));
  const answer = (allowed: boolean) => JSON.stringify({ allowed, degraded: true, durable: false });
  expect(await findDecision(database.pool, one.id)).toMatchObject({ degraded: true, result: answer(false) });
  expect(await findDecision(database.pool, committed.id)).toMatchObject({ degraded: true, result: answer(true) });
});

test('a group is cut where it becomes large, and what is larger alone is written alone', async () => {
  const groups: number[] = [];
  await log.close();
  log = createDecisionLog(pool, {
    alsoWrite: async (_, decisions) => {
      groups.push(decisions.length);
    },
  });
  const sized = (millions: number) => decision({ request: JSON.stringify('x'.repeat(millions * 1_000_000)) });
  const all = [decision(), sized(9), sized(6), sized(9), sized(18), decision()];
  expect(await Promise.all(all.map((one) => log.append(one)))).toEqual(all.map(() => WRITTEN));
  expect(groups.sort()).toEqual([1, 1, 1, 3]);
  expect(await stored()).toEqual(ids(all));
});

test('a decision whose commit was not confirmed is written once', async () => {
  const one = decision();
  await insertDecisions(database.pool, [one]);
  expect(await log.append(one)).toEqual(WRITTEN);
  expect(await stored()).toEqual([one.id]);
});

test('refuses rather than drops when too many wait', async () => {
  await log.close();
  log = createDecisionLog(pool, { retryMs: 20, maxWaitingCharacters: 10 });
  proxy.cut();
  const first = decision({ request: '12345', result: '12345' });
  expect(await log.append(first)).toEqual(KEPT);
  await expect(log.append(decision())).rejects.toMatchObject({ code: 'unavailable' });
  proxy.restore();
  await soon(async () => expect(await stored()).toEqual([first.id]));
});

test('a row that the database refuses fails alone', async () => {
  const bad = decision({ requester: 'a\0b' });
  const good = many(20);
  const outcomes = await Promise.allSettled([...good.slice(0, 10), bad, ...good.slice(10)].map((one) => log.append(one)));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'invalid-input' }) as Error },
  ]);
  expect(await stored()).toEqual(ids(good));
});

test('close writes what is left', async () => {
  const all = many(50);
  const appended = all.map((one) => log.append(one));
  await log.close();
  await Promise.all(appended);
  expect(await stored()).toEqual(ids(all));
});

test('an unknown decision is not found', async () => {
  expect(await findDecision(database.pool, 'dec_none')).toBeUndefined();
  await expect(getDecision(database.pool, 'dec_none')).rejects.toMatchObject({ code: 'not-found' });
});

test('lists newest first, filtered, page by page', async () => {
  const all = [
    decision({ at: AT, decision: 'allow' }),
    decision({ at: AT + 1, requester: 'bob@company.com' }),
    decision({ at: AT + 1, account: null }),
    decision({ at: AT + 2 }),
  ] as const;
  await insertDecisions(database.pool, all);
  const list = async (filter: Parameters<typeof listDecisions>[1]) =>
    (await listDecisions(database.pool, filter, { limit: 10, cursor: null })).items.map(({ id }) => all.findIndex((one) => one.id === id));
  expect(await list({})).toEqual([3, 2, 1, 0]);
  expect(await list({ decision: 'allow' })).toEqual([0]);
  expect(await list({ requester: 'bob@company.com' })).toEqual([1]);
  expect(await list({ account: '111122223333', decision: 'deny' })).toEqual([3, 1]);
  expect(await list({ since: AT + 1, until: AT + 2 })).toEqual([2, 1]);
  const paged: number[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await listDecisions(database.pool, {}, { limit: 1, cursor });
    paged.push(...page.items.map(({ id }) => all.findIndex((one) => one.id === id)));
    cursor = page.next;
    if (cursor === null) break;
  }
  expect(paged).toEqual([3, 2, 1, 0]);
});
