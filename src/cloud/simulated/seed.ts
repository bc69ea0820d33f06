import type { Instant } from '../../policy/model.js';
import { type Pool, transaction } from '../../store/db.js';
import type { Catalog } from '../catalog/catalog.js';
import { insertResources } from './rows.js';
import { billedResources } from './seed/billed.js';
import { madeResources } from './seed/made-groups.js';

export interface SeedOptions {
  /** The same seed gives the same cloud: ids, tags, sizes, figures. @default tollgate */
  readonly seed?: string;
  /** What ages and metrics are counted back from. */
  readonly now: Instant;
  readonly catalog: Catalog;
}

export interface Seeded {
  /** False when the cloud had resources already: nothing was changed. */
  readonly seeded: boolean;
  readonly billed: number;
  readonly made: number;
}

/** Fills an empty simulated cloud with the resources of the sample bill and the made ones (`docs/simulated-cloud.md`). Safe to call at every start and from several processes. */
export async function seedSimulatedCloud(pool: Pool, options: SeedOptions): Promise<Seeded> {
  const world = { seed: options.seed ?? 'tollgate', now: options.now, catalog: options.catalog };
  return transaction(pool, async (db) => {
    await db.query(`select pg_advisory_xact_lock(hashtext('simulated seed'))`);
    const present = await db.query('select 1 from simulated.resources limit 1');
    if (present.rowCount !== 0) return { seeded: false, billed: 0, made: 0 };
    const billed = billedResources(world);
    const made = madeResources(world);
    await insertResources(db, [...billed, ...made]);
    return { seeded: true, billed: billed.length, made: made.length };
  });
}
