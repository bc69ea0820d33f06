/** The inventory: every resource that a scan has listed, kept with `gone_at` when a complete listing no longer shows it. */
import { TollgateError } from '../errors.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Cost, Decimal, ManagedBy, Metrics, Resource, ResourceKey, Specs } from '../policy/model.js';
import type { InventoryRecord } from '../policy/records.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

const COLUMNS = [
  'provider',
  'account',
  'type',
  'id',
  'name',
  'region',
  'state',
  'created_at',
  'namespace',
  'tags',
  'specs',
  'hourly_cost',
  'monthly_cost',
  'cost_source',
  'metrics',
  'attached_to',
  'detached_at',
  'managed_by',
  'team',
  'owner',
  'first_seen_at',
  'last_seen_at',
  'gone_at',
] as const;

/** Each given field narrows. */
export interface InventoryFilter {
  readonly provider?: string | undefined;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly type?: string | undefined;
  readonly team?: string | undefined;
  /** True for what is there, false for what is gone; absent for both. */
  readonly present?: boolean | undefined;
}

const FILTERS: readonly (readonly [keyof InventoryFilter, string])[] = [
  ['provider', 'provider'],
  ['account', 'account'],
  ['region', 'region'],
  ['type', 'type'],
  ['team', 'team'],
];

const CURSOR = { provider: 'string', account: 'string', type: 'string', id: 'string' } as const;
const CURSOR_KEYS = ['provider', 'account', 'type', 'id'] as const;

/** In the order of (provider, account, type, id). */
export async function listInventory(db: Db, filter: InventoryFilter, page: PageRequest): Promise<Page<InventoryRecord>> {
  const values: unknown[] = [page.limit + 1];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const where = FILTERS.filter(([key]) => filter[key] !== undefined).map(([key, column]) => `${column} = ${parameter(filter[key])}`);
  if (filter.present !== undefined) where.push(`gone_at is ${filter.present ? '' : 'not '}null`);
  const after = decodeCursor(page.cursor, CURSOR);
  if (after !== null) where.push(`(provider, account, type, id) > (${CURSOR_KEYS.map((key) => parameter(after[key])).join(', ')})`);
  const { rows } = await db.query<InventoryRow>(
    `select ${COLUMNS.join(', ')} from resources ${where.length === 0 ? '' : `where ${where.join(' and ')}`}
     order by provider, account, type, id limit $1`,
    values,
  );
  return toPage(rows.map(toInventory), page.limit, ({ resource: { provider, account, type, id } }) => ({
    provider: provider ?? '',
    account: account ?? '',
    type,
    id: id ?? '',
  }));
}

/** Tells apart resources of the same id. */
export interface IdOwner {
  readonly account?: string | undefined;
  readonly type?: string | undefined;
}

/**
 * The resource of that id, gone or not; one that is there goes before one that is gone.
 * @throws TollgateError `ambiguous` when several accounts or types have it and `owner` does not decide
 */
export async function findInventory(db: Db, id: string, { account, type }: IdOwner = {}): Promise<InventoryRecord | undefined> {
  const { rows } = await db.query<InventoryRow>(
    `select ${COLUMNS.join(', ')} from resources where id = $1 and ($2::text is null or account = $2) and ($3::text is null or type = $3)
     order by gone_at desc nulls first, provider, account, type limit 10`,
    [id, account ?? null, type ?? null],
  );
  const present = rows.filter((row) => row.gone_at === null);
  const candidates = present.length > 0 ? present : rows;
  if (candidates.length > 1) throw ambiguousId(id, candidates);
  return candidates[0] === undefined ? undefined : toInventory(candidates[0]);
}

function ambiguousId(id: string, candidates: readonly InventoryRow[]): TollgateError {
  const ways = (['account', 'type'] as const).flatMap((key) => {
    const values = [...new Set(candidates.map((row) => row[key]))];
    return values.length === 1 ? [] : [`\`${key}\`, one of \`${values.join('`, `')}\``];
  });
  return new TollgateError('ambiguous', `several resources have the id \`${id}\`: give ${ways.join(', and ')}`);
}

/** The resource of that identity, gone or not. */
export async function findInventoryByKey(db: Db, key: ResourceKey): Promise<InventoryRecord | undefined> {
  const { rows } = await db.query<InventoryRow>(
    `select ${COLUMNS.join(', ')} from resources where provider = $1 and account = $2 and type = $3 and id = $4`,
    [key.provider, key.account, key.type, key.id],
  );
  return rows[0] === undefined ? undefined : toInventory(rows[0]);
}

