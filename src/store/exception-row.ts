/** Rows of `exceptions` as records: the one mapping, for every query that reads them. */
import type { ExceptionRecord } from '../policy/records.js';

/** For `select ${EXCEPTION_COLUMNS} from exceptions e`. */
export const EXCEPTION_COLUMNS = `e.id, e.type, e.status, e.target, e.policy_name, e.rule_name, e.justification, e.duration_days, e.duration_ms, e.conditions,
  e.cap_money, e.cap_uses, e.used_money, e.used_uses, e.review_interval_days, e.requested_by, e.requested_at, e.lapses_at, e.approvers, e.approved_by,
  e.approved_at, e.expires_at, e.review_due_at, e.last_reviewed_at, e.closed_reason, e.closed_at, e.comments, e.workflow_id`;

export interface ExceptionRow {
  readonly id: string;
  readonly type: ExceptionRecord['type'];
  readonly status: ExceptionRecord['status'];
  readonly target: ExceptionRecord['target'];
  readonly policy_name: string;
  readonly rule_name: string;
  readonly justification: string;
  readonly duration_days: string | null;
  readonly duration_ms: number | null;
  readonly conditions: ExceptionRecord['conditions'];
  readonly cap_money: string | null;
  readonly cap_uses: number | null;
  readonly used_money: string;
  readonly used_uses: number;
  readonly review_interval_days: number | null;
  readonly requested_by: string;
  readonly requested_at: number;
  readonly lapses_at: number | null;
  readonly approvers: readonly string[];
  readonly approved_by: string | null;
  readonly approved_at: number | null;
  readonly expires_at: number | null;
  readonly review_due_at: number | null;
  readonly last_reviewed_at: number | null;
  readonly closed_reason: ExceptionRecord['closedReason'];
  readonly closed_at: number | null;
  readonly comments: string | null;
  readonly workflow_id: string;
}

export function toExceptionRecord(row: ExceptionRow): ExceptionRecord {
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    target: row.target,
    policyName: row.policy_name,
    ruleName: row.rule_name,
    justification: row.justification,
    durationMs: row.duration_ms,
    durationDays: row.duration_days === null ? null : Number(row.duration_days),
    conditions: row.conditions,
    caps: { money: row.cap_money, uses: row.cap_uses },
    used: { money: row.used_money, uses: row.used_uses },
    reviewIntervalDays: row.review_interval_days,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    lapsesAt: row.lapses_at,
    approvers: row.approvers,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    expiresAt: row.expires_at,
    reviewDueAt: row.review_due_at,
    lastReviewedAt: row.last_reviewed_at,
    closedReason: row.closed_reason,
    closedAt: row.closed_at,
    comments: row.comments,
    workflowId: row.workflow_id,
  };
}
