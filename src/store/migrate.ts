import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { TollgateError } from '../errors.js';
import { packageRoot } from '../package-root.js';

const MIGRATIONS_TABLE = 'migrations';
/** Ours, so that no other program that uses the same library on the same server waits for us. */
const LOCK = 7_206_411_930_412;

/** The folder that is shipped with the program, the same from `src/` and from `dist/`. */
const SHIPPED = join(packageRoot, 'src/store/migrations');

/**
 * Brings the database up to this program's schema, all new migrations in one transaction, and answers their names; `log` is told each.
 * Any number of processes may call it at the same time: they wait for each other, and one of them does the work.
 * @throws conflict when the database has migrations that this program does not know (it is older than the database), or has them in another order
 * @throws unavailable when the database cannot be reached
 */
export async function migrate(connectionString: string, log?: (line: string) => void, directory = SHIPPED): Promise<readonly string[]> {
  const client = await connect(connectionString);
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await refuseUnknownMigrations(client, directory);
    const applied = await runner({
      dbClient: client,
      dir: directory,
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      checkOrder: true,
      singleTransaction: true,
      // The lock is taken above, before the check, and released with the connection.
      noLock: true,
      logger: silent,
    });
    for (const { name } of applied) log?.(`applied migration ${name}`);
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'tollgate migrate', connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw new TollgateError('unavailable', 'the database cannot be reached', { cause: error });
  }
}

async function refuseUnknownMigrations(client: pg.Client, directory: string): Promise<void> {
  const known = (await readdir(directory)).filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -'.sql'.length));
  const unknown = (await appliedMigrations(client)).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `\`${name}\``).join(', ');
  throw new TollgateError(
    'conflict',
    `the database is newer than this program: it has ${names}; start the version that made it, or a later one`,
  );
}

async function appliedMigrations(client: pg.Client): Promise<readonly string[]> {
  const { rows: found } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [MIGRATIONS_TABLE]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE} order by id`);
  return rows.map(({ name }) => name);
}
