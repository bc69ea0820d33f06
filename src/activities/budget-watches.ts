/** Every budget of an enforcing policy is watched by a workflow of its own; each change of its numbers or of its policy is told to it. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { budgetRulesOf } from '../policy/budget-rules.js';
import { compilePolicies } from '../policy/compile.js';
import { listBudgetRules } from '../store/budgets.js';
import { loadEnforcing } from '../store/enforcing.js';
import { budgetChanged, budgetWatchOptions } from '../workflows/budget-messages.js';
import { WORKFLOWS, workflowIds } from '../workflows/messages.js';
import type { ActivityDeps } from './deps.js';

type WatchDeps = Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue' | 'now'>;

/**
 * Starts the watch of each budget that enforces, of one policy or of all; one that runs looks again. Watches of rules that no longer
 * enforce look too, and end. Answers how many budgets are watched. Safe to repeat.
 */
export async function watchBudgets(deps: WatchDeps, policy?: string): Promise<number> {
  const isWanted = ({ policyName }: { readonly policyName: string }) => policy === undefined || policyName === policy;
  const enforcing = budgetRulesOf(compilePolicies((await loadEnforcing(deps.pool)).policies)).filter(isWanted);
  for (const { policyName, ruleName } of enforcing) {
    await deps.temporal.workflow.signalWithStart(WORKFLOWS.budgetWatch, {
      taskQueue: deps.taskQueue,
      ...budgetWatchOptions(policyName, ruleName),
    });
  }
  const watched = new Set(enforcing.map(({ policyName, ruleName }) => workflowIds.budget(policyName, ruleName)));
  const ended = (await listBudgetRules(deps.pool, deps.now())).filter(isWanted);
  for (const { policyName, ruleName } of ended) {
    const id = workflowIds.budget(policyName, ruleName);
    if (!watched.has(id)) await tell(deps, id);
  }
  return enforcing.length;
}

async function tell({ temporal }: WatchDeps, workflowId: string): Promise<void> {
  try {
    await temporal.workflow.getHandle(workflowId).signal(budgetChanged);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
