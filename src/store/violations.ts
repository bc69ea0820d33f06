/** Violations: stored facts from first detection until closed. The scan's own set-based writes are in `reconcile.ts`. */
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Action, Decimal, Enforcement, Severity } from '../policy/model.js';
import type { ViolationRecord, ViolationStatus } from '../policy/records.js';
import type { ActionParameters, FailedCheck } from '../policy/verdict.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

const COLUMNS = [
  'id',
  'episode',
  'status',
  'provider',
  'account',
  'resource_type',
  'resource_id',
  'resource_name',
  'region',
  'tags',
  'policy_name',
  'policy_version',
  'rule_name',
  'severity',
  'enforcement',
  'message',
  'checks',
  'recommended_action',
  'action_parameters',
  'grace_ms',
  'estimated_monthly_savings',
  'hourly_cost',
  'team',
  'owner',
  'detected_at',
  'last_seen_at',
  'closed_at',
  'close_reason',
  'remediation_id',
  'exception_id',
] as const;

/** Each given field narrows; `resource` is a resource's id. */
export interface ViolationFilter {
  readonly status?: ViolationStatus | undefined;
  readonly policy?: string | undefined;
  readonly rule?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly team?: string | undefined;
  readonly provider?: string | undefined;
  readonly account?: string | undefined;
  readonly resource?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly exception?: string | undefined;
  /** True for those that live: open ones and excepted ones. */
  readonly live?: boolean | undefined;
}

const FILTERS: readonly (readonly [keyof ViolationFilter, string])[] = [
  ['status', 'status'],
  ['policy', 'policy_name'],
  ['rule', 'rule_name'],
  ['severity', 'severity'],
  ['team', 'team'],
  ['provider', 'provider'],
  ['account', 'account'],
  ['resource', 'resource_id'],
  ['resourceType', 'resource_type'],
  ['exception', 'exception_id'],
];

/** @throws TollgateError `not-found` */
export async function getViolation(db: Db, id: string): Promise<ViolationRecord> {
  const found = await findViolation(db, id);
  if (found === undefined) throw new TollgateError('not-found', `no violation \`${id}\``);
  return found;
}

export async function findViolation(db: Db, id: string): Promise<ViolationRecord | undefined> {
  const { rows } = await db.query<ViolationRow>(`select ${COLUMNS.join(', ')} from violations where id = $1`, [id]);
  return rows[0] === undefined ? undefined : toViolation(rows[0]);
}

/** Newest detection first. */
export async function listViolations(db: Db, filter: ViolationFilter, page: PageRequest): Promise<Page<ViolationRecord>> {
  const values: unknown[] = [page.limit + 1];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const where = FILTERS.filter(([key]) => filter[key] !== undefined).map(([key, column]) => `${column} = ${parameter(filter[key])}`);
  if (filter.live === true) where.push('closed_at is null');
  const after = decodeCursor(page.cursor);
  if (after !== null) where.push(`(detected_at, id) < (${parameter(toTimestamp(after.at))}, ${parameter(after.id)})`);
  const { rows } = await db.query<ViolationRow>(
    `select ${COLUMNS.join(', ')} from violations ${where.length === 0 ? '' : `where ${where.join(' and ')}`}
     order by detected_at desc, id desc limit $1`,
    values,
  );
  return toPage(rows.map(toViolation), page.limit, ({ detectedAt, id }) => ({ at: detectedAt, id }));
}

export type ClosedStatus = Exclude<ViolationStatus, 'open' | 'excepted'>;

/** Closes a violation that lives; false when it was closed before, and then nothing changes. */
export async function closeViolation(db: Db, id: string, status: ClosedStatus, reason: string, at: number): Promise<boolean> {
  const { rowCount } = await db.query(
    'update violations set status = $2, close_reason = $3, closed_at = $4 where id = $1 and closed_at is null',
    [id, status, reason, toTimestamp(at)],
  );
  return rowCount === 1;
}

/** A violation that changed and the remediation that has to be told, if it has one. */
export interface ChangedViolation {
  readonly violationId: string;
  readonly remediationId: string | null;
}

/** Closes all that live of a policy that enforces no longer: `closed`, `policy_archived`. */
export async function closeViolationsOfPolicy(db: Db, policyName: string, at: number): Promise<readonly ChangedViolation[]> {
  const { rows } = await db.query<ChangedRow>(
    `update violations set status = 'closed', close_reason = 'policy_archived', closed_at = $2
     where policy_name = $1 and closed_at is null returning id, remediation_id`,
    [policyName, toTimestamp(at)],
  );
  return rows.map(toChanged);
}

