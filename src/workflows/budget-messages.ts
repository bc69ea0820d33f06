/** What crosses Temporal for the watches of budgets. */
import { defineSignal } from '@temporalio/workflow';
import { SA_POLICY, workflowIds } from './messages.js';

export interface BudgetWatchInput {
  readonly policyName: string;
  readonly ruleName: string;
  /** Changes that come within so long of each other are looked at together. */
  readonly gatherMs: number;
  /** How often it looks when nothing is told. */
  readonly lookEveryMs: number;
}
/** The numbers of the budget have changed, or its policy has. */
export const budgetChanged = defineSignal('budgetChanged');

/** For `signalWithStart`: the watch of a budget that is told of a change, started where none runs. */
export function budgetWatchOptions(policyName: string, ruleName: string) {
  const input: BudgetWatchInput = { policyName, ruleName, gatherMs: 2_000, lookEveryMs: 3_600_000 };
  return {
    workflowId: workflowIds.budget(policyName, ruleName),
    args: [input],
    signal: budgetChanged,
    signalArgs: [],
    staticSummary: `watches budget ${policyName}/${ruleName}`,
    typedSearchAttributes: [{ key: SA_POLICY, value: policyName }],
  };
}
