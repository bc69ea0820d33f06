import type { BudgetKey } from '../policy/budget.js';
import { budgetWatchOptions } from '../workflows/budget-messages.js';
import { WORKFLOWS, workflowIds } from '../workflows/messages.js';
import type { AppContext } from './deps.js';

const SIGNAL_DEADLINE_MS = 5_000;

/** Tells the watches of budgets that their numbers have changed. Does not throw: a signal that is lost is made up for within the hour, and the gate compares the numbers by itself. */
export async function signalBudgetChanged({ temporal, log }: AppContext, keys: readonly BudgetKey[]): Promise<void> {
  const rules = new Map(keys.map((key) => [workflowIds.budget(key.policyName, key.ruleName), key]));
  for (const [workflowId, { policyName, ruleName }] of rules) {
    try {
      const options = { taskQueue: temporal.taskQueue, ...budgetWatchOptions(policyName, ruleName) };
      await temporal.client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () =>
        temporal.client.workflow.signalWithStart(WORKFLOWS.budgetWatch, options),
      );
    } catch (err) {
      log.warn({ err, workflow_id: workflowId }, 'the watch of a budget could not be told of a change');
    }
  }
}
