/** The measured process of `scan.ts`: prints `ScanFigures` as JSON. */
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createScanActivities } from '../src/activities/scan.js';
import { createCatalog } from '../src/cloud/catalog/catalog.js';
import type { Provider } from '../src/cloud/provider.js';
import { seedBulk } from '../src/cloud/simulated/bulk.js';
import { createSimulatedProvider } from '../src/cloud/simulated/provider.js';
import { loadSettings } from '../src/config-files.js';
import { newId } from '../src/ids.js';
import { parsePolicies } from '../src/policy/parse.js';
import { createPool, transaction } from '../src/store/db.js';
import { migrate } from '../src/store/migrate.js';
import { seedPolicies } from '../src/store/policy-files.js';
import { nextShards } from '../src/store/scans.js';

export interface ScanFigures {
  readonly shards: number;
  readonly listingMs: number;
  readonly firstMs: number;
  readonly secondMs: number;
  readonly violations: number;
  readonly peakBytes: number;
}