/** Marks open violations as excepted by `exceptionId` from `at` on; those closed, or excepted already, stay as they are and are not answered. */
export async function markExcepted(db: Db, ids: readonly string[], exceptionId: string, at: number): Promise<readonly ChangedViolation[]> {
  const { rows } = await db.query<ChangedRow>(
    `update violations set status = 'excepted', exception_id = $2, accrued_until = $3
     where id = any ($1) and status = 'open' returning id, remediation_id`,
    [ids, exceptionId, toTimestamp(at)],
  );
  return rows.map(toChanged);
}

/**
 * Ends a live episode (`closed`, `new_episode`) and opens the next one, detected at `at`, with its full course to come: its exception ended, or
 * its remediation was undone or cancelled long enough ago. Answers the new one's id, or that of a newer live one where somebody was quicker.
 *
 * @throws TollgateError `not-found`, or `conflict` when the violation had ended without a successor
 */
export async function reopenViolationAsNewEpisode(db: Db, violationId: string, at: number): Promise<string> {
  const closed = await closeViolation(db, violationId, 'closed', 'new_episode', at);
  if (closed) {
    await db.query(
      `insert into violations (id, episode, status, first_scan_id, exception_id, detected_at, last_seen_at, ${CARRIED})
       select $2, episode + 1, 'open', null, null, $3, $3, ${CARRIED} from violations where id = $1
       on conflict do nothing`,
      [violationId, newId('vio'), toTimestamp(at)],
    );
  }
  const { rows } = await db.query<{ id: string }>(
    `select live.id from violations old
     join violations live using (provider, account, resource_type, resource_id, policy_name, rule_name)
     where old.id = $1 and live.closed_at is null`,
    [violationId],
  );
  if (rows[0] !== undefined) return rows[0].id;
  await getViolation(db, violationId);
  throw new TollgateError('conflict', `violation \`${violationId}\` has ended`);
}

/** What the next episode takes over. */
const CARRIED = `provider, account, resource_type, resource_id, resource_name, region, tags, policy_name, policy_version, rule_name, severity,
  enforcement, message, checks, recommended_action, action_parameters, grace_ms, estimated_monthly_savings, hourly_cost, team, owner,
  last_scan_id, shard`;

interface ChangedRow {
  id: string;
  remediation_id: string | null;
}

function toChanged(row: ChangedRow): ChangedViolation {
  return { violationId: row.id, remediationId: row.remediation_id };
}

interface ViolationRow {
  id: string;
  episode: number;
  status: ViolationStatus;
  provider: string;
  account: string;
  resource_type: string;
  resource_id: string;
  resource_name: string | null;
  region: string | null;
  tags: Readonly<Record<string, string>>;
  policy_name: string;
  policy_version: string;
  rule_name: string;
  severity: Severity;
  enforcement: Enforcement;
  message: string;
  checks: readonly FailedCheck[];
  recommended_action: Action;
  action_parameters: ActionParameters;
  grace_ms: number | null;
  estimated_monthly_savings: Decimal | null;
  hourly_cost: Decimal | null;
  team: string;
  owner: string | null;
  detected_at: number;
  last_seen_at: number;
  closed_at: number | null;
  close_reason: string | null;
  remediation_id: string | null;
  exception_id: string | null;
}

function toViolation(row: ViolationRow): ViolationRecord {
  return {
    id: row.id,
    episode: row.episode,
    status: row.status,
    provider: row.provider,
    resource: {
      id: row.resource_id,
      type: row.resource_type,
      name: row.resource_name,
      account: row.account,
      region: row.region,
      tags: row.tags,
    },
    policyName: row.policy_name,
    policyVersion: row.policy_version,
    ruleName: row.rule_name,
    severity: row.severity,
    enforcement: row.enforcement,
    message: row.message,
    checks: row.checks,
    recommendedAction: row.recommended_action,
    actionParameters: row.action_parameters,
    graceMs: row.grace_ms,
    estimatedMonthlySavings: row.estimated_monthly_savings,
    hourlyCost: row.hourly_cost,
    team: row.team,
    owner: row.owner,
    detectedAt: row.detected_at,
    lastSeenAt: row.last_seen_at,
    closedAt: row.closed_at,
    closeReason: row.close_reason,
    remediationId: row.remediation_id,
    exceptionId: row.exception_id,
  };
}
