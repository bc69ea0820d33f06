/** Remediations as rows: opened once per violation, written by the workflow's projections, read by the API. */
import { TollgateError } from '../errors.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { ResourceKey, Severity } from '../policy/model.js';
import type { RemediationAction, RemediationPhase, RemediationRecord, RemediationResult, WaitingFor } from '../policy/records.js';
import type { ActionParameters } from '../policy/verdict.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export { timelineOf } from './remediation-events.js';

export interface RemediationFilter {
  readonly phase?: RemediationPhase | undefined;
  readonly result?: RemediationResult | undefined;
  readonly waitingFor?: WaitingFor | undefined;
  readonly action?: RemediationAction | undefined;
  readonly policy?: string | undefined;
  readonly rule?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly team?: string | undefined;
  readonly account?: string | undefined;
  readonly resource?: string | undefined;
  readonly violation?: string | undefined;
  /** True for those that are not closed. */
  readonly live?: boolean | undefined;
}

const FILTERS: readonly (readonly [Exclude<keyof RemediationFilter, 'live'>, string])[] = [
  ['phase', 'phase'],
  ['result', 'result'],
  ['waitingFor', 'waiting_for'],
  ['action', 'action'],
  ['policy', 'policy_name'],
  ['rule', 'rule_name'],
  ['severity', 'severity'],
  ['team', 'team'],
  ['account', 'account'],
  ['resource', 'resource_id'],
  ['violation', 'violation_id'],
];

interface RemediationRow {
  id: string;
  violation_id: string;
  provider: string;
  account: string;
  resource_type: string;
  resource_id: string;
  policy_name: string;
  policy_version: string;
  rule_name: string;
  team: string;
  owner: string | null;
  action: RemediationAction;
  parameters: ActionParameters;
  dry_run: boolean;
  phase: RemediationPhase;
  severity: Severity;
  escalated: boolean;
  detected_at: number;
  escalate_at: number | null;
  act_at: number;
  postponed_ms: number;
  waiting_for: WaitingFor | null;
  attempts: number;
  approved_by: string | null;
  acted_at: number | null;
  result: RemediationResult | null;
  result_message: string | null;
  undo_until: number | null;
  closed_at: number | null;
  created_at: number;
  updated_at: number;
  workflow_id: string;
}

const COLUMNS = `id, violation_id, provider, account, resource_type, resource_id, policy_name, policy_version, rule_name, team, owner, action,
  parameters, dry_run, phase, severity, escalated, detected_at, escalate_at, act_at, postponed_ms, waiting_for, attempts, approved_by, acted_at,
  result, result_message, undo_until, closed_at, created_at, updated_at, workflow_id`;

function toRemediation(row: RemediationRow): RemediationRecord {
  return {
    id: row.id,
    violationId: row.violation_id,
    provider: row.provider,
    account: row.account,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    policyName: row.policy_name,
    policyVersion: row.policy_version,
    ruleName: row.rule_name,
    team: row.team,
    owner: row.owner,
    action: row.action,
    parameters: row.parameters,
    dryRun: row.dry_run,
    phase: row.phase,
    severity: row.severity,
    escalated: row.escalated,
    detectedAt: row.detected_at,
    escalateAt: row.escalate_at,
    actAt: row.act_at,
    postponedMs: row.postponed_ms,
    waitingFor: row.waiting_for,
    attempts: row.attempts,
    approvedBy: row.approved_by,
    actedAt: row.acted_at,
    result: row.result,
    resultMessage: row.result_message,
    undoUntil: row.undo_until,
    closedAt: row.closed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    workflowId: row.workflow_id,
  };
}

/** @throws TollgateError `not-found` */
export async function getRemediation(db: Db, id: string): Promise<RemediationRecord> {
  const { rows } = await db.query<RemediationRow>(`select ${COLUMNS} from remediations where id = $1`, [id]);
  if (rows[0] === undefined) throw new TollgateError('not-found', `no remediation \`${id}\``);
  return toRemediation(rows[0]);
}

/** The one remediation of a violation. @throws TollgateError `not-found` */
export async function getRemediationOf(db: Db, violationId: string): Promise<RemediationRecord> {
  const { rows } = await db.query<RemediationRow>(`select ${COLUMNS} from remediations where violation_id = $1`, [violationId]);
  if (rows[0] === undefined) throw new TollgateError('not-found', `no remediation of violation \`${violationId}\``);
  return toRemediation(rows[0]);
}

/** Newest first. */
export async function listRemediations(db: Db, filter: RemediationFilter, page: PageRequest): Promise<Page<RemediationRecord>> {
  const values: unknown[] = [page.limit + 1];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const where = FILTERS.filter(([key]) => filter[key] !== undefined).map(([key, column]) => `${column} = ${parameter(filter[key])}`);
  if (filter.live !== undefined) where.push(`closed_at is ${filter.live ? '' : 'not '}null`);
  const after = decodeCursor(page.cursor);
  if (after !== null) where.push(`(created_at, id) < (${parameter(toTimestamp(after.at))}, ${parameter(after.id)})`);
  const { rows } = await db.query<RemediationRow>(
    `select ${COLUMNS} from remediations ${where.length === 0 ? '' : `where ${where.join(' and ')}`}
     order by created_at desc, id desc limit $1`,
    values,
  );
  return toPage(rows.map(toRemediation), page.limit, ({ createdAt: at, id }) => ({ at, id }));
}

/** Another remediation that acts on the same resource just now; null when there is none. */
export async function findActingOn(db: Db, key: ResourceKey, exceptId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from remediations
     where resource_id = $1 and provider = $2 and account = $3 and resource_type = $4 and id <> $5 and closed_at is null
       and phase in ('acting', 'verifying') order by id limit 1`,
    [key.id, key.provider, key.account, key.type, exceptId],
  );
  return rows[0]?.id ?? null;
}

/** Each given field narrows; empty means all. */
export interface WaitingFilter {
  readonly ids?: readonly string[];
  readonly policyName?: string;
  readonly account?: string;
  readonly resourceId?: string;
}

/** Workflows of live remediations that wait for something, to be told to look again. */
export async function listWaitingWorkflows(db: Db, filter: WaitingFilter): Promise<readonly string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    `select workflow_id from remediations
     where closed_at is null and waiting_for is not null and ($1::text[] is null or id = any($1)) and ($2::text is null or policy_name = $2)
       and ($3::text is null or account = $3) and ($4::text is null or resource_id = $4)
     order by act_at, id`,
    [filter.ids ?? null, filter.policyName ?? null, filter.account ?? null, filter.resourceId ?? null],
  );
  return rows.map((row) => row.workflow_id);
}
