import { WithStartWorkflowOperation } from '@temporalio/client';
import { type ExceptionRequest, exceptionLengths } from '../policy/exception-request.js';
import type { ExceptionRecord } from '../policy/records.js';
import { prepareException } from '../store/exception-requests.js';
import { getException } from '../store/exceptions.js';
import { type ExceptionInput, requestException } from '../workflows/exception-messages.js';
import { WORKFLOWS, workflowIds } from '../workflows/messages.js';
import { toWireException } from './contract/exception.js';
import type { AppContext } from './deps.js';
import { linkToWorkflow } from './links.js';
import type { Call, Reply } from './route.js';
import { askWorkflow, pendingReply } from './temporal-outcome.js';

/** Checks a request, then starts its workflow, which stores it and tells its approvers: 201 with the exception, or 202. */
export async function requestNewException(context: AppContext, call: Call, request: ExceptionRequest): Promise<Reply> {
  const { pool, settings, directory, temporal, snapshot } = context;
  const by = { principal: call.principal.id, at: call.at };
  const prepared = await prepareException(pool, request, by, { directory, settings });
  const id = call.newId('exc');
  const workflowId = workflowIds.exception(id);
  const record: ExceptionRecord = { ...prepared, id, workflowId };
  const { acceleration } = snapshot.get().installation;
  const input: ExceptionInput = { record, ...exceptionLengths(record, settings.exceptions, acceleration) };
  const startWorkflowOperation = new WithStartWorkflowOperation<(input: ExceptionInput) => Promise<unknown>>(WORKFLOWS.exception, {
    taskQueue: temporal.taskQueue,
    workflowId,
    args: [input],
    staticSummary: `exception to ${record.policyName}/${record.ruleName}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  });
  const outcome = await askWorkflow(temporal, () =>
    temporal.client.workflow.executeUpdateWithStart(requestException, { args: [], updateId: call.onceKey, startWorkflowOperation }),
  );
  const location = `/v1/exceptions/${id}`;
  if (outcome.kind === 'pending') return pendingReply(location, linkToWorkflow(context, workflowId));
  // A repeat of a request that has been decided and has ended since.
  const stored = outcome.kind === 'answered' ? outcome.value : await getException(pool, id, call.at);
  return { ...replyWithException(context, stored, 201), headers: { location } };
}

export function replyWithException(context: AppContext, exception: ExceptionRecord, status = 200): Reply {
  const workflow = linkToWorkflow(context, exception.workflowId);
  const { currency } = context.snapshot.get().installation;
  return { status, body: toWireException(exception, { currency, workflow }), workflowId: exception.workflowId };
}
