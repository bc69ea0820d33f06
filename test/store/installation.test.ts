import { afterAll, beforeAll, expect, test } from 'vitest';
import { listAudit } from '../../src/store/audit.js';
import { transaction } from '../../src/store/db.js';
import { getInstallation, setAcceleration, setCurrency } from '../../src/store/installation.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { AT } from './fixtures.js';
import { insertResource } from './report-fixtures.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const by = { principal: 'system:start', at: AT };
const accelerate = (n: number) => transaction(database.pool, (db) => setAcceleration(db, n, by));
const currency = (code: string) => transaction(database.pool, (db) => setCurrency(db, code, by));
const audited = async () =>
  (await listAudit(database.pool, { subject: 'installation' }, { limit: 10, cursor: null })).items.map(({ after }) => after);

test('a new installation counts in USD and real time', async () => {
  expect(await getInstallation(database.pool)).toEqual({ currency: 'USD', acceleration: 1 });
});

test('a change is audited once, and setting what is so already is no change', async () => {
  await accelerate(3600);
  await accelerate(3600);
  await currency('EUR');
  expect(await getInstallation(database.pool)).toEqual({ currency: 'EUR', acceleration: 3600 });
  expect(await audited()).toEqual([
    { currency: 'EUR', acceleration: 3600 },
    { currency: 'USD', acceleration: 3600 },
  ]);
});

test.each([0, -1, 1.5, Number.NaN, 1_000_001])('an acceleration of %d is refused', async (n) => {
  await expect(accelerate(n)).rejects.toMatchObject({ code: 'invalid-input' });
});

test('the currency stays once there are resources', async () => {
  await insertResource(database.pool, { id: 'r1' });
  await expect(currency('CHF')).rejects.toMatchObject({ code: 'conflict' });
  await currency('EUR');
});
