import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findException } from '../../src/policy/exception.js';
import { createPool, type Pool, transaction } from '../../src/store/db.js';
import { setAcceleration } from '../../src/store/installation.js';
import { createSnapshot, type Snapshot } from '../../src/store/snapshot.js';
import { createToken, hashToken } from '../../src/store/tokens.js';
import { createDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT, activate, insertException, insertPolicy, insertVersion, policyContent } from './fixtures.js';

let database: TestDatabase;
let proxy: DatabaseProxy;
let pool: Pool;
let snapshot: Snapshot;
let health: (string | null)[];
let unreadable: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await createDatabaseProxy(database.connectionString);
  pool = createPool({ connectionString: proxy.connectionString, applicationName: 'test', onError: () => {} });
  health = [];
  unreadable = [];
  snapshot = createSnapshot(pool, {
    pollMs: 20,
    onHealth: (problem) => health.push(problem),
    onUnreadable: (problem) => unreadable.push(problem),
  });
  await insertPolicy(database.pool, { name: 'p' });
});

afterEach(async () => {
  await snapshot.stop();
  await pool.end();
  await proxy.close();
  await database.drop();
});

const versions = () => snapshot.get().policies.policies.map(({ policy, version }) => `${policy.name} ${version}`);
const create = () =>
  transaction(database.pool, (db) =>
    createToken(db, { principal: 'dana@company.com', roles: ['engineer'], expiresAt: null, createdBy: 'admin@local', at: AT }),
  );
const soon = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

test('holds what the database holds', async () => {
  await insertException(database.pool, { id: 'exc_1' });
  const { token } = await create();
  await database.pool.query(`insert into enforcement_pauses values ('all', 'r', 'ops', now())`);
  await snapshot.start();
  const state = snapshot.get();
  expect(versions()).toEqual(['p 1.0.0']);
  expect(state.policies.compiled.rules).toHaveLength(1);
  expect(state.exceptions.size).toBe(1);
  expect(state.tokens.get(hashToken(token))).toMatchObject({ principal: 'dana@company.com' });
  expect(state.pauses).toMatchObject([{ scope: 'all', reason: 'r' }]);
  expect(state.installation).toEqual({ currency: 'USD', acceleration: 1 });
  expect([snapshot.loaded, snapshot.degraded, snapshot.problem]).toEqual([true, false, null]);
});

test('each kind of change is seen, by every process', async () => {
  const other = createSnapshot(database.pool, { pollMs: 20 });
  await Promise.all([snapshot.start(), other.start()]);
  const both = (check: (of: Snapshot) => void) => soon(() => [snapshot, other].forEach(check));
  await insertVersion(database.pool, 'p', '2.0.0', policyContent('p', 8));
  await activate(database.pool, 'p', '2.0.0');
  await both((of) => expect(of.get().policies.policies[0]?.version).toBe('2.0.0'));
  expect(other.get().policies.revision).toBe(snapshot.get().policies.revision);
  await insertException(database.pool);
  await both((of) => expect(of.get().exceptions.size).toBe(1));
  await create();
  await both((of) => expect(of.get().tokens.size).toBe(1));
  await database.pool.query(`insert into enforcement_pauses values ('all', 'r', 'ops', now())`);
  await both((of) => expect(of.get().pauses).toHaveLength(1));
  await transaction(database.pool, (db) => setAcceleration(db, 3600, { principal: 'system:start', at: AT }));
  await both((of) => expect(of.get().installation.acceleration).toBe(3600));
  await other.stop();
});

test('is told of a change, without waiting for its next look', async () => {
  await snapshot.stop();
  snapshot = createSnapshot(pool, { pollMs: 3_600_000 });
  await snapshot.start();
  await activate(database.pool, 'p', '1.0.0');
  await insertPolicy(database.pool, { name: 'q' });
  await soon(() => expect(versions()).toEqual(['p 1.0.0', 'q 1.0.0']));
});

test('a refresh shows what was committed before it', async () => {
  await snapshot.stop();
  snapshot = createSnapshot(pool, { pollMs: 3_600_000 });
  await snapshot.start();
  for (let index = 0; index < 5; index++) {
    await insertPolicy(database.pool, { name: `q${index}` });
    await snapshot.refresh();
    expect(versions()).toContain(`q${index} 1.0.0`);
  }
});

test('a policy is compiled once as long as only other things change', async () => {
  await snapshot.start();
  const { policies } = snapshot.get();
  await insertException(database.pool);
  await snapshot.refresh();
  expect(snapshot.get().policies).toBe(policies);
});

test.each(['cut', 'stall'] as const)(
  'when the database is lost (%s) it keeps what it has, says so, and recovers by itself',
  async (how) => {
    await insertException(database.pool, { id: 'exc_1', policy: 'p', rule: 'size', expiresAt: AT + 10 });
    await snapshot.start();
    proxy[how]();
    await soon(() => expect(snapshot.degraded).toBe(true));
    expect(snapshot.problem).toEqual(expect.any(String));
    expect(versions()).toEqual(['p 1.0.0']);
    const resource = { id: 'r1', account: 'a1', type: 'compute/instance', tags: {} } as unknown as Parameters<
      typeof findException
    >[1]['resource'];
    const covers = (at: number) =>
      findException(snapshot.get().exceptions, { resource, policyName: 'p', ruleName: 'size', at }) !== undefined;
    // Expiry is still compared with the clock.
    expect([covers(AT + 9), covers(AT + 10)]).toEqual([true, false]);
    await insertPolicy(database.pool, { name: 'q' });
    proxy.restore();
    await soon(() => expect(versions()).toEqual(['p 1.0.0', 'q 1.0.0']));
    expect(snapshot.degraded).toBe(false);
    expect(health.filter((problem) => problem === null)).toHaveLength(2);
    expect(health).toEqual([null, expect.any(String), null]);
  },
);

test('started without a database it is not loaded, says why, and loads when the database is there', async () => {
  proxy.cut();
  await snapshot.start();
  expect(snapshot.loaded).toBe(false);
  expect(() => snapshot.get()).toThrow(expect.objectContaining({ code: 'unavailable' }));
  proxy.restore();
  await soon(() => expect(snapshot.loaded).toBe(true));
  expect(versions()).toEqual(['p 1.0.0']);
});

test('a policy that this program cannot read is told, and everything else goes on', async () => {
  await insertPolicy(database.pool, { name: 'q' });
  await snapshot.start();
  await insertVersion(database.pool, 'p', '2.0.0', { ...policyContent('p'), kind: 'Other' });
  await activate(database.pool, 'p', '2.0.0');
  await soon(() => expect(versions()).toEqual(['p 2.0.0', 'q 1.0.0']));
  expect(unreadable).toEqual([expect.stringContaining('`p` 2.0.0')]);
  expect(snapshot.get().policies.policies.map((one) => one.unreadable === undefined)).toEqual([false, true]);
  const { token } = await create();
  await soon(() => expect(snapshot.get().tokens.has(hashToken(token))).toBe(true));
  expect(snapshot.degraded).toBe(false);
});

test('records the set that it uses', async () => {
  await snapshot.start();
  const { rows } = await database.pool.query('select revision, members from policy_sets');
  expect(rows).toEqual([{ revision: snapshot.get().policies.revision, members: [{ name: 'p', version: '1.0.0' }] }]);
});

test('does not need the pool: it works while every connection of the pool is busy', async () => {
  const busy = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
  await snapshot.start();
  expect(snapshot.degraded).toBe(false);
  for (const client of busy) client.release();
});
