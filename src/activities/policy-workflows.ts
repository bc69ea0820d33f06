/** Every policy has its workflow, also one that was seeded and that nobody has asked anything of. */
import { listPolicies } from '../store/policies.js';
import { SA_PHASE, SA_POLICY, WORKFLOWS } from '../workflows/messages.js';
import { allPages } from './all-pages.js';
import type { ActivityDeps } from './deps.js';

/**
 * Starts the workflow of each policy that is not archived; one that runs is left alone. It also brings back those that were lost with
 * Temporal's own database: what they promise is in ours. Answers how many policies it looked at.
 */
export async function startPolicyWorkflows({
  pool,
  temporal,
  taskQueue,
}: Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue'>): Promise<number> {
  const policies = await allPages((page) => listPolicies(pool, {}, page));
  const living = policies.filter(({ status }) => status !== 'archived');
  for (const { name, status, workflowId } of living) {
    await temporal.workflow.start(WORKFLOWS.policyLifecycle, {
      taskQueue,
      workflowId,
      args: [{ name }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `policy ${name}`,
      typedSearchAttributes: [
        { key: SA_POLICY, value: name },
        { key: SA_PHASE, value: status },
      ],
    });
  }
  return living.length;
}
