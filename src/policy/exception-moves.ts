/** An exception's moves from request to its end (SPEC §7). Pure: a record and a move in, the record after it or a refusal out. Only these moves exist. */
import { type Directory, managerOf, membersOf } from './directory.js';
import { capExhausted, exceptionStatus } from './exception.js';
import type { Instant } from './model.js';
import type { ExceptionClosedReason, ExceptionRecord, ExceptionStatus } from './records.js';
import { notAllowed, type Refused, wrongState } from './refused.js';

export type ExceptionMove =
  | { readonly kind: 'approve'; readonly by: string; readonly comments: string | null }
  | { readonly kind: 'reject'; readonly by: string; readonly reason: string }
  | { readonly kind: 'revoke'; readonly by: string; readonly reason: string }
  | { readonly kind: 'review'; readonly by: string; readonly outcome: 'renew' | 'revoke'; readonly comments: string | null }
  /** Nobody has decided for a while: the next approvers may decide too. */
  | { readonly kind: 'escalate'; readonly by: string }
  | { readonly kind: 'lapse'; readonly by: string }
  | { readonly kind: 'expire'; readonly by: string }
  | { readonly kind: 'end'; readonly by: string; readonly reason: 'cap' | 'resource_gone' | 'compliant' };

export interface ExceptionTerms {
  /** Who may decide at this moment, the requester not among them. */
  readonly approvers: readonly string[];
  /** Who may decide besides once it is escalated. */
  readonly nextApprovers: readonly string[];
  readonly lapseAt: Instant;
  /** For permanent ones. */
  readonly reviewIntervalMs: number | null;
}

/** The exception after a move made at `at`, or why the move is refused. Whether somebody may comes before whether it can be done. */
export function moveException(record: ExceptionRecord, move: ExceptionMove, terms: ExceptionTerms, at: Instant): ExceptionRecord | Refused {
  switch (move.kind) {
    case 'approve':
      return mayDecide(record, move.by, terms) ?? isPending(record, terms, at) ?? approved(record, move.by, move.comments, terms, at);
    case 'reject':
      return mayDecide(record, move.by, terms) ?? isPending(record, terms, at) ?? closed(record, 'rejected', 'rejected', at, move.reason);
    case 'revoke':
      return revoke(record, move.by, move.reason, terms, at);
    case 'review':
      return review(record, move, terms, at);
    case 'escalate':
      return record.status === 'pending' ? escalated(record, terms) : inStatus(record, at, 'is not waiting for a decision');
    case 'lapse':
      return record.status === 'pending' && at >= terms.lapseAt
        ? closed(record, 'lapsed', 'no_answer', terms.lapseAt)
        : inStatus(record, at, 'does not lapse now');
    case 'expire':
      return expire(record, at);
    case 'end':
      return record.status === 'approved' ? closed(record, 'expired', move.reason, at) : inStatus(record, at, 'is not in force');
    default:
      return move satisfies never;
  }
}

function inStatus(record: ExceptionRecord, at: Instant, why: string): Refused {
  return wrongState(`exception \`${record.id}\` is \`${exceptionStatus(record, at)}\` and ${why}`);
}

function mayDecide(record: ExceptionRecord, by: string, terms: ExceptionTerms): Refused | null {
  if (by === record.requestedBy) return notAllowed('nobody decides their own request');
  return terms.approvers.includes(by) ? null : notAllowed(`\`${by}\` is not an approver of exception \`${record.id}\``);
}

function isPending(record: ExceptionRecord, terms: ExceptionTerms, at: Instant): Refused | null {
  if (record.status !== 'pending') return inStatus(record, at, 'cannot be decided any more');
  if (at >= terms.lapseAt) return wrongState(`exception \`${record.id}\` lapsed at ${new Date(terms.lapseAt).toISOString()}`);
  return null;
}

