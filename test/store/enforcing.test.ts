import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { longestPeriodMs } from '../../src/policy/compile.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Db } from '../../src/store/db.js';
import { createCompiledCache, loadEnforcing, loadLiveExceptions, recordPolicySet } from '../../src/store/enforcing.js';
import { resource } from '../policy/samples.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT, activate, insertException, insertPolicy, insertVersion, policyContent } from './fixtures.js';

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.pool;
});
afterAll(() => database.drop());
beforeEach(() => db.query('truncate policies, policy_versions, policy_sets, exceptions cascade'));

test('only policies with an active version enforce, each in that version, in the order of their names', async () => {
  const b = await insertPolicy(db, { name: 'b', active: '2.0.0', content: policyContent('b', 8) });
  const a = await insertPolicy(db, { name: 'a' });
  await insertPolicy(db, { name: 'draft', active: null });
  const { policies, policyIds } = await loadEnforcing(db);
  expect(policies.map(({ version, policy }) => [policy.name, version, policy.rules[0]])).toEqual([
    ['a', '1.0.0', expect.objectContaining({ constraint: { maxVCPUs: 16 } })],
    ['b', '2.0.0', expect.objectContaining({ constraint: { maxVCPUs: 8 } })],
  ]);
  expect([...policyIds]).toEqual([
    ['a', a],
    ['b', b],
  ]);
});

test('the revision changes with the set, and comes back with it', async () => {
  const revision = async () => (await loadEnforcing(db)).revision;
  await insertPolicy(db, { name: 'a' });
  const before = await revision();
  expect(before).toMatch(/^sha256:[0-9a-f]{64}$/);
  await insertVersion(db, 'a', '2.0.0', policyContent('a', 8));
  expect(await revision()).toBe(before);
  await activate(db, 'a', '2.0.0');
  expect(await revision()).not.toBe(before);
  await activate(db, 'a', '1.0.0');
  expect(await revision()).toBe(before);
  await insertPolicy(db, { name: 'b' });
  expect(await revision()).not.toBe(before);
});

test('each revision is compiled once', async () => {
  await insertPolicy(db, { name: 'a' });
  const cache = createCompiledCache();
  const first = await cache.load(db);
  expect(first.compiled.rules).toHaveLength(1);
  expect(await cache.load(db)).toBe(first);
  await insertPolicy(db, { name: 'b' });
  const second = await cache.load(db);
  expect(second.compiled.rules).toHaveLength(2);
});

test('a stored policy that cannot be read counts as unknown rule by rule, says what is wrong, and hides no other', async () => {
  await insertPolicy(db, { name: 'a', content: { ...policyContent('a'), kind: 'Other' } });
  await insertPolicy(db, { name: 'b' });
  await insertPolicy(db, { name: 'c', content: { strange: true } });
  const told: string[] = [];
  const cache = createCompiledCache((problem) => told.push(problem));
  const set = await cache.load(db);
  await cache.load(db);
  expect(told).toEqual([expect.stringMatching(/`a` 1\.0\.0 .*kind/), expect.stringMatching(/`c` 1\.0\.0/)]);
  const big = resource({ specs: { vcpus: 32 } });
  const decision = evaluateRequest(set.compiled, NO_EXCEPTIONS, { resources: [big] }, AT);
  expect(decision.violations.map(({ policyName }) => policyName)).toEqual(['b']);
  expect(decision.errors.map(({ policyName, ruleName }) => [policyName, ruleName])).toEqual([
    ['a', 'size'],
    ['c', 'c'],
  ]);
  expect(decision.unknowns.map(({ policyName, effect }) => [policyName, effect])).toEqual([
    ['a', 'warn'],
    ['c', 'warn'],
  ]);
  expect(longestPeriodMs(set.policies.map(({ policy }) => policy))).toBe(0);
});

test('what a revision stood for is kept once', async () => {
  await insertPolicy(db, { name: 'a' });
  const set = await loadEnforcing(db);
  await recordPolicySet(db, set, AT);
  await recordPolicySet(db, set, AT + 1);
  const { rows } = await db.query('select revision, members, first_used_at from policy_sets');
  expect(rows).toEqual([{ revision: set.revision, members: [{ name: 'a', version: '1.0.0' }], first_used_at: AT }]);
});

test('pending and approved exceptions are live, the others are not', async () => {
  for (const status of ['pending', 'approved', 'rejected', 'expired', 'revoked', 'lapsed'])
    await insertException(db, { id: `exc_${status}`, status });
  expect((await loadLiveExceptions(db)).map(({ id }) => id).sort()).toEqual(['exc_approved', 'exc_pending']);
});
