/** How one remediation is seen from outside: in Temporal's UI and search, and in the answers to updates. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RemediationRecord } from '../policy/records.js';
import { standingDetails } from '../policy/remediation-notice.js';
import { SA_DEADLINE, SA_PHASE, SA_SEVERITY } from './messages.js';
import type { RemediationInput } from './remediation-messages.js';
import type { RemediationState } from './remediation-state.js';

/** Tells Temporal's UI and its search of what changed, and of nothing else. */
export function createShow(input: RemediationInput, state: RemediationState): () => void {
  let shown = { phase: '', severity: '', deadline: 0 };
  return () => {
    const { view } = state;
    const next = { phase: view.phase, severity: view.severity, deadline: deadlineOf(view) ?? 0 };
    const changed = [
      ...(next.phase === shown.phase ? [] : [{ key: SA_PHASE, value: next.phase }]),
      ...(next.severity === shown.severity ? [] : [{ key: SA_SEVERITY, value: next.severity }]),
      ...(next.deadline === shown.deadline ? [] : [{ key: SA_DEADLINE, value: next.deadline === 0 ? null : new Date(next.deadline) }]),
    ];
    if (changed.length > 0) upsertSearchAttributes(changed);
    shown = next;
    setCurrentDetails(standingDetails({ ...input, ...view, why: state.why }));
  };
}

function deadlineOf(view: RemediationState['view']): number | null {
  if (view.phase === 'closed') return null;
  if (view.phase === 'undo_window') return view.undoUntil;
  return view.phase === 'notice' ? view.escalateAt : view.actAt;
}

/** As the API shows it. */
export function recordOf(input: RemediationInput, state: RemediationState): RemediationRecord {
  const { key } = input;
  return {
    id: input.remediationId,
    violationId: input.violationId,
    provider: key.provider,
    account: key.account,
    resourceType: key.type,
    resourceId: key.id,
    policyName: input.policyName,
    policyVersion: input.policyVersion,
    ruleName: input.ruleName,
    team: input.team,
    owner: input.owner,
    dryRun: input.dryRun,
    detectedAt: input.detectedAt,
    createdAt: input.createdAt,
    updatedAt: Date.now(),
    workflowId: workflowInfo().workflowId,
    ...state.view,
  };
}
