import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../../src/local/postgres.js';
import { packageRoot } from '../../src/package-root.js';
import { migrate } from '../../src/store/migrate.js';

const shipped = join(packageRoot, 'src/store/migrations');
const names = readdirSync(shipped)
  .filter((file) => file.endsWith('.sql'))
  .map((file) => file.replace(/\.sql$/, ''))
  .sort();

const made: string[] = [];
const directory = mkdtempSync(join(tmpdir(), 'tollgate-migrations-'));
for (const name of names) copyFileSync(join(shipped, `${name}.sql`), join(directory, `${name}.sql`));
let url: string;

beforeEach(async () => {
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  made.push(name);
  await withClient(inject('postgresUrl'), (client) => client.query(`create database ${name}`));
  url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href;
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await withClient(inject('postgresUrl'), async (client) => {
    for (const name of made) await client.query(`drop database ${name} with (force)`);
  });
});

async function one(sql: string): Promise<unknown> {
  const { rows } = await withClient(url, (client) => client.query<{ value: unknown }>(sql));
  return rows[0]?.value;
}

test('applies every shipped migration once, in order, and tells of each', async () => {
  const told: string[] = [];
  expect(await migrate(url, (line) => told.push(line))).toEqual(names);
  expect(told).toEqual(names.map((name) => `applied migration ${name}`));
  expect(await migrate(url)).toEqual([]);
});

test('three processes that start together all succeed, and one does the work', async () => {
  const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
  expect(applied.flat().sort()).toEqual(names);
});

test('refuses a database that a later program has migrated, and changes nothing', async () => {
  const later = join(directory, '9999_later.sql');
  writeFileSync(later, 'create table later_table (id integer);');
  await migrate(url, undefined, directory);
  rmSync(later);
  await expect(migrate(url, undefined, directory)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('`9999_later`') as string,
  });
  expect(await one(`select count(*)::int as value from migrations where name = '9999_later'`)).toBe(1);
});

test('refuses a migration that would go before one that has run', async () => {
  await migrate(url);
  const earlier = join(directory, '0000_earlier.sql');
  writeFileSync(earlier, 'create table earlier_table (id integer);');
  await expect(migrate(url, undefined, directory)).rejects.toThrow('0000_earlier');
  rmSync(earlier);
  expect(await one(`select to_regclass('earlier_table')::text as value`)).toBeNull();
});

test('a migration that fails leaves nothing of itself, nor of those before it in the same run', async () => {
  const broken = join(directory, '9999_broken.sql');
  writeFileSync(broken, 'create table half_done (id integer); select no_such_function();');
  await expect(migrate(url, undefined, directory)).rejects.toThrow('no_such_function');
  rmSync(broken);
  expect(await one(`select to_regclass('half_done')::text as value`)).toBeNull();
  expect(await one(`select to_regclass('policies')::text as value`)).toBeNull();
  expect(await migrate(url)).toEqual(names);
});

test('says that the database cannot be reached', async () => {
  await expect(migrate('postgres://127.0.0.1:1/none')).rejects.toMatchObject({ code: 'unavailable' });
});
