import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCatalog } from '../cloud/catalog/catalog.js';
import { seedSimulatedCloud } from '../cloud/simulated/seed.js';
import type { Config } from '../config.js';
import { createPool, type Pool, transaction } from '../store/db.js';
import { setAcceleration, setCurrency } from '../store/installation.js';
import { migrate } from '../store/migrate.js';
import { differingPolicyFiles, seedPolicies } from '../store/policy-files.js';
import { createToken, hashToken, loadTokens } from '../store/tokens.js';
import { readPolicyFiles } from './policy-files.js';

export interface PrepareOptions {
  /** N of the demonstration clock; null leaves it as it is. */
  readonly acceleration: number | null;
  readonly say: (line: string) => void;
}

export interface Prepared {
  /** Of `admin@local`, for the command line on this machine. */
  readonly token: string;
  readonly tokenFile: string;
}

/**
 * Brings the database to this program's schema and gives an empty one its first documents: the policy files as active 1.0.0, the
 * simulated cloud, the admin's token. Safe to repeat, and from several processes at once.
 * @throws invalid-policy when a policy file has problems and the database has no policies
 */
export async function prepareDatabase(config: Config, databaseUrl: string, { acceleration, say }: PrepareOptions): Promise<Prepared> {
  const applied = await migrate(databaseUrl);
  if (applied.length > 0) say(`migrations   ${applied.join(', ')}`);
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'tollgate prepare', max: 2, onError: () => {} });
  try {
    const at = Date.now();
    await transaction(pool, async (db) => {
      await setCurrency(db, config.settings.currency, { principal: 'system:start', at });
      if (acceleration !== null) await setAcceleration(db, acceleration, { principal: 'system:start', at });
    });
    await preparePolicies(pool, config, at, say);
    const { seeded, billed, made } = await seedSimulatedCloud(pool, { now: at, catalog: createCatalog() });
    if (seeded) say(`cloud        simulated: ${billed} resources of a real bill, ${made} made ones`);
    return await ensureAdminToken(pool, config.dataDir, at);
  } finally {
    await pool.end();
  }
}

async function preparePolicies(pool: Pool, config: Config, at: number, say: (line: string) => void): Promise<void> {
  const documents = readPolicyFiles(config.files.policies);
  const seeded = await transaction(pool, (db) => seedPolicies(db, documents, at));
  if (seeded > 0) {
    say(`policies     ${seeded} activated from ${config.files.policies}`);
    return;
  }
  const differing = await differingPolicyFiles(pool, documents);
  if (differing.length > 0) say(`policies     files that differ from what enforces, and are not read: ${differing.join(', ')}`);
}

/** The token in `admin-token` if the database knows it, else a new one, written there for its owner only. */
async function ensureAdminToken(pool: Pool, dataDir: string, at: number): Promise<Prepared> {
  const tokenFile = join(dataDir, 'admin-token');
  if (existsSync(tokenFile)) {
    const kept = readFileSync(tokenFile, 'utf8').trim();
    if ((await loadTokens(pool)).has(hashToken(kept))) return { token: kept, tokenFile };
  }
  const { token } = await transaction(pool, (db) =>
    createToken(db, { principal: 'admin@local', roles: ['admin'], expiresAt: null, createdBy: 'system:start', at }),
  );
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  return { token, tokenFile };
}
