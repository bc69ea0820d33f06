import { TollgateError } from '../../errors.js';
import { DAY } from '../../policy/durations.js';
import type { Instant, Metrics, ResourceKey } from '../../policy/model.js';
import { type Db, type Pool, toTimestamp, transaction } from '../../store/db.js';
import { type Catalog, PRICED_REGION } from '../catalog/catalog.js';
import {
  CLOUD_ACTIONS,
  type CloudCommand,
  type CommandOptions,
  type CommandOutcome,
  type ListPage,
  type Provider,
  type Shard,
} from '../provider.js';
import { planCommand, TAG_LIMITS } from './commands.js';
import { type CallTarget, createGate, type Gate } from './gate.js';
import { EXISTS, findRow, PROVIDER_NAME, RESOURCE_COLUMNS, type ResourceRow, toResource } from './rows.js';

export interface SimulatedProviderOptions {
  readonly pool: Pool;
  readonly catalog: Catalog;
  /** @default Date.now */
  readonly clock?: () => Instant;
  /** How long stopping, starting, snapshots and deletion take. @default 3,000 */
  readonly transitionMs?: number;
  /** Waits for injected latency. @default a timer that the signal ends */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

interface Context {
  readonly pool: Pool;
  readonly catalog: Catalog;
  readonly clock: () => Instant;
  readonly transitionMs: number;
  readonly gate: Gate;
}

const MAX_PAGE = 1_000;
const MAX_METRIC_KEYS = 500;

const NO_TARGET = { writes: false, account: null, region: null, type: null, resourceId: null };

function targetOf(api: string, key: ResourceKey, writes = false): CallTarget {
  return { api, writes, account: key.account, region: null, type: key.type, resourceId: key.id };
}

async function listShards({ pool, clock, gate }: Context, signal?: AbortSignal): Promise<readonly Shard[]> {
  const admission = await gate({ ...NO_TARGET, api: 'shards' }, signal);
  const result = await pool.query<Omit<Shard, 'provider'>>(
    `select account, region, type from simulated.resources where ${EXISTS} group by account, region, type order by account, region, type`,
    [toTimestamp(clock())],
  );
  admission.finish();
  return result.rows.map(({ account, region, type }) => ({ provider: PROVIDER_NAME, account, region, type }));
}

function decodeCursor(cursor: string | null): string {
  return cursor === null ? '' : Buffer.from(cursor, 'base64url').toString('utf8');
}

async function listPage(
  context: Context,
  shard: Shard,
  page: { cursor: string | null; limit: number },
  signal?: AbortSignal,
): Promise<ListPage> {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > MAX_PAGE) {
    throw new TollgateError('provider-refused', `a page has 1 to ${MAX_PAGE} resources, not ${page.limit}`);
  }
  const { account, region, type } = shard;
  const admission = await context.gate({ api: 'list', writes: false, account, region, type, resourceId: null }, signal);
  // One row more than asked for tells whether there is a next page.
  const result = await context.pool.query<ResourceRow>(
    `select ${RESOURCE_COLUMNS} from simulated.resources
     where account = $2 and region = $3 and type = $4 and id > $5 and ${EXISTS} order by id limit $6`,
    [toTimestamp(context.clock()), account, region, type, decodeCursor(page.cursor), page.limit + 1],
  );
  admission.finish();
  const rows = result.rows.slice(0, page.limit);
  const last = rows.at(-1);
  const next = result.rows.length > page.limit && last !== undefined ? Buffer.from(last.id).toString('base64url') : null;
  return { resources: rows.map(toResource), next };
}

type MetricsRow = Pick<ResourceRow, 'avg_cpu_percent' | 'avg_network_bytes_per_day' | 'metrics_since'>;

function toMetrics(row: MetricsRow | undefined, days: number, at: Instant): Metrics | null {
  if (row === undefined || row.metrics_since === null) return null;
  return {
    avgCpuPercent: row.avg_cpu_percent,
    avgNetworkBytesPerDay: row.avg_network_bytes_per_day,
    days: Math.max(0, Math.min(days, Math.floor((at - row.metrics_since) / DAY))),
  };
}

