import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { createPool, type Db, type Pool } from '../../src/store/db.js';
import { createDecisionLog, type DecisionLog, type DecisionLogOptions, type Logged } from '../../src/store/decision-log.js';
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

test('of many that come in at one moment the first are on their way before the last has come', async () => {
  const groups: number[] = [];
  await log.close();
  log = createDecisionLog(pool, {
    alsoWrite: async (_, decisions) => {
      groups.push(decisions.length);
    },
  });
  await Promise.all(many(100).map((one) => log.append(one)));
  expect(groups.toSorted((a, b) => a - b)).toEqual([8, 8, 84]);
});

test('what is also written is in the same transaction', async () => {
  let fail = true;
  await log.close();
  log = createDecisionLog(pool, {
    retryMs: 20,
    alsoWrite: async (db) => {
      await db.query('insert into policy_sets values ($1, $2, now())', ['sha256:1', '[]']);
      if (fail) await db.query('select pg_terminate_backend(pg_backend_pid())');
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

test('what reached the database after all, as it was before its answer became one from memory, is corrected', async () => {
  proxy.cut();
  const one = decision({ degraded: true, result: '{"degraded":true,"durable":true}' });
  await insertDecisions(database.pool, [one]);
  expect(await log.append(one)).toEqual(KEPT);
  proxy.restore();
  await soon(() => expect(log.waiting).toBe(0));
  expect(await findDecision(database.pool, one.id)).toMatchObject({ result: '{"degraded":true,"durable":false}' });
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

test('nasty text is stored as it is, by either way in', async () => {
  const text = 'tab\t line\n return\r slash\\ \\N \\. quote\' "';
  const copied = decision({
    requester: text,
    request: JSON.stringify(text),
    idempotencyKey: '\\N',
    facts: '{"a":"\\\\"}',
    planDigest: 'sha256:1',
  });
  const inserted = { ...copied, id: decision().id };
  await log.append(copied);
  await insertDecisions(database.pool, [inserted]);
  expect(await findDecision(database.pool, copied.id)).toEqual(copied);
  expect(await findDecision(database.pool, inserted.id)).toEqual(inserted);
});

test.each(['a row', 'our code'])('%s that fails is refused alone, and the database is not away for it', async (whose) => {
  const bad = decision();
  await log.close();
  log = createDecisionLog(pool, {
    retryMs: 20,
    onHealth: (problem) => health.push(problem),
    alsoWrite: async (db, decisions) => {
      if (!decisions.includes(bad)) return;
      if (whose === 'our code') throw new TypeError('nothing is there');
      await db.query('insert into nowhere values (1)');
    },
  });
  const [first, second] = [decision(), decision()];
  const outcomes = await Promise.allSettled([first, bad, second].map((one) => log.append(one)));
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: WRITTEN },
    { status: 'rejected', reason: expect.objectContaining({ code: 'internal' }) as Error },
    { status: 'fulfilled', value: WRITTEN },
  ]);
  expect(health).toEqual([]);
  expect(await stored()).toEqual(ids([first, second]));
  expect(await log.append(decision())).toEqual(WRITTEN);
});

test('one that needs nothing else written waits for no transaction of others', async () => {
  const told: string[] = [];
  await log.close();
  log = createDecisionLog(pool, {
    isPlain: ({ dryRun }) => dryRun,
    alsoWrite: async (_, decisions) => void told.push(...decisions.map(({ id }) => id)),
  });
  const plain = decision({ dryRun: true });
  await log.append(plain);
  expect(told).toEqual([]);
  const other = decision();
  await log.append(other);
  expect(told).toEqual([other.id]);
  expect(await stored()).toEqual(ids([plain, other]));
});

describe('decisions that rest on the database', () => {
  const undecided = (one: DecisionRecord = decision()) => ({
    size: 10,
    one,
    decideFromMemory: () => ({ ...one, decision: 'warn' as const }),
  });
  type Open = ReturnType<typeof undecided>;
  let settled: number[];
  let release: (() => void) | undefined;

  /** Counts in the database, under a lock, how many it has let through, and lets through three. */
  async function settle(db: Db, open: readonly Open[]): Promise<DecisionRecord[]> {
    settled.push(open.length);
    const { rows } = await db.query<{ first: number }>(`update room set taken = taken + $1 returning taken - $1 as first`, [open.length]);
    const first = rows[0]?.first ?? 0;
    if (release !== undefined) await new Promise<void>((resolve) => void (release = resolve));
    return open.map(({ one }, index) => ({ ...one, decision: first + index < 3 ? 'allow' : 'deny' }));
  }
  let settling: DecisionLog<DecisionRecord, Open>;
  beforeEach(async () => {
    settled = [];
    release = undefined;
    await database.pool.query('create table room as select 0 as taken');
    settling = createDecisionLog<DecisionRecord, Open>(pool, { retryMs: 20, settle });
  });
  afterEach(() => settling.close());

  test('are decided in their order, many in one transaction, and written with what they took', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => settling.settle(undecided())));
    expect(answers.map(({ decision: { decision: word }, durable }) => [word, durable])).toEqual([
      ['allow', true],
      ['allow', true],
      ['allow', true],
      ['deny', true],
      ['deny', true],
    ]);
    expect(settled.length).toBeLessThan(3);
    expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 5 }]);
    const words = await Promise.all(answers.map(async ({ decision: { id } }) => (await getDecision(database.pool, id)).decision));
    expect(words).toEqual(['allow', 'allow', 'allow', 'deny', 'deny']);
  });

  test('hold up no other decision while they wait for locks', async () => {
    release = () => {};
    const slow = settling.settle(undecided());
    await soon(() => expect(settled).toEqual([1]));
    expect(await settling.append(decision())).toEqual(WRITTEN);
    const end = release;
    release = undefined;
    end();
    expect(await slow).toEqual(WRITTEN);
  });

  test('with the database away are made from memory, say so, and take nothing', async () => {
    proxy.cut();
    const { decision: made, ...how } = await settling.settle(undecided());
    expect([made.decision, how]).toEqual(['warn', { durable: false, away: true }]);
    expect(await settling.settle(undecided())).toEqual(KEPT);
    expect(settling.waiting).toBe(2);
    proxy.restore();
    await soon(() => expect(settling.waiting).toBe(0));
    expect(await findDecision(database.pool, made.id)).toMatchObject({ decision: 'warn', degraded: true });
    expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 0 }]);
    expect(await settling.settle(undecided())).toEqual(WRITTEN);
  });

  test('lost in the middle of their transaction are made from memory, and what they took is given back', async () => {
    release = () => {};
    const pending = settling.settle(undecided());
    await soon(() => expect(settled).toEqual([1]));
    proxy.cut();
    const end = release;
    release = undefined;
    end();
    const { decision: made, away } = await pending;
    expect([made.decision, away]).toEqual(['warn', true]);
    proxy.restore();
    await soon(() => expect(settling.waiting).toBe(0));
    expect(await findDecision(database.pool, made.id)).toMatchObject({ decision: 'warn', degraded: true });
    await soon(async () => expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 0 }]));
  });

  test('that fail by a fault of ours fail alone, and the database is not away for it', async () => {
    const bad = undecided();
    await settling.close();
    settling = createDecisionLog<DecisionRecord, Open>(pool, {
      retryMs: 20,
      onHealth: (problem) => health.push(problem),
      settle: (db, open) => {
        if (open.includes(bad)) throw new TypeError('nothing is there');
        return settle(db, open);
      },
    });
    const outcomes = await Promise.allSettled([undecided(), bad, undecided()].map((one) => settling.settle(one)));
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: WRITTEN },
      { status: 'rejected', reason: expect.objectContaining({ code: 'internal' }) as Error },
      { status: 'fulfilled', value: WRITTEN },
    ]);
    expect(health).toEqual([]);
    expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 2 }]);
  });

  test('that are refused where they are made are refused alone, and the others are written with what they took', async () => {
    const bad = undecided();
    await settling.close();
    settling = createDecisionLog<DecisionRecord, Open>(pool, {
      settle: async (db, open) => {
        const made = await settle(
          db,
          open.filter((one) => one !== bad),
        );
        return open.map((one) => (one === bad ? new TollgateError('unavailable', 'not yet') : (made.shift() as DecisionRecord)));
      },
    });
    const outcomes = await Promise.allSettled([undecided(), bad, undecided()].map((one) => settling.settle(one)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'unavailable' } });
    expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 2 }]);
    await expect(settling.settle(bad)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await stored()).toHaveLength(2);
  });

  test('that the database refuses fail alone', async () => {
    const bad = undecided(decision({ requester: 'a\0b' }));
    const outcomes = await Promise.allSettled([undecided(), bad, undecided()].map((one) => settling.settle(one)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await database.pool.query('select taken from room')).rows).toEqual([{ taken: 2 }]);
  });
});

