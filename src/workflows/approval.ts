/** One approval of one request: waits for a decision, or for the end of its time. */
import {
  allHandlersFinished,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createApprovalActivities } from '../activities/approval.js';
import type { ApprovalRecord, ApprovalStatus, ApprovalVerdict } from '../policy/approval.js';
import { approvalDetails } from '../policy/approval-details.js';
import { type ApprovalInput, approveRequest, rejectRequest } from './approval-messages.js';
import { SA_DEADLINE, SA_PHASE, SA_POLICY } from './messages.js';
import { orRefused } from './refusals.js';
import { createTurns } from './turns.js';

const activities = proxyActivities<ReturnType<typeof createApprovalActivities>>({
  startToCloseTimeout: '30s',
  retry: { maximumInterval: '10s' },
});

export async function approval(input: ApprovalInput): Promise<ApprovalStatus> {
  const { id } = input;
  const turns = createTurns();
  let status: ApprovalStatus = 'pending';
  let decided: ApprovalRecord | null = null;
  const decide = (verdict: ApprovalVerdict) =>
    turns.next(async () => {
      const record = await activities.decideApproval.executeWithOptions({ summary: verdict.verdict }, [{ id, verdict, at: Date.now() }]);
      status = record.status;
      decided = record;
      return record;
    });
  setHandler(approveRequest, ({ principal, comments }) => orRefused(decide({ verdict: 'approved', by: principal, comments })));
  setHandler(rejectRequest, ({ principal, reason }) => orRefused(decide({ verdict: 'rejected', by: principal, comments: reason })));
  const isDecided = () => status !== 'pending';

  show(input, status, decided);
  while (!isDecided()) {
    const left = input.expiresAt - Date.now();
    if (left > 0) await condition(isDecided, left, { summary: `lapses: ${input.policyName}/${input.ruleName}` });
    // A decision may be on its way: it and the lapse take turns, and the first one holds.
    if (!isDecided()) {
      status = await turns.next(() =>
        activities.lapseApproval.executeWithOptions({ summary: 'nobody decided in time' }, [{ id, at: Date.now() }]),
      );
    }
  }
  show(input, status, decided);
  await condition(allHandlersFinished);
  return status;
}

/** What an operator sees in Temporal's UI. Search attributes are not encrypted: no person is named in them. */
function show(input: ApprovalInput, status: ApprovalStatus, decided: ApprovalRecord | null): void {
  const { policyName, expiresAt } = input;
  upsertSearchAttributes([
    { key: SA_POLICY, value: policyName },
    { key: SA_PHASE, value: status },
    { key: SA_DEADLINE, value: status === 'pending' ? new Date(expiresAt) : null },
  ]);
  setCurrentDetails(approvalDetails(input, status, decided));
}
