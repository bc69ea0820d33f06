import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { appendAudit, listAudit, type NewAuditEntry, verifyAudit } from '../../src/store/audit.js';
import { transaction } from '../../src/store/db.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const at = Date.UTC(2026, 10, 22);
const entry = (over: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  principal: 'dana@company.com',
  action: 'exception.approve',
  subject: 'exc_1',
  before: null,
  after: { status: 'approved' },
  at,
  ...over,
});
const append = (over: Partial<NewAuditEntry> = {}) => transaction(database.pool, (db) => appendAudit(db, entry(over)));

/** As an intruder with all rights on the database would: without the trigger. */
async function tamper(sql: string): Promise<void> {
  await database.pool.query('alter table audit_log disable trigger all');
  await database.pool.query(sql);
  await database.pool.query('alter table audit_log enable trigger all');
}

beforeEach(() => tamper('truncate audit_log'));

test('an empty log is intact', async () => {
  expect(await verifyAudit(database.pool)).toEqual({ intact: true, entries: 0, head: null, broken: null });
});

test('entries that are written at the same time form one unbroken chain', async () => {
  await Promise.all(Array.from({ length: 25 }, (_, index) => append({ subject: `exc_${index}` })));
  expect(await verifyAudit(database.pool)).toMatchObject({ intact: true, entries: 25 });
});

test('what a rolled back transaction appended is not there, and leaves no gap', async () => {
  await append();
  await transaction(database.pool, async (db) => {
    await appendAudit(db, entry());
    throw new Error('no');
  }).catch(() => {});
  await append();
  expect(await verifyAudit(database.pool)).toMatchObject({ intact: true, entries: 2 });
});

test('values that JSON and PostgreSQL write differently are verified as what they are', async () => {
  await append({ before: { b: 1e21, a: [1.5, -0, 1e-7] }, after: { text: 'ä "\\ \u2028', left: undefined, nested: { z: null, y: true } } });
  expect(await verifyAudit(database.pool)).toMatchObject({ intact: true, entries: 1 });
});

test.each([
  ['changed', `update audit_log set after = '{"status": "rejected"}' where seq = 2`, 'entry 2 was changed after it was written'],
  ['changed principal', `update audit_log set principal = 'eve' where seq = 2`, 'entry 2 was changed after it was written'],
  ['removed', 'delete from audit_log where seq = 2', 'entry 2 is missing'],
  [
    'rewritten with a hash of its own',
    `update audit_log set hash = repeat('a', 64) where seq = 2`,
    'entry 2 was changed after it was written',
  ],
  ['chained elsewhere', `update audit_log set previous_hash = repeat('b', 64) where seq = 2`, 'entry 2 is not chained to the one before'],
])('verification names the first row that was %s', async (_, sql, problem) => {
  for (const subject of ['a', 'b', 'c']) await append({ subject });
  await tamper(sql);
  expect(await verifyAudit(database.pool)).toMatchObject({ intact: false, entries: 1, broken: { seq: 2, problem } });
});

test('the head changes with each entry, so that one kept elsewhere shows a cut end', async () => {
  await append();
  const { head } = await verifyAudit(database.pool);
  await append();
  await append();
  expect((await verifyAudit(database.pool)).head).not.toBe(head);
  await tamper('delete from audit_log where seq > 1');
  expect((await verifyAudit(database.pool)).head).toBe(head);
});

test.each(['update audit_log set principal = principal', 'delete from audit_log', 'truncate audit_log'])(
  'the database refuses: %s',
  async (sql) => {
    await append();
    await expect(database.pool.query(sql)).rejects.toThrow('append-only');
  },
);

test('lists newest first, filtered, page by page', async () => {
  for (let index = 1; index <= 5; index++) await append({ subject: `exc_${index % 2}`, at: at + index });
  const first = await listAudit(database.pool, {}, { limit: 2, cursor: null });
  expect(first.items.map(({ seq }) => seq)).toEqual([5, 4]);
  const second = await listAudit(database.pool, {}, { limit: 10, cursor: first.next });
  expect(second.items.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  expect(second.next).toBeNull();
  const seqs = async (filter: Parameters<typeof listAudit>[1]) =>
    (await listAudit(database.pool, filter, { limit: 10, cursor: null })).items.map(({ seq }) => seq);
  expect(await seqs({ subject: 'exc_1' })).toEqual([5, 3, 1]);
  expect(await seqs({ since: at + 2, until: at + 4 })).toEqual([3, 2]);
  expect(await seqs({ principal: 'nobody' })).toEqual([]);
  expect(await seqs({ action: 'exception.approve', principal: 'dana@company.com' })).toHaveLength(5);
});

test('an entry is listed as it was appended', async () => {
  await append({ before: { status: 'pending' } });
  const { items } = await listAudit(database.pool, {}, { limit: 1, cursor: null });
  expect(items[0]).toEqual({
    seq: 1,
    at,
    principal: 'dana@company.com',
    action: 'exception.approve',
    subject: 'exc_1',
    before: { status: 'pending' },
    after: { status: 'approved' },
    hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
});
