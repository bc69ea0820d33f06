/** Scans and their shards: opened, planned, followed while they run, and closed. */
import { TollgateError } from '../errors.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Decimal } from '../policy/model.js';
import type { ScanRecord, ScanScope, ScanStatus } from '../policy/records.js';
import { appendAudit } from './audit.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export type NewScan = Pick<ScanRecord, 'id' | 'trigger' | 'scope' | 'dryRun' | 'requestedBy' | 'workflowId'>;

/** Opens a scan, in a transaction; false when it is open already, so that who starts one and the workflow may both do it. */
export async function openScan(db: Db, scan: NewScan, at: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into scans (id, status, trigger, scope, dry_run, requested_by, workflow_id, started_at)
     values ($1, 'running', $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
    [scan.id, scan.trigger, JSON.stringify(scan.scope), scan.dryRun, scan.requestedBy, scan.workflowId, toTimestamp(at)],
  );
  if (rowCount !== 1) return false;
  const after = { trigger: scan.trigger, scope: scan.scope, dryRun: scan.dryRun };
  await appendAudit(db, { principal: scan.requestedBy, action: 'scan.start', subject: scan.id, before: null, after, at });
  return true;
}

/** One listing, as the scan plans it. */
export interface ShardPlan {
  readonly provider: string;
  readonly account: string;
  readonly region: string;
  readonly type: string;
  /** Why it cannot even be tried; null for what is to be read. */
  readonly error: string | null;
}

/** The name of a shard: `simulated/111122223333/us-east-1/compute/instance`. */
export function shardName(shard: Omit<ShardPlan, 'error'>): string {
  return `${shard.provider}/${shard.account}/${shard.region}/${shard.type}`;
}

/** Adds shards to a scan, one that is there already stays as it is; answers how many the scan has. */
export async function planShards(db: Db, scanId: string, shards: readonly ShardPlan[]): Promise<number> {
  const column = (key: keyof ShardPlan) => shards.map((shard) => shard[key]);
  await db.query(
    `insert into scan_shards (scan_id, shard, provider, account, region, type, error, status)
     select $1, shard, provider, account, region, type, error, case when error is null then 'pending' else 'failed' end
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as plan (shard, provider, account, region, type, error)
     on conflict do nothing`,
    [scanId, shards.map(shardName), column('provider'), column('account'), column('region'), column('type'), column('error')],
  );
  const { rows } = await db.query<{ count: number }>('select count(*) from scan_shards where scan_id = $1', [scanId]);
  return rows[0]?.count ?? 0;
}

/**
 * Listings of this provider that the inventory knows: a shard whose last resource is gone may be missing from the provider's own list,
 * and must still be read once to see that.
 */
export async function knownShards(db: Db, provider: string): Promise<readonly ShardPlan[]> {
  const { rows } = await db.query<ShardPlan>(
    `select distinct provider, account, split_part(shard, '/', 3) as region, substr(shard, length(provider || account || split_part(shard, '/', 3)) + 4) as type,
       null::text as error
     from resources where gone_at is null and shard is not null and provider = $1`,
    [provider],
  );
  return rows;
}

/** Names of shards that are still to be read, in order, from behind `after`. */
export async function nextShards(db: Db, scanId: string, after: string | null, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ shard: string }>(
    `select shard from scan_shards
     where scan_id = $1 and ($2::text is null or shard > $2) and status in ('pending', 'listing') order by shard limit $3`,
    [scanId, after, limit],
  );
  return rows.map((row) => row.shard);
}

/** Gives a shard up; what it had found so far is forgotten. One that is reconciled stays so. */
export async function failShard(db: Db, scanId: string, shard: string, error: string): Promise<void> {
  await db.query(`update scan_shards set status = 'failed', error = $3 where scan_id = $1 and shard = $2 and status <> 'reconciled'`, [
    scanId,
    shard,
    error.slice(0, 1_000),
  ]);
  await forget(db, scanId, shard);
}

export interface ShardSums {
  readonly shardsDone: number;
  readonly shardsFailed: number;
  readonly pages: number;
  readonly resources: number;
  readonly violations: number;
}

/** Over some shards of a scan; pages, resources and violations are those of shards that are done. */
export async function sumShards(db: Db, scanId: string, shards: readonly string[]): Promise<ShardSums> {
  const done = `filter (where status = 'reconciled')`;
  const { rows } = await db.query<ShardSums>(
    `select count(*) ${done} as "shardsDone", count(*) filter (where status = 'failed') as "shardsFailed",
       coalesce(sum(pages) ${done}, 0)::bigint as pages, coalesce(sum(resources) ${done}, 0)::bigint as resources,
       coalesce(sum(violations) ${done}, 0)::bigint as violations
     from scan_shards where scan_id = $1 and shard = any ($2)`,
    [scanId, shards],
  );
  return rows[0] ?? { shardsDone: 0, shardsFailed: 0, pages: 0, resources: 0, violations: 0 };
}

/** Drops what a scan holds only while it runs: of one shard, or of all. */
export async function forget(db: Db, scanId: string, shard: string | null): Promise<void> {
  for (const table of ['scan_cursors', 'scan_findings', 'scan_unknowns']) {
    await db.query(`delete from ${table} where scan_id = $1 and ($2::text is null or shard = $2)`, [scanId, shard]);
  }
}

/** Over the shards that were read to the end. */
export async function countCompliance(db: Db, scanId: string): Promise<{ readonly total: number; readonly nonCompliant: number }> {
  const { rows } = await db.query<{ total: number; nonCompliant: number }>(
    `select coalesce(sum(resources), 0)::bigint as total, coalesce(sum(non_compliant), 0)::bigint as "nonCompliant"
     from scan_shards where scan_id = $1 and status = 'reconciled'`,
    [scanId],
  );
  return rows[0] ?? { total: 0, nonCompliant: 0 };
}