async function readMetrics(
  context: Context,
  keys: readonly ResourceKey[],
  days: number,
  signal?: AbortSignal,
): Promise<readonly (Metrics | null)[]> {
  if (keys.length > MAX_METRIC_KEYS) throw new TollgateError('provider-refused', `at most ${MAX_METRIC_KEYS} keys, not ${keys.length}`);
  const admissions = [];
  for (const account of new Set(keys.map((key) => key.account))) {
    admissions.push(await context.gate({ ...NO_TARGET, api: 'metrics', account }, signal));
  }
  const at = context.clock();
  const result = await context.pool.query<MetricsRow & { position: number }>(
    `select wanted.position, avg_cpu_percent, avg_network_bytes_per_day, metrics_since
     from unnest($2::text[], $3::text[], $4::text[]) with ordinality as wanted (account, type, id, position)
     join simulated.resources using (account, type, id) where ${EXISTS}`,
    [toTimestamp(at), keys.map((key) => key.account), keys.map((key) => key.type), keys.map((key) => key.id)],
  );
  for (const admission of admissions) admission.finish();
  const byPosition = new Map(result.rows.map((row) => [row.position, row]));
  return keys.map((_, index) => toMetrics(byPosition.get(index + 1), days, at));
}

/** The first outcome under this token, counted as a repeat; undefined for a token not seen. @throws provider-refused for another command. */
async function repeatOf(db: Db, command: CloudCommand, token: string): Promise<CommandOutcome | undefined> {
  const result = await db.query<{ same: boolean; outcome: CommandOutcome }>(
    `update simulated.calls set repeats = repeats + 1 where account = $1 and token = $2 returning command = $3::jsonb as same, outcome`,
    [command.key.account, token, JSON.stringify(command)],
  );
  const [first] = result.rows;
  if (first === undefined) return undefined;
  if (!first.same) throw new TollgateError('provider-refused', `idempotency token \`${token}\` was used with other parameters`);
  return { ...first.outcome, changed: false };
}

/** Plan, effect and the record of the token in one transaction, under the lock of the resource's row. */
async function executeOnce(context: Context, db: Db, command: CloudCommand, options: CommandOptions): Promise<CommandOutcome> {
  const { key, kind } = command;
  const token = options.idempotencyToken;
  // Two calls with one token at the same time: the second waits here, then finds the first one's outcome.
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`simulated ${key.account} ${token}`]);
  const repeated = options.dryRun === true ? undefined : await repeatOf(db, command, token);
  if (repeated !== undefined) return repeated;
  const at = context.clock();
  const plan = await planCommand(command, { db, catalog: context.catalog, at, transitionMs: context.transitionMs, token });
  if (options.dryRun === true) return plan.outcome;
  await plan.apply();
  await db.query(
    `insert into simulated.calls (at, account, token, type, resource_id, kind, command, changed, outcome)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      toTimestamp(at),
      key.account,
      token,
      key.type,
      key.id,
      kind,
      JSON.stringify(command),
      plan.outcome.changed,
      JSON.stringify(plan.outcome),
    ],
  );
  return plan.outcome;
}

async function execute(context: Context, command: CloudCommand, options: CommandOptions): Promise<CommandOutcome> {
  const admission = await context.gate(targetOf(command.kind, command.key, true), options.signal);
  const outcome = await transaction(context.pool, (db) => executeOnce(context, db, command, options));
  admission.finish();
  return outcome;
}

/**
 * A cloud in PostgreSQL (schema `simulated`). It has real behaviour: pages, states that take time, rate limits that hold across
 * processes, idempotency tokens, tag limits, injected latency and faults. Its price list is that of us-east-1, in all its regions.
 */
export function createSimulatedProvider(options: SimulatedProviderOptions): Provider {
  const { pool, catalog, clock = Date.now, transitionMs = 3_000, sleep } = options;
  const gate = createGate({ pool, clock, ...(sleep === undefined ? {} : { sleep }) });
  const context: Context = { pool, catalog, clock, transitionMs, gate };
  return {
    name: PROVIDER_NAME,
    capabilities: { actions: CLOUD_ACTIONS, dryRun: true, metrics: true, snapshots: true, tagLimits: TAG_LIMITS },
    shards: (signal) => listShards(context, signal),
    list: (shard, page, signal) => listPage(context, shard, page, signal),
    async find(key, signal) {
      const admission = await gate(targetOf('find', key), signal);
      const row = await findRow(pool, key, clock());
      admission.finish();
      return row === undefined ? null : toResource(row);
    },
    metrics: (keys, days, signal) => readMetrics(context, keys, days, signal),
    execute: (command, commandOptions) => execute(context, command, commandOptions),
    price: (resource) => catalog.price({ ...resource, region: PRICED_REGION }),
    offers: () => catalog.offers(PRICED_REGION),
  };
}
