/** What crosses Temporal for approvals of requests. */
import { defineUpdate } from '@temporalio/workflow';
import type { ApprovalRecord } from '../policy/approval.js';
import type { DecideException, RejectException } from './exception-messages.js';

/** The row is written before its workflow starts, by the process that asked. */
export interface ApprovalInput {
  readonly id: string;
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: number;
}
/** What starts the workflow of an approval, whoever does it. */
export function approvalOptions({ id, policyName, ruleName, expiresAt, workflowId }: ApprovalRecord) {
  const input: ApprovalInput = { id, policyName, ruleName, expiresAt };
  return { workflowId, args: [input] as [ApprovalInput], staticSummary: `approval for ${policyName}/${ruleName}` };
}

export const approveRequest = defineUpdate<ApprovalRecord, [DecideException]>('approveRequest');
export const rejectRequest = defineUpdate<ApprovalRecord, [RejectException]>('rejectRequest');
