import type { WithStartWorkflowOperation } from '@temporalio/client';
import type { UpdateDefinition, Workflow } from '@temporalio/common';
import { TollgateError } from '../errors.js';
import type { ByPrincipal } from '../workflows/messages.js';
import type { AppContext } from './deps.js';
import { linkToWorkflow } from './links.js';
import type { Call, Reply } from './route.js';
import { askWorkflow, pendingReply } from './temporal-outcome.js';

/** What somebody asks the workflow of a record for: it alone decides whether that may be. */
export interface Move<R, D extends object, W extends Workflow = Workflow> {
  readonly update: UpdateDefinition<R, [D & ByPrincipal]>;
  readonly request: D;
  readonly workflowId: string;
  /** Where the outcome can be seen. */
  readonly location: string;
  /** Starts the workflow where none runs. */
  readonly start?: WithStartWorkflowOperation<W>;
  /** In words, once it is found that the workflow has ended. */
  readonly whyEnded: () => string | Promise<string>;
  readonly reply: (after: R) => Reply | Promise<Reply>;
}

/** Answers with what became of it; with 202 while no worker has answered. @throws conflict when the workflow has ended */
export async function sendMove<R, D extends object, W extends Workflow>(
  context: AppContext,
  call: Call,
  move: Move<R, D, W>,
): Promise<Reply> {
  const { temporal } = context;
  const { workflow } = temporal.client;
  const { update, workflowId, start: startWorkflowOperation } = move;
  const args: [D & ByPrincipal] = [{ ...move.request, principal: call.principal.id, at: call.at }];
  const options = { args, updateId: call.onceKey };
  const outcome = await askWorkflow(temporal, () =>
    startWorkflowOperation === undefined
      ? workflow.getHandle(workflowId).executeUpdate(update, options)
      : workflow.executeUpdateWithStart(update, { ...options, startWorkflowOperation }),
  );
  if (outcome.kind === 'answered') return move.reply(outcome.value);
  if (outcome.kind === 'pending') return pendingReply(move.location, linkToWorkflow(context, workflowId));
  throw new TollgateError('conflict', await move.whyEnded());
}
