/** Approvals of requests that the gate answered with `needs_approval`: what is asked of whom, and which moves there are. Pure. */
import { HOUR } from './durations.js';
import type { Decimal, Instant } from './model.js';
import { notAllowed, type Refused, wrongState } from './refused.js';

export type ApprovalStatus = 'pending' | 'approved' | 'rejected' | 'expired';

/** One rule's question about one request. A request that several rules ask about has one for each. */
export interface ApprovalRecord {
  readonly id: string;
  /** The decision that asked first. */
  readonly decisionId: string;
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  /** `sha256:…` of requester and resources: what is approved is exactly this request, and no other. */
  readonly requestKey: string;
  /** Who asked, and for whom; neither may decide. */
  readonly principal: string;
  readonly requester: string;
  readonly resources: readonly string[];
  /** Why the rule asks, in its own words. */
  readonly reasons: readonly string[];
  readonly monthlyCost: Decimal | null;
  /** Groups that the rule names; null leaves the defaults of its policy's type. */
  readonly groups: readonly string[] | null;
  /** Who could decide when it was asked; who may is worked out anew when deciding. */
  readonly approvers: readonly string[];
  readonly status: ApprovalStatus;
  readonly requestedAt: Instant;
  /** A pending one lapses then; an approved one is good until then; a rejected one stands until then. */
  readonly expiresAt: Instant;
  /** Both lengths, already divided by the acceleration. */
  readonly expiresAfterMs: number;
  readonly decidedBy: string | null;
  readonly decidedAt: Instant | null;
  readonly comments: string | null;
  readonly workflowId: string;
}

/** How long a request waits, and how long its approval is good, where the rule does not say. */
export const APPROVAL_EXPIRES_AFTER_MS = 72 * HOUR;

/** The status that holds at an instant, whether or not a worker runs. */
export function approvalStatus({ status, expiresAt }: Pick<ApprovalRecord, 'status' | 'expiresAt'>, at: Instant): ApprovalStatus {
  return (status === 'pending' || status === 'approved') && at >= expiresAt ? 'expired' : status;
}

export interface ApprovalVerdict {
  readonly verdict: 'approved' | 'rejected';
  readonly by: string;
  readonly comments: string | null;
}

/** `approvers` are those who may decide now. */
export function decideApproval(
  record: ApprovalRecord,
  { verdict, by, comments }: ApprovalVerdict,
  approvers: readonly string[],
  at: Instant,
): ApprovalRecord | Refused {
  if (by === record.principal || by === record.requester) return notAllowed('nobody decides on their own request');
  if (!approvers.includes(by)) {
    const others = approvers.filter((one) => one !== record.principal && one !== record.requester);
    return notAllowed(`\`${by}\` may not decide this: it is for ${others.join(', ') || 'nobody at present'}`);
  }
  const status = approvalStatus(record, at);
  if (status !== 'pending') return wrongState(`approval \`${record.id}\` is ${status}, only a pending one can be decided`);
  const expiresAt = verdict === 'approved' ? at + record.expiresAfterMs : record.expiresAt;
  return { ...record, status: verdict, decidedBy: by, decidedAt: at, comments, expiresAt };
}