function approved(
  record: ExceptionRecord,
  by: string,
  comments: string | null,
  terms: ExceptionTerms,
  at: Instant,
): ExceptionRecord | Refused {
  if (record.expiresAt !== null && record.expiresAt <= at) {
    return wrongState(`exception \`${record.id}\` was to end at ${new Date(record.expiresAt).toISOString()}, which has passed`);
  }
  const permanent = record.type === 'permanent';
  return {
    ...record,
    status: 'approved',
    approvedBy: by,
    approvedAt: at,
    expiresAt: record.expiresAt ?? (record.durationMs === null ? null : at + record.durationMs),
    lastReviewedAt: permanent ? at : null,
    reviewDueAt: permanent && terms.reviewIntervalMs !== null ? at + terms.reviewIntervalMs : null,
    comments,
  };
}

function closed(
  record: ExceptionRecord,
  status: ExceptionStatus,
  reason: ExceptionClosedReason,
  at: Instant,
  comments: string | null = record.comments,
): ExceptionRecord {
  return { ...record, status, closedReason: reason, closedAt: at, comments };
}

/** The requester may give up a request or an exception; an approver may end one that is in force. */
function revoke(record: ExceptionRecord, by: string, reason: string, terms: ExceptionTerms, at: Instant): ExceptionRecord | Refused {
  const own = by === record.requestedBy;
  if (!own && !terms.approvers.includes(by))
    return notAllowed(`\`${by}\` is neither the requester nor an approver of exception \`${record.id}\``);
  if (record.status === 'pending' && own) return closed(record, 'lapsed', 'withdrawn', at, reason);
  if (record.status === 'pending') return inStatus(record, at, 'cannot be revoked: reject it instead');
  if (exceptionStatus(record, at) !== 'approved') return inStatus(record, at, 'cannot be revoked');
  return closed(record, 'revoked', 'revoked', at, reason);
}

function review(
  record: ExceptionRecord,
  move: Extract<ExceptionMove, { readonly kind: 'review' }>,
  terms: ExceptionTerms,
  at: Instant,
): ExceptionRecord | Refused {
  const refused = mayDecide(record, move.by, terms);
  if (refused !== null) return refused;
  if (record.type !== 'permanent') return wrongState(`exception \`${record.id}\` is ${record.type}: only permanent ones are reviewed`);
  if (exceptionStatus(record, at) !== 'approved' || terms.reviewIntervalMs === null) return inStatus(record, at, 'is not reviewed');
  if (move.outcome === 'revoke') return { ...closed(record, 'revoked', 'revoked', at, move.comments), lastReviewedAt: at };
  return { ...record, lastReviewedAt: at, reviewDueAt: at + terms.reviewIntervalMs, comments: move.comments };
}

function escalated(record: ExceptionRecord, terms: ExceptionTerms): ExceptionRecord {
  return { ...record, approvers: [...new Set([...terms.approvers, ...terms.nextApprovers])] };
}

function expire(record: ExceptionRecord, at: Instant): ExceptionRecord | Refused {
  if (record.status !== 'approved' || exceptionStatus(record, at) !== 'expired') return inStatus(record, at, 'does not end now');
  if (capExhausted(record)) return closed(record, 'expired', 'cap', at);
  return closed(record, 'expired', 'duration', record.expiresAt ?? at);
}

export interface NextApproverQuestion {
  readonly directory: Directory;
  readonly requester: string;
  /** Who was asked and has not answered. */
  readonly approvers: readonly string[];
  /** Principals with role `admin`. */
  readonly admins: readonly string[];
}

/** Whom a request is escalated to: the approvers' managers, else group `finops`, else the admins; never the requester or who was asked already. */
export function nextApproversFor({ directory, requester, approvers, admins }: NextApproverQuestion): readonly string[] {
  const managers = approvers.map((approver) => managerOf(directory, approver)).filter((manager) => manager !== null);
  for (const candidates of [managers, membersOf(directory, 'finops'), admins]) {
    const others = [...new Set(candidates)].filter((candidate) => candidate !== requester && !approvers.includes(candidate));
    if (others.length > 0) return others;
  }
  return [];
}
