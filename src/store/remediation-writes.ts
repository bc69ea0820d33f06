/** How remediations are written: opened with their violation, then projected by their workflow, one number after the other. */
import type { Instant, Resource } from '../policy/model.js';
import type { RemediationProgress, RemediationRecord } from '../policy/records.js';
import { type Db, toTimestamp } from './db.js';

/** What a row holds when it is opened; everything else has its first value. */
export type NewRemediation = Pick<
  RemediationRecord,
  | 'id'
  | 'violationId'
  | 'provider'
  | 'account'
  | 'resourceType'
  | 'resourceId'
  | 'policyName'
  | 'policyVersion'
  | 'ruleName'
  | 'team'
  | 'owner'
  | 'action'
  | 'parameters'
  | 'dryRun'
  | 'phase'
  | 'severity'
  | 'detectedAt'
  | 'escalateAt'
  | 'actAt'
  | 'createdAt'
  | 'workflowId'
>;

/** Opens a remediation and names it in its violation; false, and nothing is written, when the violation has one already. In a transaction. */
export async function openRemediation(db: Db, remediation: NewRemediation): Promise<boolean> {
  const r = remediation;
  const { rowCount } = await db.query(
    `insert into remediations (id, violation_id, provider, account, resource_type, resource_id, policy_name, policy_version, rule_name, team, owner,
       action, parameters, dry_run, phase, severity, detected_at, escalate_at, act_at, created_at, updated_at, workflow_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20, $21)
     on conflict (violation_id) do nothing`,
    [
      r.id,
      r.violationId,
      r.provider,
      r.account,
      r.resourceType,
      r.resourceId,
      r.policyName,
      r.policyVersion,
      r.ruleName,
      r.team,
      r.owner,
      r.action,
      JSON.stringify(r.parameters),
      r.dryRun,
      r.phase,
      r.severity,
      toTimestamp(r.detectedAt),
      toTimestamp(r.escalateAt),
      toTimestamp(r.actAt),
      toTimestamp(r.createdAt),
      r.workflowId,
    ],
  );
  if (rowCount !== 1) return false;
  await db.query('update violations set remediation_id = $2 where id = $1', [r.violationId, r.id]);
  return true;
}

/** Writes projection number `seq`; false, and nothing is written, when that one or a later one is there already. */
export async function writeProjection(db: Db, id: string, seq: number, state: RemediationProgress, at: Instant): Promise<boolean> {
  const { rowCount } = await db.query(
    `update remediations set projection_seq = $2, updated_at = $3, action = $4, parameters = $5, phase = $6, severity = $7, escalated = $8,
       escalate_at = $9, act_at = $10, postponed_ms = $11, waiting_for = $12, attempts = $13, approved_by = $14, acted_at = $15, result = $16,
       result_message = $17, undo_until = $18, closed_at = $19
     where id = $1 and projection_seq < $2`,
    [
      id,
      seq,
      toTimestamp(at),
      state.action,
      JSON.stringify(state.parameters),
      state.phase,
      state.severity,
      state.escalated,
      toTimestamp(state.escalateAt),
      toTimestamp(state.actAt),
      state.postponedMs,
      state.waitingFor,
      state.attempts,
      state.approvedBy,
      toTimestamp(state.actedAt),
      state.result,
      state.resultMessage,
      toTimestamp(state.undoUntil),
      toTimestamp(state.closedAt),
    ],
  );
  return rowCount === 1;
}

/** Keeps the resource as it was before the act, for undo. */
export async function saveForUndo(db: Db, id: string, resource: Resource): Promise<void> {
  await db.query('update remediations set saved = $2 where id = $1', [id, JSON.stringify(resource)]);
}

/** The resource as it was before the act; null when nothing was saved. */
export async function savedResource(db: Db, id: string): Promise<Resource | null> {
  const { rows } = await db.query<{ saved: Resource | null }>('select saved from remediations where id = $1', [id]);
  return rows[0]?.saved ?? null;
}

/** Opened before `before`, and their workflow has written nothing: it may never have been started. */
export async function listUnstarted(db: Db, before: Instant, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ violation_id: string }>(
    `select violation_id from remediations where projection_seq = 0 and closed_at is null and created_at < $1 order by created_at limit $2`,
    [toTimestamp(before), limit],
  );
  return rows.map((row) => row.violation_id);
}

/** An undo brings the violation back at `at`: open again under the resource's id of now. Nothing happens when a newer episode lives. */
export async function reopenAfterUndo(db: Db, violationId: string, resourceId: string, at: Instant): Promise<void> {
  await db.query(
    `update violations v set status = 'open', closed_at = null, close_reason = null, resource_id = $2, reopened_at = $3
     where id = $1 and status = 'remediated' and not exists (
       select from violations o where o.closed_at is null and o.provider = v.provider and o.account = v.account and o.resource_type = v.resource_type
         and o.resource_id = $2 and o.policy_name = v.policy_name and o.rule_name = v.rule_name)`,
    [violationId, resourceId, toTimestamp(at)],
  );
}
