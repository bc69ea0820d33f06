/** The measured process of `scan.ts`: prints `ScanFigures` as JSON. */
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../src/activities/deps.js';
import { createScanActivities } from '../src/activities/scan.js';
import { createCatalog } from '../src/cloud/catalog/catalog.js';
import type { Provider } from '../src/cloud/provider.js';
import { seedBulk } from '../src/cloud/simulated/bulk.js';
import { createSimulatedProvider } from '../src/cloud/simulated/provider.js';
import { defaultSettings } from '../src/config/settings-file.js';
import { newId } from '../src/ids.js';
import { parsePolicies } from '../src/policy/parse.js';
import { createPool, type Pool, transaction } from '../src/store/db.js';
import { migrate } from '../src/store/migrate.js';
import { seedPolicies } from '../src/store/policy-files.js';

export interface ScanFigures {
  readonly shards: number;
  readonly listingMs: number;
  readonly firstMs: number;
  readonly secondMs: number;
  readonly violations: number;
  readonly peakBytes: number;
}

interface Place {
  readonly connectionString: string;
  readonly resources: number;
  readonly policies: number;
}

const PAGE = 1_000;
const METRICS_AT_ONCE = 500;
const PARALLEL = 4;

/** Limits on size, tags, use and attachment, in turn; each with a number of its own. */
function policyText(index: number): string {
  const bodies = [
    `type: ResourceLimit\n  rules:\n    - { name: size, resource: compute/instance, constraint: { maxVCPUs: ${16 + (index % 8)}, maxMemoryGB: ${64 + index} } }`,
    `type: TagRequirement\n  rules:\n    - { name: tags, scope: [compute/*, storage/*], requiredTags: [{ key: owner, pattern: "^[a-z]+@company\\\\.com$" }, { key: cost-center, pattern: "^CC-[0-9]{6}$" }, { key: environment, allowedValues: [production, staging, development, sandbox] }] }`,
    `type: Utilization\n  rules:\n    - { name: idle, resource: compute/instance, period: 7d, avgCpuBelowPercent: ${2 + (index % 4)} }`,
    `type: Orphan\n  rules:\n    - { name: unattached, resource: storage/volume, unattachedDays: ${7 + index} }`,
    `type: ResourceLimit\n  rules:\n    - { name: volume, resource: storage/volume, constraint: { maxSizeGB: ${480 + index} } }`,
  ];
  return `apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata: { name: bench-${index} }\nspec:\n  ${bodies[index % bodies.length]}\n`;
}

async function prepare({ connectionString, resources, policies }: Place): Promise<Pool> {
  await migrate(connectionString);
  const pool = createPool({ connectionString, applicationName: 'bench', onError: () => {} });
  const { documents, issues } = parsePolicies(Array.from({ length: policies }, (_, index) => policyText(index)).join('---\n'), null);
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  await transaction(pool, (db) => seedPolicies(db, documents, Date.now()));
  await seedBulk(pool, resources, Date.now());
  await pool.query('update simulated.settings set reads_burst = 1000000');
  await pool.query('vacuum analyze');
  return pool;
}

function depsOf(pool: Pool, provider: Provider): ActivityDeps {
  return {
    pool,
    temporal: new Client({ connection: Connection.lazy() }),
    taskQueue: 'bench',
    providers: { names: [provider.name], get: () => provider },
    channels: new Map(),
    settings: defaultSettings(),
    directory: { people: [], groups: {}, owners: { team: ['tag:cost-center'], owner: ['tag:owner'], fallback: [] } },
    now: Date.now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const runner = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, runner));
}

/** Every page and its metrics, read as a scan reads them, and dropped. */
async function listAll(provider: Provider): Promise<number> {
  const began = performance.now();
  await inParallel(await provider.shards(), async (shard) => {
    for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
      const page = await provider.list(shard, { cursor, limit: PAGE });
      const keys = page.resources.map(({ type, id }) => ({ provider: shard.provider, account: shard.account, type, id: id ?? '' }));
      for (let from = 0; from < keys.length; from += METRICS_AT_ONCE) {
        if (shard.type === 'compute/instance') await provider.metrics(keys.slice(from, from + METRICS_AT_ONCE), 7);
      }
      cursor = page.next;
    }
  });
  return performance.now() - began;
}

/** The activities of a scan in the order of its workflow, up to its summary; answers how long that took. */
async function scanAll(activities: ReturnType<typeof createScanActivities>) {
  const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> => new MockActivityEnvironment().run(activity, input);
  const began = performance.now();
  const scanId = newId('scan');
  await run(activities.openScan, { id: scanId, trigger: 'manual', scope: {}, dryRun: false, requestedBy: 'bench', workflowId: scanId });
  const shards = await run(activities.nextShards, { scanId, after: null, limit: 10_000 });
  await inParallel(shards, (shard) => run(activities.scanShards, { scanId, shards: [shard], pageSize: PAGE }));
  const summary = await run(activities.endScan, { scanId, end: 'done', error: null });
  return { ms: performance.now() - began, shards: shards.length, violations: summary?.violationsFound ?? 0 };
}

const place: Place = JSON.parse(process.argv[2] ?? '{}');
const pool = await prepare(place);
const provider = createSimulatedProvider({ pool, catalog: createCatalog() });
const activities = createScanActivities(depsOf(pool, provider));
await listAll(provider);
const listingMs = await listAll(provider);
const first = await scanAll(activities);
const second = await scanAll(activities);
const figures: ScanFigures = {
  shards: first.shards,
  listingMs,
  firstMs: first.ms,
  secondMs: second.ms,
  violations: first.violations,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(JSON.stringify(figures));
await pool.end();
