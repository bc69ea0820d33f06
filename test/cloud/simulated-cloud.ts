import { type Catalog, createCatalog } from '../../src/cloud/catalog/catalog.js';
import type { Provider } from '../../src/cloud/provider.js';
import { createSimulatedAdmin, type SimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import { createSimulatedProvider } from '../../src/cloud/simulated/provider.js';
import type { Instant } from '../../src/policy/model.js';
import type { Pool } from '../../src/store/db.js';
import { createTestDatabase } from '../support/postgres.js';

export interface TestCloud {
  readonly pool: Pool;
  readonly catalog: Catalog;
  readonly provider: Provider;
  readonly admin: SimulatedAdmin;
  now(): Instant;
  /** Moves the cloud's clock. */
  pass(ms: number): void;
  /** Every wait for injected latency, in ms; none of them takes time. */
  readonly slept: number[];
  close(): Promise<void>;
}

export const TRANSITION_MS = 60_000;

/** An empty simulated cloud in a database of its own, whose time passes only when told. */
export async function createTestCloud(): Promise<TestCloud> {
  const database = await createTestDatabase();
  const catalog = createCatalog();
  const slept: number[] = [];
  let at = Date.UTC(2026, 7, 1, 12);
  const clock = () => at;
  const sleep = (ms: number) => {
    slept.push(ms);
    return Promise.resolve();
  };
  return {
    pool: database.pool,
    catalog,
    slept,
    provider: createSimulatedProvider({ pool: database.pool, catalog, clock, sleep, transitionMs: TRANSITION_MS }),
    admin: createSimulatedAdmin(database.pool, { catalog, clock }),
    now: clock,
    pass: (ms) => {
      at += ms;
    },
    close: () => database.drop(),
  };
}
