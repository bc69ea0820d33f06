/** What crosses Temporal for approvals of requests. */
import { defineUpdate } from '@temporalio/workflow';
import type { ApprovalRecord } from '../policy/approval.js';
import { type ApprovalShown, approvalSummary, askedOf } from '../policy/approval-details.js';
import { type Directory, teamOfPerson } from '../policy/directory.js';
import type { DecideException, RejectException } from './exception-messages.js';
import { KEYWORD_LENGTH, SA_POLICY, SA_TEAM } from './messages.js';

/** The row is written before its workflow starts, by the process that asked. */
export interface ApprovalInput extends ApprovalShown {
  readonly id: string;
}

/** What starts the workflow of an approval, whoever does it. It is found by the team of who asks. */
export function approvalOptions(
  record: ApprovalRecord,
  { currency, directory }: { readonly currency: string; readonly directory: Directory },
) {
  const { id, policyName, ruleName, expiresAt, workflowId, requester } = record;
  const asked = askedOf(record, currency);
  const input: ApprovalInput = { id, policyName, ruleName, expiresAt, ...asked };
  const team = teamOfPerson(directory, requester);
  return {
    workflowId,
    args: [input] as [ApprovalInput],
    staticSummary: approvalSummary(input, asked),
    typedSearchAttributes: [
      { key: SA_POLICY, value: policyName },
      ...(team === undefined ? [] : [{ key: SA_TEAM, value: team.slice(0, KEYWORD_LENGTH) }]),
    ],
  };
}

export const approveRequest = defineUpdate<ApprovalRecord, [DecideException]>('approveRequest');
export const rejectRequest = defineUpdate<ApprovalRecord, [RejectException]>('rejectRequest');