export interface ScanEnd {
  readonly status: Exclude<ScanStatus, 'running'>;
  readonly score: number | null;
  readonly error: string | null;
  readonly remediationsStarted: number;
}

/** Closes a running scan, in a transaction; false when it is closed already. Shards that were not read to the end are failed. */
export async function closeScan(db: Db, scanId: string, end: ScanEnd, at: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update scans set status = $2, compliance_score = $3, error = $4, remediations_started = $5, ended_at = $6
     where id = $1 and status = 'running'`,
    [scanId, end.status, end.score, end.error, end.remediationsStarted, toTimestamp(at)],
  );
  await db.query(
    `update scan_shards set status = 'failed', error = coalesce(error, 'the scan ended before it was read')
     where scan_id = $1 and status in ('pending', 'listing')`,
    [scanId],
  );
  await forget(db, scanId, null);
  if (rowCount !== 1) return false;
  const scan = await getScan(db, scanId);
  await appendAudit(db, {
    principal: 'system:scan',
    action: 'scan.end',
    subject: scanId,
    before: { status: 'running' },
    after: { status: scan.status, violationsFound: scan.violationsFound, remediationsStarted: scan.remediationsStarted },
    at,
  });
  return true;
}

/** @throws TollgateError `not-found` */
export async function getScan(db: Db, id: string): Promise<ScanRecord> {
  const scan = await findScan(db, id);
  if (scan === undefined) throw new TollgateError('not-found', `no scan \`${id}\``);
  return scan;
}

export async function findScan(db: Db, id: string): Promise<ScanRecord | undefined> {
  const { rows } = await db.query<ScanRow>(`${SELECT} where s.id = $1`, [id]);
  return rows[0] === undefined ? undefined : toScan(rows[0]);
}

export interface ScanFilter {
  readonly status?: ScanStatus | undefined;
}

/** Newest first. */
export async function listScans(db: Db, filter: ScanFilter, page: PageRequest): Promise<Page<ScanRecord>> {
  const after = decodeCursor(page.cursor);
  const { rows } = await db.query<ScanRow>(
    `${SELECT}
     where ($1::text is null or s.status = $1) and ($2::timestamptz is null or (s.started_at, s.id) < ($2, $3))
     order by s.started_at desc, s.id desc limit $4`,
    [filter.status ?? null, toTimestamp(after?.at ?? null), after?.id ?? null, page.limit + 1],
  );
  return toPage(rows.map(toScan), page.limit, ({ startedAt, id }) => ({ at: startedAt, id }));
}

/** Sums over the shards, so that a running scan shows what it has found so far. */
const SELECT = `
  select s.id, s.status, s.trigger, s.scope, s.dry_run, s.requested_by, s.workflow_id, s.started_at, s.ended_at, s.compliance_score,
    s.remediations_started, s.error, shards.*, remediations.*
  from scans s
  cross join lateral (
    select count(*) as shards, count(*) filter (where status = 'reconciled') as shards_completed,
      count(*) filter (where status = 'failed') as shards_failed, coalesce(sum(pages), 0)::bigint as pages,
      coalesce(sum(resources), 0)::bigint as resources, coalesce(sum(violations), 0)::bigint as violations_found,
      coalesce(sum(violations_actionable), 0)::bigint as violations_actionable, coalesce(sum(violations_new), 0)::bigint as violations_new,
      coalesce(sum(violations_resolved), 0)::bigint as violations_resolved, coalesce(sum(unknowns), 0)::bigint as unknowns,
      coalesce(jsonb_agg(jsonb_build_object('shard', shard, 'message', error) order by shard) filter (where status = 'failed'), '[]') as errors
    from scan_shards where scan_id = s.id
  ) shards
  cross join lateral (
    select count(*) filter (where r.result = 'completed') as remediations_completed,
      count(*) filter (where r.result = 'failed') as remediations_failed
    from violations v join remediations r on r.violation_id = v.id where v.first_scan_id = s.id
  ) remediations`;

interface ScanRow {
  id: string;
  status: ScanStatus;
  trigger: ScanRecord['trigger'];
  scope: ScanScope;
  dry_run: boolean;
  requested_by: string;
  workflow_id: string;
  started_at: number;
  ended_at: number | null;
  compliance_score: Decimal | null;
  remediations_started: number;
  error: string | null;
  shards: number;
  shards_completed: number;
  shards_failed: number;
  pages: number;
  resources: number;
  violations_found: number;
  violations_actionable: number;
  violations_new: number;
  violations_resolved: number;
  unknowns: number;
  errors: ScanRecord['errors'];
  remediations_completed: number;
  remediations_failed: number;
}

function toScan(row: ScanRow): ScanRecord {
  return {
    id: row.id,
    status: row.status,
    trigger: row.trigger,
    scope: row.scope,
    dryRun: row.dry_run,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    shards: { total: row.shards, completed: row.shards_completed, failed: row.shards_failed },
    pages: row.pages,
    resourcesScanned: row.resources,
    violationsFound: row.violations_found,
    violationsActionable: row.violations_actionable,
    violationsNew: row.violations_new,
    violationsResolved: row.violations_resolved,
    unknowns: row.unknowns,
    remediationsStarted: row.remediations_started,
    remediationsCompleted: row.remediations_completed,
    remediationsFailed: row.remediations_failed,
    complianceScore: row.compliance_score === null ? null : Number(row.compliance_score),
    errors: row.error === null ? row.errors : [...row.errors, { shard: '*', message: row.error }],
    requestedBy: row.requested_by,
    workflowId: row.workflow_id,
  };
}