/** A resource as a scan read and judged it. */
export interface ListedResource {
  readonly resource: Resource & { readonly id: string };
  readonly team: string;
  readonly owner: string | null;
  /** Ids of policies with a verdict, and of those whose verdict is unknown. */
  readonly applicablePolicies: readonly number[];
  readonly unknownPolicies: readonly number[];
}

/** Where a page of resources comes from. */
export interface Listing {
  readonly scanId: string;
  readonly shard: string;
  readonly provider: string;
  readonly account: string;
  readonly region: string;
  readonly type: string;
}

/**
 * Writes one page of a listing, read at `seenAt`. Safe to repeat; what another scan has read later stays as that scan found it.
 */
export async function writeInventoryPage(db: Db, listing: Listing, resources: readonly ListedResource[], seenAt: number): Promise<void> {
  if (resources.length === 0) return;
  await db.query(UPSERT, [
    listing.scanId,
    listing.shard,
    toTimestamp(seenAt),
    JSON.stringify(resources.map((each) => toRow(listing, each))),
  ]);
}

const WRITTEN = COLUMNS.filter((column) => !['first_seen_at', 'last_seen_at', 'gone_at'].includes(column));

/** One JSON document for a page: measured as quick as an array for each column, and it carries nested arrays. */
const UPSERT = `
  insert into resources (${WRITTEN.join(', ')}, applicable_policies, unknown_policies, last_scan_id, shard, first_seen_at, last_seen_at)
  select ${WRITTEN.join(', ')}, applicable_policies, unknown_policies, $1, $2, $3, $3
  from json_to_recordset($4::json) as page (
    provider text, account text, type text, id text, name text, region text, state text, created_at timestamptz, namespace text,
    tags jsonb, specs jsonb, hourly_cost numeric, monthly_cost numeric, cost_source text, metrics jsonb, attached_to text,
    detached_at timestamptz, managed_by jsonb, team text, owner text, applicable_policies integer[], unknown_policies integer[])
  on conflict (provider, account, type, id) do update set
    ${[...WRITTEN.slice(4), 'applicable_policies', 'unknown_policies', 'last_scan_id', 'shard', 'last_seen_at']
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}, gone_at = null
  where resources.last_seen_at <= excluded.last_seen_at`;

function toRow(listing: Listing, { resource, team, owner, applicablePolicies, unknownPolicies }: ListedResource) {
  return {
    provider: listing.provider,
    account: listing.account,
    type: resource.type,
    id: resource.id,
    name: resource.name,
    region: resource.region ?? listing.region,
    state: resource.state,
    created_at: toTimestamp(resource.createdAt),
    namespace: resource.namespace,
    tags: resource.tags,
    specs: resource.specs,
    hourly_cost: resource.cost.hourly,
    monthly_cost: resource.cost.monthly,
    cost_source: resource.cost.source,
    metrics: resource.metrics,
    attached_to: resource.attachedTo,
    detached_at: toTimestamp(resource.detachedAt),
    managed_by: resource.managedBy,
    team,
    owner,
    applicable_policies: applicablePolicies,
    unknown_policies: unknownPolicies,
  };
}

interface InventoryRow {
  provider: string;
  account: string;
  type: string;
  id: string;
  name: string | null;
  region: string | null;
  state: string | null;
  created_at: number | null;
  namespace: string | null;
  tags: Readonly<Record<string, string>>;
  specs: Specs;
  hourly_cost: Decimal | null;
  monthly_cost: Decimal | null;
  cost_source: Cost['source'];
  metrics: Metrics | null;
  attached_to: string | null;
  detached_at: number | null;
  managed_by: ManagedBy | null;
  team: string;
  owner: string | null;
  first_seen_at: number;
  last_seen_at: number;
  gone_at: number | null;
}

function toInventory(row: InventoryRow): InventoryRecord {
  return {
    resource: {
      id: row.id,
      type: row.type,
      name: row.name,
      provider: row.provider,
      account: row.account,
      region: row.region,
      state: row.state,
      createdAt: row.created_at,
      namespace: row.namespace,
      tags: row.tags,
      specs: row.specs,
      cost: { hourly: row.hourly_cost, monthly: row.monthly_cost, source: row.cost_source },
      metrics: row.metrics,
      attachedTo: row.attached_to,
      detachedAt: row.detached_at,
      managedBy: row.managed_by,
      address: null,
    },
    team: row.team,
    owner: row.owner,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    goneAt: row.gone_at,
  };
}
