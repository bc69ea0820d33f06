/** From what a scan found in a shard to violations: opened, refreshed, excepted, resolved, all in one transaction of set-based SQL. */
import { TollgateError } from '../errors.js';
import { needsRemediation } from '../policy/course.js';
import { exceptionStatus } from '../policy/exception.js';
import { ONLY_OBSERVED } from '../policy/gates.js';
import type { Enforcement, Severity } from '../policy/model.js';
import type { ViolationStatus } from '../policy/records.js';
import { type Db, type Pool, toTimestamp, transaction } from './db.js';
import { loadLiveExceptions } from './exceptions.js';
import type { ListingOf } from './findings.js';
import { forget } from './scans.js';

export interface Reconciliation {
  readonly at: number;
  /** A remediation undone or cancelled before this makes room for a new episode. */
  readonly newEpisodeBefore: number;
  /** True where the account is acted on: then what was only observed before begins anew. */
  readonly enforced: boolean;
}

/** What became of a shard. */
export interface ShardOutcome {
  readonly pages: number;
  readonly resources: number;
  readonly violations: number;
  readonly violationsActionable: number;
  readonly violationsNew: number;
  readonly violationsResolved: number;
  readonly unknowns: number;
}

/**
 * Reconciles a shard that was listed to its end; a repeat answers what the first call did. Two scans of one shard take turns, and the
 * one that began to list first is set aside once the other has reconciled: what it knows is older.
 *
 * @throws TollgateError `unavailable` (try again) when the listing is not complete: it was given up, or a crash of the database lost it
 */
export async function reconcileShard(pool: Pool, listing: ListingOf, options: Reconciliation): Promise<ShardOutcome> {
  const { scanId, shard } = listing;
  return transaction(pool, async (db) => {
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`scan ${shard}`]);
    const state = await readState(db, scanId, shard);
    if (state.status !== 'reconciled') {
      if (!state.complete) throw new TollgateError('unavailable', `the listing of \`${shard}\` is not complete`);
      const counts = await apply(db, listing, state, options);
      await finish(db, scanId, shard, counts);
    }
    return readOutcome(db, scanId, shard);
  });
}

interface State {
  readonly status: string;
  readonly complete: boolean;
  readonly listingStartedAt: number;
  /** True when a scan that began later has reconciled already. */
  readonly superseded: boolean;
}

async function readState(db: Db, scanId: string, shard: string): Promise<State> {
  const { rows } = await db.query<State>(
    `select s.status, coalesce(c.complete, false) as complete, s.listing_started_at as "listingStartedAt",
       exists (
         select from scan_shards newer join scans on scans.id = newer.scan_id
         where newer.shard = s.shard and newer.status = 'reconciled' and newer.listing_started_at > s.listing_started_at and not scans.dry_run
       ) as superseded
     from scan_shards s left join scan_cursors c using (scan_id, shard) where s.scan_id = $1 and s.shard = $2`,
    [scanId, shard],
  );
  if (rows[0] === undefined) throw new TollgateError('not-found', `scan \`${scanId}\` has no shard \`${shard}\``);
  return rows[0];
}

interface Counts {
  readonly violations: number;
  readonly actionable: number;
  readonly fresh: number;
  readonly resolved: number;
  readonly nonCompliant: number;
}

async function apply(db: Db, listing: ListingOf, state: State, options: Reconciliation): Promise<Counts> {
  const { scanId, shard } = listing;
  const exceptions = (await loadLiveExceptions(db)).filter((record) => exceptionStatus(record, options.at) === 'approved');
  const inForce = [exceptions.map((record) => record.id), exceptions.map((record) => toTimestamp(record.approvedAt))];
  const at = toTimestamp(options.at);
  await db.query(DROP_UNENFORCED, [scanId, shard]);
  await db.query(DROP_ENDED_EXCEPTIONS, [scanId, shard, inForce[0]]);
  if (listing.dryRun) return countFindings(db, scanId, shard);
  if (state.superseded) return { ...(await countFindings(db, scanId, shard)), fresh: 0, resolved: 0 };
  const listingStartedAt = toTimestamp(state.listingStartedAt);
  await db.query(MARK_GONE, [scanId, shard, at, listingStartedAt]);
  const ended = await db.query<{ resolved: number }>(END_NOT_SHOWN, [scanId, shard, at, listingStartedAt]);
  await db.query(END_EPISODES, [scanId, shard, at, toTimestamp(options.newEpisodeBefore), ...inForce, options.enforced, ONLY_OBSERVED]);
  await db.query(REFRESH, [scanId, shard, at]);
  await db.query(OPEN, [scanId, shard, at]);
  return { ...(await countViolations(db, scanId, shard)), resolved: ended.rows[0]?.resolved ?? 0 };
}

/** A finding under a policy that was archived since is no violation. */
const DROP_UNENFORCED = `
  delete from scan_findings f where scan_id = $1 and shard = $2
    and not exists (select from policies p where p.name = f.policy_name and p.active_version is not null)`;