describe('in relaxed mode', () => {
  const relaxed = (options: DecisionLogOptions<DecisionRecord> = {}) =>
    createDecisionLog(pool, { mode: 'relaxed', retryMs: 20, ...options });
  beforeEach(() => log.close());

  test('the answer does not wait, and the decision is written as it was answered', async () => {
    log = relaxed();
    const all = many(50);
    expect(await Promise.all(all.map((one) => log.append(one)))).toEqual(
      all.map((one) => ({ decision: one, durable: false, away: false })),
    );
    expect(log.waiting).toBe(all.length);
    await soon(() => expect(log.waiting).toBe(0));
    expect(await stored()).toEqual(ids(all));
    expect(await findDecision(database.pool, all[0]?.id ?? '')).toEqual(all[0]);
  });

  test('refuses rather than drops when more waits than it may keep', async () => {
    log = relaxed({ maxWaitingCharacters: 10 });
    const one = decision({ request: '12345', result: '12345' });
    expect(await log.append(one)).toMatchObject({ away: false });
    await expect(log.append(decision())).rejects.toMatchObject({ code: 'unavailable' });
    await soon(() => expect(log.waiting).toBe(0));
    expect(await log.append(decision())).toMatchObject({ away: false });
  });

  test('what was answered and cannot be stored is told', async () => {
    const refused: string[] = [];
    log = relaxed({ onRefused: ({ id }) => refused.push(id) });
    const bad = decision({ requester: 'a\0b' });
    const good = decision();
    await Promise.all([bad, good].map((one) => log.append(one)));
    await soon(() => expect(log.waiting).toBe(0));
    expect(refused).toEqual([bad.id]);
    expect(await stored()).toEqual([good.id]);
  });

  test('close writes what was answered', async () => {
    log = relaxed();
    const all = many(20);
    await Promise.all(all.map((one) => log.append(one)));
    await log.close();
    expect(await stored()).toEqual(ids(all));
  });
});

test('close writes what is left', async () => {
  const all = many(50);
  const appended = all.map((one) => log.append(one));
  await log.close();
  await Promise.all(appended);
  expect(await stored()).toEqual(ids(all));
});

test('close writes what a lost connection held up', async () => {
  const one = decision();
  const blocker = await database.pool.connect();
  const waiting = 'from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())';
  try {
    await blocker.query('begin; lock table decisions');
    const appended = log.append(one);
    await soon(async () => expect((await blocker.query(`select ${waiting}`)).rowCount).toBe(1));
    const closed = log.close();
    await blocker.query(`select pg_terminate_backend(pid) ${waiting}`);
    expect(await appended).toEqual(KEPT);
    await blocker.query('rollback');
    await closed;
  } finally {
    blocker.release();
  }
  expect(await stored()).toEqual([one.id]);
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
