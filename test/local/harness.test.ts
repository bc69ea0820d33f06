import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingSearchAttributes } from '../../src/runtime/namespace.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connectTestTemporal, type TestTemporal } from '../support/temporal.js';

let database: TestDatabase;
let temporal: TestTemporal;
beforeAll(async () => {
  [database, temporal] = await Promise.all([createTestDatabase(), connectTestTemporal()]);
});
afterAll(async () => {
  await Promise.all([database.drop(), temporal.close()]);
});

test('a test database is migrated, empty and UTF-8', async () => {
  const { rows } = await database.pool.query(`select count(*) as policies, current_setting('server_encoding') as encoding from policies`);
  expect(rows).toEqual([{ policies: 0, encoding: 'UTF8' }]);
});

test('two files that make databases at the same time do not disturb each other', async () => {
  const others = await Promise.all(Array.from({ length: 4 }, () => createTestDatabase()));
  expect(new Set(others.map((other) => other.connectionString)).size).toBe(4);
  await Promise.all(others.map((other) => other.drop()));
});

test('a test namespace has all search attributes', async () => {
  const { connection } = temporal.client;
  expect(await missingSearchAttributes(connection as never, temporal.namespace)).toEqual([]);
});