const DROP_ENDED_EXCEPTIONS = `
  update scan_findings set verdict = 'violating', exception_id = null
  where scan_id = $1 and shard = $2 and verdict = 'excepted' and exception_id <> all ($3)`;

/** Not in this listing, nor seen by another since it began, nor brought back by an undo since. */
const MARK_GONE = `
  update resources r set gone_at = $3
  where r.shard = $2 and r.gone_at is null and r.last_scan_id <> $1 and r.last_seen_at < $4
    and not exists (
      select from violations v
      where v.provider = r.provider and v.account = r.account and v.resource_type = r.type and v.resource_id = r.id and v.reopened_at > $4)`;

const SAME_KEY = (a: string, b: string) =>
  ['provider', 'account', 'resource_type', 'resource_id', 'policy_name', 'rule_name']
    .map((column) => `${a}.${column} = ${b}.${column}`)
    .join(' and ');

// Each lookup of one row by its key is a scalar subquery. Joined instead, the planner, which knows nothing of tables that were just filled,
// compares every finding of a shard with every violation of it.
const LIVE_ID = `(select live.id from violations live where live.closed_at is null and ${SAME_KEY('live', 'f')})`;

/** The findings of the shard, each with the violation that lives for it. */
const FINDINGS = `(select f.*, ${LIVE_ID} as live_id from scan_findings f where f.scan_id = $1 and f.shard = $2) f`;

/**
 * What could not be judged stays. So do all violations of a resource that a remediation is acting on, which may just be stopped for a
 * moment: its own is closed by its verification. And so does the one of an act that was left half done and waits for an operator.
 */
const NOT_SHOWN = `
  v.closed_at is null and v.shard = $2
  and (select f.verdict from scan_findings f where f.scan_id = $1 and f.shard = $2 and ${SAME_KEY('f', 'v')}) is null
  and (select u.violation_id from scan_unknowns u where u.scan_id = $1 and u.shard = $2 and u.violation_id = v.id) is null
  and (
    select m.id from remediations m
    where m.resource_id = v.resource_id and m.provider = v.provider and m.account = v.account and m.resource_type = v.resource_type
      and m.closed_at is null
      and (m.phase in ('acting', 'verifying') or (m.violation_id = v.id and m.phase = 'awaiting_operator' and m.acted_at is not null))
    limit 1) is null`;

const END_NOT_SHOWN = `
  with ended as (
    update violations v set closed_at = $3, last_scan_id = $1,
      status = case when seen.enforcing then 'resolved' else 'closed' end,
      close_reason = case when seen.gone then 'gone' when seen.enforcing then 'compliant' else 'policy_archived' end
    from (
      select v.id, r.id is null or r.gone_at is not null as gone, p.name is not null as enforcing
      from violations v
      left join resources r on r.provider = v.provider and r.account = v.account and r.type = v.resource_type and r.id = v.resource_id
      left join policies p on p.name = v.policy_name and p.active_version is not null
      where ${NOT_SHOWN} and greatest(v.detected_at, v.reopened_at) <= $4 and (r.id is null or r.gone_at is not null or r.last_scan_id = $1)
    ) seen
    where v.id = seen.id
    returning v.status
  )
  select count(*) filter (where status = 'resolved') as resolved from ended`;

/**
 * Ends episodes that a new one follows: the exception has ended, or no longer covers the resource; or the remediation was undone or
 * cancelled long enough ago, or only said what it would have done in an account that is acted on now. An exception approved after the
 * page was read is not overruled by it.
 */
const END_EPISODES = `
  update violations v set status = 'closed', close_reason = 'new_episode', closed_at = $3, last_scan_id = $1
  from ${FINDINGS}
  where v.id = f.live_id and f.verdict = 'violating'
    and case v.status
      when 'excepted' then not exists (
        select from unnest($5::text[], $6::timestamptz[]) as e (id, approved_at) where e.id = v.exception_id and e.approved_at > f.seen_at)
      else (
        select m.id from remediations m where m.violation_id = v.id and m.closed_at is not null
          and (m.result in ('undone', 'cancelled') and m.closed_at <= $4
            or $7 and m.result = 'skipped' and starts_with(m.result_message, $8))) is not null
    end`;

/** Version, severity, enforcement, action, parameters and grace were fixed at first detection and stay. */
const REFRESH = `
  update violations v set last_seen_at = greatest(v.last_seen_at, f.seen_at), last_scan_id = $1, shard = $2, message = f.message,
    checks = f.checks, resource_name = f.resource_name, region = f.region, tags = f.tags, team = f.team, owner = f.owner,
    hourly_cost = f.hourly_cost,
    estimated_monthly_savings = case when v.policy_version = f.policy_version then f.estimated_monthly_savings else v.estimated_monthly_savings end,
    status = case f.verdict when 'excepted' then 'excepted' else v.status end,
    exception_id = case f.verdict when 'excepted' then f.exception_id else v.exception_id end,
    accrued_until = case when f.verdict = 'excepted' and v.status = 'open' then $3 else v.accrued_until end
  from ${FINDINGS}
  where v.id = f.live_id`;

