/** What a running scan has read and found in a shard, page by page, until `reconcile.ts` turns it into violations. */
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { ScanFinding } from '../policy/verdict.js';
import { type Db, type Pool, toTimestamp, transaction } from './db.js';
import { type ListedResource, type Listing, writeInventoryPage } from './inventory.js';
import { forget } from './scans.js';

/** How far a shard has been read. */
export interface ListingProgress {
  /** Of the page to read next; null is the first one. */
  readonly cursor: string | null;
  readonly complete: boolean;
  readonly pages: number;
  readonly resources: number;
  readonly violations: number;
  readonly unknowns: number;
}

export type ListingOf = Listing & { readonly dryRun: boolean };

/** A shard of a scan that runs; undefined when the scan or the shard has ended. */
export async function findListing(db: Db, scanId: string, shard: string): Promise<ListingOf | undefined> {
  const { rows } = await db.query<Omit<ListingOf, 'scanId'>>(
    `select shard, provider, account, region, type, s.dry_run as "dryRun"
     from scan_shards sh join scans s on s.id = sh.scan_id
     where scan_id = $1 and shard = $2 and s.status = 'running' and sh.status in ('pending', 'listing')`,
    [scanId, shard],
  );
  return rows[0] === undefined ? undefined : { scanId, ...rows[0] };
}

/**
 * Takes up the listing where it was left, or begins it. What was found and how far it was read are kept in the same unlogged
 * tables: a crash of the database forgets both, and the shard is read again from the start.
 */
export async function resumeListing(pool: Pool, { scanId, shard }: Listing, at: number): Promise<ListingProgress> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<ListingProgress>(
      `select cursor, complete, pages, resources, violations, unknowns from scan_cursors where scan_id = $1 and shard = $2 for update`,
      [scanId, shard],
    );
    if (rows[0] !== undefined) return rows[0];
    await forget(db, scanId, shard);
    await db.query(
      `update scan_shards set status = 'listing', listing_started_at = $3, pages = 0, resources = 0, violations = 0, unknowns = 0
       where scan_id = $1 and shard = $2`,
      [scanId, shard, toTimestamp(at)],
    );
    await db.query('insert into scan_cursors (scan_id, shard) values ($1, $2)', [scanId, shard]);
    return { cursor: null, complete: false, pages: 0, resources: 0, violations: 0, unknowns: 0 };
  });
}

/** A rule that a resource violates, with or without an exception. */
export interface FoundViolation {
  readonly listed: ListedResource;
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly finding: ScanFinding;
  readonly exceptionId: string | null;
}

/** A rule that could not be judged on a resource. */
export interface UnknownRule {
  readonly type: string;
  readonly id: string;
  readonly policyName: string;
  readonly ruleName: string;
}

/** A page as it was read and judged. */
export interface JudgedPage {
  readonly seenAt: number;
  readonly next: string | null;
  readonly resources: readonly ListedResource[];
  readonly found: readonly FoundViolation[];
  readonly unknowns: readonly UnknownRule[];
}

/**
 * Stores the page behind `progress`, in one transaction with the place of the next one, so that each page counts once whatever is
 * killed. A dry run leaves the inventory alone.
 * @throws TollgateError `unavailable` (begin again) when another attempt has read on, or the listing was given up
 */
export async function storePage(pool: Pool, listing: ListingOf, progress: ListingProgress, page: JudgedPage): Promise<ListingProgress> {
  const after: ListingProgress = {
    cursor: page.next,
    complete: page.next === null,
    pages: progress.pages + 1,
    resources: progress.resources + page.resources.length,
    violations: progress.violations + page.found.length,
    unknowns: progress.unknowns + page.unknowns.length,
  };
  await transaction(pool, async (db) => {
    await moveOn(db, listing, progress, after);
    await writeFindings(db, listing, page.found, page.seenAt);
    await writeUnknowns(db, listing, page.unknowns);
    if (!listing.dryRun) await writeInventoryPage(db, listing, page.resources, page.seenAt);
  });
  return after;
}

