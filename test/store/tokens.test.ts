import { afterAll, beforeAll, expect, test } from 'vitest';
import { listAudit } from '../../src/store/audit.js';
import { transaction } from '../../src/store/db.js';
import { createToken, hashToken, listTokens, loadTokens, type NewToken, revokeToken } from '../../src/store/tokens.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const at = Date.UTC(2026, 10, 22);
const create = (over: Partial<NewToken> = {}) =>
  transaction(database.pool, (db) =>
    createToken(db, {
      principal: 'fiona@company.com',
      roles: ['approver', 'viewer'],
      expiresAt: null,
      createdBy: 'admin@local',
      at,
      ...over,
    }),
  );

test('a token has 256 random bits behind its prefix, and is found by its hash', async () => {
  const { record, token } = await create({ expiresAt: at + 5 });
  expect(token).toMatch(/^tg_[\w-]{43}$/);
  expect(record).toMatchObject({ principal: 'fiona@company.com', roles: ['approver', 'viewer'], expiresAt: at + 5, revokedAt: null });
  expect(token.startsWith(record.prefix)).toBe(true);
  expect((await loadTokens(database.pool)).get(hashToken(token))).toEqual({
    id: record.id,
    principal: 'fiona@company.com',
    roles: ['approver', 'viewer'],
    expiresAt: at + 5,
  });
});

test('the token itself is nowhere in the database', async () => {
  const { token } = await create();
  const { rows } = await database.pool.query<{ text: string }>(
    `select t::text as text from tokens t union all select a::text from audit_log a`,
  );
  expect(rows.some(({ text }) => text.includes(token))).toBe(false);
});

test('a revoked token is no longer loaded; revoking it again changes nothing', async () => {
  const { record, token } = await create();
  const revoke = (principal: string) => transaction(database.pool, (db) => revokeToken(db, record.id, { principal, at: at + 1 }));
  expect(await revoke('admin@local')).toMatchObject({ revokedAt: at + 1 });
  expect((await loadTokens(database.pool)).has(hashToken(token))).toBe(false);
  await revoke('somebody@else');
  const { items } = await listAudit(database.pool, { subject: record.id }, { limit: 10, cursor: null });
  expect(items.map(({ action, principal }) => [action, principal])).toEqual([
    ['token.revoke', 'admin@local'],
    ['token.create', 'admin@local'],
  ]);
});

test('an unknown token cannot be revoked', async () => {
  await expect(transaction(database.pool, (db) => revokeToken(db, 'tok_none', { principal: 'a', at }))).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('lists newest first, page by page', async () => {
  for (let index = 1; index <= 3; index++) await create({ at: at + 1_000 * index });
  const first = await listTokens(database.pool, { limit: 2, cursor: null });
  const second = await listTokens(database.pool, { limit: 1, cursor: first.next });
  expect([...first.items, ...second.items].map(({ createdAt }) => createdAt)).toEqual([at + 3_000, at + 2_000, at + 1_000]);
});
