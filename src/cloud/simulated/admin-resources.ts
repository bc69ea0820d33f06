import { TollgateError } from '../../errors.js';
import { DAY } from '../../policy/durations.js';
import type { Cost, Instant, Resource, ResourceKey, Specs } from '../../policy/model.js';
import { type Db, toTimestamp } from '../../store/db.js';
import { type Catalog, PRICED_REGION, specsOf } from '../catalog/catalog.js';
import { type ChangeBody, type CreateBody, type MetricsBody, toSpecs } from './admin-bodies.js';
import {
  costOfHour,
  findRow,
  insertResources,
  type MetricsSince,
  PROVIDER_NAME,
  type ResourceRow,
  toResource,
  updateResource,
} from './rows.js';

export interface AdminContext {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly clock: () => Instant;
}

type Key = Omit<ResourceKey, 'provider'>;

const UNKNOWN: Cost = { hourly: null, monthly: null, source: 'none' };
const INITIAL_STATE: Readonly<Record<string, string>> = {
  'storage/volume': 'available',
  'storage/snapshot': 'completed',
  'network/address': 'available',
};

async function getRow({ db, clock }: AdminContext, key: Key): Promise<ResourceRow> {
  const row = await findRow(db, { ...key, provider: PROVIDER_NAME }, clock());
  if (row === undefined) throw new TollgateError('not-found', `no \`${key.type}\` \`${key.id}\` in account \`${key.account}\``);
  return row;
}

/** What the resource had, then what a type that the body names says, then the rest of the body. */
function mergeSpecs({ catalog }: AdminContext, type: string, before: Specs, body: ChangeBody['specs'] = {}): Specs {
  const given = toSpecs(body);
  const named = type.endsWith('/instance') && given.instanceType !== undefined ? catalog.findInstanceType(given.instanceType) : undefined;
  return { ...before, ...(named === undefined ? {} : specsOf(named)), ...given };
}

function mergeTags(tags: Resource['tags'], changes: ChangeBody['tags'] = {}): Record<string, string> {
  const merged = Object.entries<string | null>({ ...tags, ...changes });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}

function costFor({ catalog }: AdminContext, type: string, specs: Specs, hourly: string | null | undefined): Cost {
  if (hourly === null) return UNKNOWN;
  return hourly === undefined ? catalog.price({ type, region: PRICED_REGION, specs }) : costOfHour(hourly, 'price-list');
}

function toMetrics(body: MetricsBody | null | undefined, at: Instant): MetricsSince | null {
  if (body === undefined || body === null) return null;
  return { avgCpuPercent: body.avg_cpu_percent, avgNetworkBytesPerDay: body.avg_network_bytes_per_day, since: at - body.days * DAY };
}

function toInstant(text: string | null | undefined): Instant | null {
  return text === undefined || text === null ? null : Date.parse(text);
}

/** @throws conflict when its id is or was in use */
export async function createResource(context: AdminContext, body: CreateBody): Promise<Resource> {
  const { db, clock } = context;
  const { account, type, id, region } = body;
  const taken = await db.query('select 1 from simulated.resources where account = $1 and type = $2 and id = $3', [account, type, id]);
  if (taken.rowCount !== 0) throw new TollgateError('conflict', `\`${type}\` \`${id}\` is or was in account \`${account}\``);
  const at = clock();
  const specs = mergeSpecs(context, type, {}, body.specs);
  await insertResources(db, [
    {
      account,
      type,
      id,
      region,
      state: body.state ?? INITIAL_STATE[type] ?? 'running',
      createdAt: toInstant(body.created_at) ?? at,
      cost: costFor(context, type, specs, body.hourly_cost),
      origin: 'command',
      name: body.name ?? null,
      namespace: body.namespace ?? null,
      tags: mergeTags({}, body.tags),
      specs,
      metrics: toMetrics(body.metrics, at),
      attachedTo: body.attached_to ?? null,
      detachedAt: toInstant(body.detached_at),
      managedBy: body.managed_by ?? null,
    },
  ]);
  return toResource(await getRow(context, body));
}

type Columns = Readonly<Record<string, unknown>>;

/** The column of every field that the body has, null included. */
function simpleColumns(body: ChangeBody): Columns {
  const columns = {
    name: body.name,
    attached_to: body.attached_to,
    detached_at: body.detached_at === undefined ? undefined : toTimestamp(toInstant(body.detached_at)),
    managed_by: body.managed_by === undefined || body.managed_by === null ? body.managed_by : JSON.stringify(body.managed_by),
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

function metricsColumns(metrics: MetricsSince | null): Columns {
  return {
    avg_cpu_percent: metrics?.avgCpuPercent ?? null,
    avg_network_bytes_per_day: metrics?.avgNetworkBytesPerDay ?? null,
    metrics_since: toTimestamp(metrics?.since ?? null),
  };
}

/** Sets what the body names. A named instance type brings its size and list price. @throws not-found */
export async function changeResource(context: AdminContext, key: Key, body: ChangeBody): Promise<Resource> {
  const row = await getRow(context, key);
  const specs = mergeSpecs(context, row.type, row.specs, body.specs);
  const repriced = body.hourly_cost !== undefined || body.specs !== undefined;
  await updateResource(context.db, row, {
    tags: JSON.stringify(mergeTags(row.tags, body.tags)),
    specs: JSON.stringify(specs),
    ...simpleColumns(body),
    ...(repriced ? { cost: JSON.stringify(costFor(context, row.type, specs, body.hourly_cost)) } : {}),
    ...(body.state === undefined ? {} : { state: body.state, next_state: null, next_state_at: null }),
    ...(body.metrics === undefined ? {} : metricsColumns(toMetrics(body.metrics, context.clock()))),
  });
  return toResource(await getRow(context, key));
}

/** At once and without a trace: its id may be used again. @throws not-found */
export async function removeResource(context: AdminContext, key: Key): Promise<void> {
  await getRow(context, key);
  await context.db.query('delete from simulated.resources where account = $1 and type = $2 and id = $3', [key.account, key.type, key.id]);
}
