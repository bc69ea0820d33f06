import type { UpdateDefinition } from '@temporalio/common';
import { z } from 'zod';
import type { ExceptionRecord } from '../../policy/records.js';
import { getException, listExceptions } from '../../store/exceptions.js';
import { approveException, rejectException, reviewException, revokeException } from '../../workflows/exception-messages.js';
import type { ByPrincipal } from '../../workflows/messages.js';
import {
  approveRequest,
  exceptionQuery,
  exceptionRequest,
  exceptionSchema,
  reasonRequest,
  reviewRequest,
  toExceptionRequest,
  toWireException,
} from '../contract/exception.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { PENDING } from '../contract/pending.js';
import { exceptionId } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { replyWithException, requestNewException } from '../exception-request.js';
import { given } from '../given.js';
import { linkToWorkflow } from '../links.js';
import { type Call, defineRoute, type Reply } from '../route.js';
import { sendMove } from '../update.js';

const tag = 'Exceptions';
const params = z.object({ id: exceptionId });
const found = { 200: { description: 'The exception', schema: exceptionSchema }, 404: { description: 'No such exception' } };
const decided = { ...found, 202: PENDING, 409: { description: 'The state does not allow it' } };

export const exceptions = [
  defineRoute('POST /v1/exceptions', {
    summary: 'Request an exception',
    tag,
    body: exceptionRequest,
    answers: {
      201: { description: 'The request, waiting for its approvers', schema: exceptionSchema },
      202: PENDING,
      409: { description: 'The id names more than one resource: give `account`' },
    },
    handle: (context, call) => requestNewException(context, call, toExceptionRequest(call.body)),
  }),
  defineRoute('GET /v1/exceptions', {
    summary: 'List exceptions, newest request first',
    tag,
    query: exceptionQuery,
    answers: { 200: { description: 'A page of exceptions', schema: pageOf(exceptionSchema) } },
    async handle(context, { query, at }) {
      const { currency } = context.snapshot.get().installation;
      const { status, type, policy: policyName, rule: ruleName, resource: resourceId, requested_by: requestedBy, approver } = query;
      const filter = given({ status, type, policyName, ruleName, resourceId, requestedBy, approver });
      const page = await listExceptions(context.pool, filter, toPageRequest(query), at);
      const toWire = (exception: ExceptionRecord) =>
        toWireException(exception, { currency, workflow: linkToWorkflow(context, exception.workflowId) });
      return { status: 200, body: toWirePage(page, toWire) };
    },
  }),
  defineRoute('GET /v1/exceptions/{id}', {
    summary: 'Show an exception, with the status that holds now',
    tag,
    params,
    answers: found,
    handle: async (context, call) => replyWithException(context, await getException(context.pool, call.params.id, call.at)),
  }),
  defineRoute('POST /v1/exceptions/{id}/approve', {
    summary: 'Approve a request',
    tag,
    params,
    body: approveRequest,
    answers: decided,
    handle: (context, call) => decide(context, call, approveException, { comments: call.body?.comments ?? null }),
  }),
  defineRoute('POST /v1/exceptions/{id}/reject', {
    summary: 'Reject a request',
    tag,
    params,
    body: reasonRequest,
    answers: decided,
    handle: (context, call) => decide(context, call, rejectException, { reason: call.body.reason }),
  }),
  defineRoute('POST /v1/exceptions/{id}/revoke', {
    summary: 'End an exception, or withdraw one’s own request',
    tag,
    params,
    body: reasonRequest,
    answers: decided,
    handle: (context, call) => decide(context, call, revokeException, { reason: call.body.reason }),
  }),
  defineRoute('POST /v1/exceptions/{id}/review', {
    summary: 'Review an exception: renew or revoke it',
    tag,
    params,
    body: reviewRequest,
    answers: decided,
    handle: (context, call) => decide(context, call, reviewException, { outcome: call.body.outcome, comments: call.body.comments ?? null }),
  }),
];

/** Sends a decision to the exception's workflow. */
async function decide<D extends object>(
  context: AppContext,
  call: Call<{ readonly id: string }>,
  update: UpdateDefinition<ExceptionRecord, [D & ByPrincipal]>,
  request: D,
): Promise<Reply> {
  const { pool } = context;
  const { id, workflowId } = await getException(pool, call.params.id, call.at);
  return sendMove(context, call, {
    update,
    request,
    workflowId,
    location: `/v1/exceptions/${id}`,
    whyEnded: async () => `exception \`${id}\` has ended: it is ${(await getException(pool, id, call.at)).status}`,
    reply: (after) => replyWithException(context, after),
  });
}
