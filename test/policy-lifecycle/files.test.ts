import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parsePolicyFiles } from '../../src/policy/parse.js';
import { listAudit } from '../../src/store/audit.js';
import { transaction } from '../../src/store/db.js';
import { getPolicy, listPolicies } from '../../src/store/policies.js';
import { differingPolicyFiles, seedPolicies } from '../../src/store/policy-files.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const AT = Date.UTC(2026, 10, 22);
const shipped = parsePolicyFiles(
  readdirSync('policies')
    .filter((file) => file.endsWith('.yaml') && !file.endsWith('.test.yaml'))
    .map((file) => ({ file, text: readFileSync(`policies/${file}`, 'utf8') })),
).documents;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('the shipped files are activated as 1.0.0 once, by the system, also when two processes start together', async () => {
  expect(shipped.length).toBeGreaterThan(0);
  const seed = () => transaction(database.pool, (db) => seedPolicies(db, shipped, AT));
  const counts = await Promise.all([seed(), seed()]);
  expect([...counts].sort((a, b) => a - b)).toEqual([0, shipped.length]);
  const { items } = await listPolicies(database.pool, { enforcing: true }, { limit: 100, cursor: null });
  expect(items).toHaveLength(shipped.length);
  for (const policy of items) {
    expect(policy).toMatchObject({
      status: 'active',
      activeVersion: '1.0.0',
      createdBy: 'system:seed',
      reviewers: [],
      approvals: [],
      versions: [{ status: 'active' }],
    });
  }
  const audit = await listAudit(database.pool, { action: 'policy.seed' }, { limit: 100, cursor: null });
  expect(audit.items).toHaveLength(shipped.length);
});

test('a file that differs from the active version, or is new, is named', async () => {
  expect(await differingPolicyFiles(database.pool, shipped)).toEqual([]);
  const [first, ...rest] = shipped;
  if (first === undefined) throw new Error('there are files');
  const text = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: new-one }
spec: { type: Orphan, rules: [{ name: old, resource: storage/volume, unattachedDays: 7 }] }`;
  const [added] = parsePolicyFiles([{ file: 'new.yaml', text }]).documents;
  if (added === undefined) throw new Error('it parses');
  const changed = { ...first, content: { ...(first.content as object), metadata: { name: first.policy.name, description: 'changed' } } };
  expect(await differingPolicyFiles(database.pool, [changed, ...rest, added])).toEqual([first.policy.name, 'new-one']);
});

test('a policy that is not there is not found', async () => {
  await expect(getPolicy(database.pool, 'none')).rejects.toMatchObject({ code: 'not-found' });
});