async function moveOn(db: Db, { scanId, shard }: Listing, from: ListingProgress, to: ListingProgress): Promise<void> {
  const values = [scanId, shard, to.pages, to.resources, to.violations, to.unknowns];
  const moved = await db.query(
    `update scan_cursors set pages = $3, resources = $4, violations = $5, unknowns = $6, cursor = $7, complete = $8
     where scan_id = $1 and shard = $2 and pages = $9 and not complete`,
    [...values, to.cursor, to.complete, from.pages],
  );
  if (moved.rowCount !== 1) throw new TollgateError('unavailable', `somebody else reads \`${shard}\` or gave it up`);
  await db.query(
    'update scan_shards set pages = $3, resources = $4, violations = $5, unknowns = $6 where scan_id = $1 and shard = $2',
    values,
  );
}

async function writeFindings(db: Db, listing: Listing, found: readonly FoundViolation[], seenAt: number): Promise<void> {
  if (found.length === 0) return;
  await db.query(INSERT_FINDINGS, [
    listing.scanId,
    listing.shard,
    toTimestamp(seenAt),
    JSON.stringify(found.map((each) => toRow(listing, each))),
  ]);
}

/** The last of two that name the same rule and resource counts: a resource can move to a later page while it is listed. */
const INSERT_FINDINGS = `
  insert into scan_findings (scan_id, shard, seen_at, violation_id, provider, account, resource_type, resource_id, policy_name, rule_name,
    policy_version, verdict, exception_id, severity, enforcement, message, checks, action, parameters, grace_ms, estimated_monthly_savings,
    hourly_cost, resource_name, region, tags, team, owner)
  select $1, $2, $3, violation_id, provider, account, resource_type, resource_id, policy_name, rule_name,
    policy_version, verdict, exception_id, severity, enforcement, message, checks, action, parameters, grace_ms, estimated_monthly_savings,
    hourly_cost, resource_name, region, tags, team, owner
  from json_to_recordset($4::json) as found (
    violation_id text, provider text, account text, resource_type text, resource_id text, policy_name text, rule_name text,
    policy_version text, verdict text, exception_id text, severity text, enforcement text, message text, checks jsonb, action text,
    parameters jsonb, grace_ms bigint, estimated_monthly_savings numeric, hourly_cost numeric, resource_name text, region text,
    tags jsonb, team text, owner text)
  on conflict (scan_id, shard, resource_type, resource_id, policy_name, rule_name) do update set
    seen_at = excluded.seen_at, verdict = excluded.verdict, exception_id = excluded.exception_id, message = excluded.message,
    checks = excluded.checks, tags = excluded.tags, policy_version = excluded.policy_version`;

function toRow(listing: Listing, { listed, finding, ...rule }: FoundViolation) {
  const { resource, team, owner } = listed;
  return {
    violation_id: newId('vio'),
    provider: listing.provider,
    account: listing.account,
    resource_type: resource.type,
    resource_id: resource.id,
    policy_name: rule.policyName,
    rule_name: rule.ruleName,
    policy_version: rule.policyVersion,
    verdict: rule.exceptionId === null ? 'violating' : 'excepted',
    exception_id: rule.exceptionId,
    severity: finding.severity,
    enforcement: finding.enforcement,
    message: finding.message,
    checks: finding.checks,
    action: finding.action,
    parameters: finding.parameters,
    grace_ms: finding.graceMs,
    estimated_monthly_savings: finding.estimatedMonthlySavings,
    hourly_cost: resource.cost.hourly,
    resource_name: resource.name,
    region: resource.region ?? listing.region,
    tags: resource.tags,
    team,
    owner,
  };
}

/** Of what could not be judged only those with a live violation matter: it stays as it is. */
async function writeUnknowns(db: Db, listing: Listing, unknowns: readonly UnknownRule[]): Promise<void> {
  if (unknowns.length === 0) return;
  await db.query(
    `insert into scan_unknowns (scan_id, shard, violation_id)
     select $1, $2, v.id
     from unnest($5::text[], $6::text[], $7::text[], $8::text[]) as u (resource_type, resource_id, policy_name, rule_name)
     join violations v using (resource_type, resource_id, policy_name, rule_name)
     where v.provider = $3 and v.account = $4 and v.closed_at is null
     on conflict do nothing`,
    [
      listing.scanId,
      listing.shard,
      listing.provider,
      listing.account,
      unknowns.map((each) => each.type),
      unknowns.map((each) => each.id),
      unknowns.map((each) => each.policyName),
      unknowns.map((each) => each.ruleName),
    ],
  );
}
