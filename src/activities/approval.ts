/** What the approval workflow does in the world: a decision with its audit row and notice, in one transaction. */
import { approvalWords } from '../notify/approval-words.js';
import { type ApprovalRecord, type ApprovalStatus, type ApprovalVerdict, approvalStatus, decideApproval } from '../policy/approval.js';
import { approversFor } from '../policy/exception.js';
import { findStoredApproval, saveApproval } from '../store/approvals.js';
import { appendAudit } from '../store/audit.js';
import { type Db, transaction } from '../store/db.js';
import { adminsAt, findRule } from '../store/exception-requests.js';
import { addressed, writeNotices } from '../store/outbox.js';
import type { ActivityDeps } from './deps.js';
import { isRefused, refusal, unknownSubject } from './refusal.js';

export interface DecideApprovalRequest {
  readonly id: string;
  readonly verdict: ApprovalVerdict;
  /** The workflow's time, in case this machine's clock is behind it. */
  readonly at: number;
}

export function createApprovalActivities(deps: ActivityDeps) {
  return {
    /** Stores a decision. Safe to repeat: the same decision of the same person is answered as it is. Refuses with one of `REFUSALS`. */
    decideApproval: (request: DecideApprovalRequest) => transaction(deps.pool, (db) => decide(deps, db, request)),

    /** Stores that nobody decided in time, unless somebody did. Safe to repeat. */
    lapseApproval: (request: { readonly id: string; readonly at: number }) => transaction(deps.pool, (db) => lapse(deps, db, request)),
  };
}

async function decide(deps: ActivityDeps, db: Db, { id, verdict, at: sentAt }: DecideApprovalRequest): Promise<ApprovalRecord> {
  const before = await locked(db, id);
  if (before.status === verdict.verdict && before.decidedBy === verdict.by) return before;
  const at = Math.max(deps.now(), sentAt);
  const after = decideApproval(before, verdict, await approversNow(deps, db, before, at), at);
  if (isRefused(after)) throw refusal(after);
  await saveApproval(db, after);
  await tellRequester(db, after, at);
  await appendAudit(db, { principal: verdict.by, action: `approval.${verdict.verdict}`, subject: id, before, after, at });
  return after;
}

async function lapse(
  deps: ActivityDeps,
  db: Db,
  { id, at: sentAt }: { readonly id: string; readonly at: number },
): Promise<ApprovalStatus> {
  const before = await locked(db, id);
  const at = Math.max(deps.now(), sentAt);
  if (before.status !== 'pending' || approvalStatus(before, at) === 'pending') return before.status;
  const after: ApprovalRecord = { ...before, status: 'expired' };
  await saveApproval(db, after);
  await tellRequester(db, after, at);
  await appendAudit(db, { principal: 'system:approvals', action: 'approval.expired', subject: id, before, after, at });
  return after.status;
}

async function locked(db: Db, id: string): Promise<ApprovalRecord> {
  const record = await findStoredApproval(db, id, true);
  if (record === undefined) throw unknownSubject(`approval \`${id}\``);
  return record;
}

/** Who may decide is worked out now, from the directory as it is: not from what it was when the request was made. */
async function approversNow({ directory }: ActivityDeps, db: Db, record: ApprovalRecord, at: number): Promise<readonly string[]> {
  const { requester, principal, groups } = record;
  const rule = await findRule(db, record.policyName, record.ruleName, 'current');
  if (typeof rule === 'string') return record.approvers;
  return approversFor({
    directory,
    requester,
    principal,
    policyType: rule.policyType,
    ...(groups === null ? {} : { exceptionApprovers: groups }),
    admins: await adminsAt(db, at),
  });
}

async function tellRequester(db: Db, record: ApprovalRecord, at: number): Promise<void> {
  await writeNotices(db, addressed({ subject: record.id, stage: record.status, ...approvalWords(record) }, [record.requester]), at);
}
