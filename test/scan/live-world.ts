import type { Client } from '@temporalio/client';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createSimulatedProvider } from '../../src/cloud/simulated/provider.js';
import type { Pool } from '../../src/store/db.js';
import { directory, providersOf, settings } from './scan-world.js';

/** What a worker of a real scan needs: the simulated cloud of `pool`, the real clock. Remediations start on a queue that nobody serves. */
export function liveDeps(pool: Pool, temporal: Client): ActivityDeps {
  return {
    pool,
    temporal,
    taskQueue: 'nobody',
    providers: providersOf(createSimulatedProvider({ pool, catalog: createCatalog() })),
    channels: new Map([['console', { name: 'console', deliver: () => Promise.resolve() }]]),
    settings,
    directory,
    now: Date.now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
}
