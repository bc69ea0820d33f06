import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runDoctor } from '../../src/local/doctor.js';
import { createTestDatabase } from '../support/postgres.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const PORT = '1'; // below 1024: nobody listens there, and nothing is started

test('on a machine that has everything, each check is well and every setting is shown with its default', async () => {
  const checks = await runDoctor({ ...process.env, TOLLGATE_DATA_DIR: temporaryDirectory(), TOLLGATE_PORT: PORT });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  const names = checks.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['Node', 'PostgreSQL', 'Temporal', 'port', 'processes', 'directory', 'policy files', 'settings']),
  );
  expect(checks.find(({ name }) => name === 'course.highGrace')?.message).toBe('24h (default)');
});

test('every problem of the configuration is a finding of its own', async () => {
  const settings = join(temporaryDirectory(), 'settings.yaml');
  writeFileSync(settings, 'curency: USD\n');
  const checks = await runDoctor({ ...process.env, TOLLGATE_SETTINGS: settings, TOLLGATE_PORT: 'x' });
  expect(checks.filter(({ ok }) => !ok).map(({ name, message }) => [name, message])).toEqual([
    ['TOLLGATE_PORT', 'expected a port number, got `x`'],
    [`${settings}: curency`, 'unknown key, did you mean currency?'],
  ]);
});

test('servers that are named and away are findings with a remedy', async () => {
  const away = { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/none', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const checks = await runDoctor({ ...process.env, ...away, TOLLGATE_DATA_DIR: temporaryDirectory(), TOLLGATE_PORT: PORT });
  const missing = checks.filter(({ ok }) => !ok);
  expect(missing.map(({ name }) => name)).toEqual(['PostgreSQL', 'Temporal']);
  expect(missing.every(({ remedy }) => remedy !== null)).toBe(true);
});

test('policy files that are not what enforces are named', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const env = { ...process.env, DATABASE_URL: database.connectionString, TOLLGATE_DATA_DIR: temporaryDirectory(), TOLLGATE_PORT: PORT };
  const found = (await runDoctor(env)).find(({ name }) => name === 'policy files');
  expect(found?.message).toMatch(/new, or not what enforces: .*resource-limits/);
});