/** What was closed after the page was read is not opened again by it. */
const OPEN = `
  insert into violations (id, episode, status, provider, account, resource_type, resource_id, resource_name, region, tags, policy_name,
    policy_version, rule_name, severity, enforcement, message, checks, recommended_action, action_parameters, grace_ms,
    estimated_monthly_savings, hourly_cost, team, owner, detected_at, last_seen_at, first_scan_id, last_scan_id, shard, exception_id,
    accrued_until)
  select f.violation_id, coalesce(last.episode, 0) + 1, case f.verdict when 'excepted' then 'excepted' else 'open' end, f.provider, f.account,
    f.resource_type, f.resource_id, f.resource_name, f.region, f.tags, f.policy_name, f.policy_version, f.rule_name, f.severity,
    f.enforcement, f.message, f.checks, f.action, f.parameters, f.grace_ms, f.estimated_monthly_savings, f.hourly_cost, f.team, f.owner,
    $3, f.seen_at, $1, $1, $2, f.exception_id, case f.verdict when 'excepted' then $3::timestamptz end
  from scan_findings f
  left join lateral (
    select v.episode, v.closed_at, v.close_reason from violations v where ${SAME_KEY('v', 'f')} order by v.episode desc limit 1
  ) last on true
  where f.scan_id = $1 and f.shard = $2
    and (last.episode is null or last.closed_at <= f.seen_at or last.close_reason = 'new_episode')
  on conflict do nothing`;

interface Group {
  readonly status: ViolationStatus;
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  readonly graceMs: number | null;
  readonly fresh: boolean;
  readonly count: number;
}

function total(groups: readonly Group[], counts: (group: Group) => boolean): number {
  return groups.filter(counts).reduce((sum, group) => sum + group.count, 0);
}

function fromGroups(groups: readonly Group[]): Omit<Counts, 'resolved' | 'nonCompliant'> {
  return {
    violations: total(groups, () => true),
    actionable: total(groups, (group) => group.status === 'open' && needsRemediation(group)),
    fresh: total(groups, (group) => group.fresh),
  };
}

async function countViolations(db: Db, scanId: string, shard: string): Promise<Omit<Counts, 'resolved'>> {
  const groups = await db.query<Group>(
    `select status, severity, enforcement, grace_ms as "graceMs", first_scan_id is not distinct from $1 as fresh, count(*)
     from violations where shard = $2 and closed_at is null and last_scan_id = $1 group by 1, 2, 3, 4, 5`,
    [scanId, shard],
  );
  const { rows } = await db.query<{ count: number }>(
    `select count(distinct (resource_type, resource_id)) from violations where shard = $1 and closed_at is null and status = 'open'`,
    [shard],
  );
  return { ...fromGroups(groups.rows), nonCompliant: rows[0]?.count ?? 0 };
}

/** What a reconciliation would count, for a scan that writes nothing. */
async function countFindings(db: Db, scanId: string, shard: string): Promise<Counts> {
  const groups = await db.query<Group>(
    `select case f.verdict when 'excepted' then 'excepted' else 'open' end as status, f.severity, f.enforcement, f.grace_ms as "graceMs",
       f.live_id is null as fresh, count(*)
     from ${FINDINGS} group by 1, 2, 3, 4, 5`,
    [scanId, shard],
  );
  const { rows } = await db.query<{ nonCompliant: number; resolved: number }>(
    `select (select count(distinct (resource_type, resource_id)) from scan_findings
             where scan_id = $1 and shard = $2 and verdict = 'violating') as "nonCompliant",
       (select count(*) from violations v where ${NOT_SHOWN}) as resolved`,
    [scanId, shard],
  );
  return { ...fromGroups(groups.rows), nonCompliant: rows[0]?.nonCompliant ?? 0, resolved: rows[0]?.resolved ?? 0 };
}

async function finish(db: Db, scanId: string, shard: string, counts: Counts): Promise<void> {
  await db.query(
    `update scan_shards set status = 'reconciled', error = null, violations = $3, violations_actionable = $4, violations_new = $5,
       violations_resolved = $6, non_compliant = $7
     where scan_id = $1 and shard = $2`,
    [scanId, shard, counts.violations, counts.actionable, counts.fresh, counts.resolved, counts.nonCompliant],
  );
  await forget(db, scanId, shard);
}

async function readOutcome(db: Db, scanId: string, shard: string): Promise<ShardOutcome> {
  const { rows } = await db.query<ShardOutcome>(
    `select pages, resources, violations, violations_actionable as "violationsActionable", violations_new as "violationsNew",
       violations_resolved as "violationsResolved", unknowns
     from scan_shards where scan_id = $1 and shard = $2`,
    [scanId, shard],
  );
  if (rows[0] === undefined) throw new TollgateError('not-found', `scan \`${scanId}\` has no shard \`${shard}\``);
  return rows[0];
}
