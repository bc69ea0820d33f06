import { WithStartWorkflowOperation } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { TollgateError } from '../errors.js';
import type { PolicyRecord } from '../policy/house-records.js';
import { getPolicy } from '../store/policies.js';
import { type ByPrincipal, WORKFLOWS, workflowIds } from '../workflows/messages.js';
import { createPolicy, type PolicyLifecycleInput } from '../workflows/policy-messages.js';
import { toWirePolicy } from './contract/policy.js';
import type { AppContext } from './deps.js';
import { linkToWorkflow } from './links.js';
import type { Call, Reply } from './route.js';
import { sendMove } from './update.js';

export interface PolicyMove<R extends object> {
  readonly name: string;
  readonly update: UpdateDefinition<PolicyRecord, [R & ByPrincipal]>;
  readonly request: R;
  /** Of the answer when the move is made. @default 200 */
  readonly status?: number;
}

/** Sends a move to the policy's workflow, which alone decides whether it may be made, and starts that when none runs. */
export async function movePolicy<R extends object>(context: AppContext, call: Call, move: PolicyMove<R>): Promise<Reply> {
  const { pool, temporal, snapshot } = context;
  const { name } = move;
  if (move.update.name !== createPolicy.name) await getPolicy(pool, name);
  else if (snapshot.degraded) throw new TollgateError('unavailable', `the database cannot be reached: ${snapshot.problem ?? ''}`);
  const workflowId = workflowIds.policy(name);
  const start = new WithStartWorkflowOperation<(input: PolicyLifecycleInput) => Promise<unknown>>(WORKFLOWS.policyLifecycle, {
    taskQueue: temporal.taskQueue,
    workflowId,
    args: [{ name }],
    staticSummary: `policy ${name}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  const location = `/v1/policies/${name}`;
  return sendMove(context, call, {
    update: move.update,
    request: move.request,
    workflowId,
    location,
    start,
    whyEnded: () => `policy \`${name}\` is being archived`,
    reply: async (after) => {
      // What this process enforces is up to date before its caller hears of it.
      await snapshot.refresh();
      const { status = 200 } = move;
      const body = toWirePolicy(after, linkToWorkflow(context, workflowId));
      return { status, headers: status === 201 ? { location } : {}, body, workflowId };
    },
  });
}
