import type { Cost, Instant, ManagedBy, Resource, ResourceKey, Specs } from '../../policy/model.js';
import { monthlyFromHourly } from '../../policy/money.js';
import type { Db } from '../../store/db.js';
import { toTimestamp } from '../../store/db.js';

/** One resource of the simulated cloud as stored; `state` is the one that holds at the instant it was read. */
export interface ResourceRow {
  readonly account: string;
  readonly type: string;
  readonly id: string;
  readonly region: string;
  readonly name: string | null;
  readonly state: string;
  readonly created_at: Instant;
  readonly namespace: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly specs: Specs;
  readonly cost: Cost;
  readonly bill: { readonly instanceType: string | null; readonly cost: Cost } | null;
  readonly avg_cpu_percent: number | null;
  readonly avg_network_bytes_per_day: number | null;
  readonly metrics_since: Instant | null;
  readonly attached_to: string | null;
  readonly detached_at: Instant | null;
  readonly managed_by: ManagedBy | null;
  readonly source_id: string | null;
}

export const PROVIDER_NAME = 'simulated';

/** Columns of a `ResourceRow`; `$1` is the instant that states are compared with. */
export const RESOURCE_COLUMNS = `account, type, id, region, name, simulated.state_at(state, next_state, next_state_at, $1) as state, created_at,
  namespace, tags, specs, cost, bill, avg_cpu_percent, avg_network_bytes_per_day, metrics_since, attached_to, detached_at, managed_by, source_id`;

/** True of what still exists at `$1`. */
export const EXISTS = `simulated.state_at(state, next_state, next_state_at, $1) not in ('terminated', 'deleted')`;

const STOPPED_COST: Cost = { hourly: '0', monthly: '0.00', source: 'price-list' };

/** What a resource costs in the state it is in: a stopped instance costs nothing, its volumes still do. */
function currentCost(row: ResourceRow): Cost {
  return row.type === 'compute/instance' && row.state === 'stopped' ? STOPPED_COST : row.cost;
}

export function toResource(row: ResourceRow): Resource {
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    provider: PROVIDER_NAME,
    account: row.account,
    region: row.region,
    state: row.state,
    createdAt: row.created_at,
    namespace: row.namespace,
    tags: row.tags,
    specs: row.specs,
    cost: currentCost(row),
    metrics: null,
    attachedTo: row.attached_to,
    detachedAt: row.detached_at,
    managedBy: row.managed_by,
    address: null,
  };
}

/** The row of what exists at `at`, or undefined. `lock` keeps others from changing it until the transaction ends. */
export async function findRow(db: Db, key: ResourceKey, at: Instant, lock = false): Promise<ResourceRow | undefined> {
  const result = await db.query<ResourceRow>(
    `select ${RESOURCE_COLUMNS} from simulated.resources where account = $2 and type = $3 and id = $4 and ${EXISTS}${lock ? ' for update' : ''}`,
    [toTimestamp(at), key.account, key.type, key.id],
  );
  return result.rows[0];
}

/** Averages that were the same since an instant. */
export interface MetricsSince {
  readonly avgCpuPercent: number | null;
  readonly avgNetworkBytesPerDay: number | null;
  readonly since: Instant;
}

/** What a new resource needs; everything else has a plain default. */
export interface NewResource {
  readonly account: string;
  readonly type: string;
  readonly id: string;
  readonly region: string;
  readonly state: string;
  readonly createdAt: Instant;
  readonly cost: Cost;
  readonly origin: 'bill' | 'made' | 'command';
  readonly name?: string | null;
  readonly nextState?: { readonly state: string; readonly at: Instant } | null;
  readonly namespace?: string | null;
  readonly tags?: Readonly<Record<string, string>>;
  readonly specs?: Specs;
  readonly bill?: ResourceRow['bill'];
  readonly metrics?: {
    readonly avgCpuPercent: number | null;
    readonly avgNetworkBytesPerDay: number | null;
    readonly since: Instant;
  } | null;
  readonly attachedTo?: string | null;
  readonly detachedAt?: Instant | null;
  readonly managedBy?: ManagedBy | null;
  readonly sourceId?: string | null;
}

const iso = (at: Instant | null = null): string | null => (at === null ? null : new Date(at).toISOString());

function toInsert(resource: NewResource): Record<string, unknown> {
  return {
    account: resource.account,
    type: resource.type,
    id: resource.id,
    region: resource.region,
    name: resource.name ?? null,
    state: resource.state,
    next_state: resource.nextState?.state ?? null,
    next_state_at: iso(resource.nextState?.at),
    created_at: iso(resource.createdAt),
    namespace: resource.namespace ?? null,
    tags: resource.tags ?? {},
    specs: resource.specs ?? {},
    cost: resource.cost,
    bill: resource.bill ?? null,
    avg_cpu_percent: resource.metrics?.avgCpuPercent ?? null,
    avg_network_bytes_per_day: resource.metrics?.avgNetworkBytesPerDay ?? null,
    metrics_since: iso(resource.metrics?.since),
    attached_to: resource.attachedTo ?? null,
    detached_at: iso(resource.detachedAt),
    managed_by: resource.managedBy ?? null,
    source_id: resource.sourceId ?? null,
    origin: resource.origin,
  };
}

/** Adds resources in one statement; one that is there already (same account, type and id) is an error. */
export async function insertResources(db: Db, resources: readonly NewResource[]): Promise<void> {
  await db.query('insert into simulated.resources select * from jsonb_populate_recordset(null::simulated.resources, $1::jsonb)', [
    JSON.stringify(resources.map(toInsert)),
  ]);
}

/** Sets columns of one resource; names are the schema's own, never a caller's. `jsonb` values are given as text. */
export async function updateResource(
  db: Db,
  key: Omit<ResourceKey, 'provider'>,
  columns: Readonly<Record<string, unknown>>,
): Promise<void> {
  const assignments = Object.keys(columns).map((name, index) => `${name} = $${index + 4}`);
  await db.query(`update simulated.resources set ${assignments.join(', ')} where account = $1 and type = $2 and id = $3`, [
    key.account,
    key.type,
    key.id,
    ...Object.values(columns),
  ]);
}

export function costOfHour(hourly: string, source: Cost['source']): Cost {
  return { hourly, monthly: monthlyFromHourly(hourly), source };
}
