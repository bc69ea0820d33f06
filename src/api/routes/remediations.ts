import type { UpdateDefinition } from '@temporalio/common';
import { z } from 'zod';
import type { RemediationRecord } from '../../policy/records.js';
import { listNotices } from '../../store/outbox.js';
import { getRemediation, listRemediations, timelineOf } from '../../store/remediations.js';
import type { ByPrincipal } from '../../workflows/messages.js';
import {
  approveRemediation,
  cancelRemediation,
  postponeRemediation,
  retryRemediation,
  undoRemediation,
} from '../../workflows/remediation-messages.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { PENDING } from '../contract/pending.js';
import {
  approveRequest,
  cancelRequest,
  postponeRequest,
  remediationQuery,
  remediationSchema,
  remediationSummary,
  toWireSummary,
  toWireTimeline,
  undoRequest,
} from '../contract/remediation.js';
import { remediationId } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { linkToWorkflow } from '../links.js';
import { type Call, defineRoute, type Reply } from '../route.js';
import { sendMove } from '../update.js';

const tag = 'Remediations';
const params = z.object({ id: remediationId });
const found = { 200: { description: 'The remediation', schema: remediationSchema }, 404: { description: 'No such remediation' } };
const moved = { ...found, 202: PENDING, 409: { description: 'The state does not allow it; `detail` says why' } };

export const remediations = [
  defineRoute('GET /v1/remediations', {
    summary: 'List remediations, newest first',
    tag,
    query: remediationQuery,
    answers: { 200: { description: 'A page of remediations, without their timelines', schema: pageOf(remediationSummary) } },
    async handle(context, { query, at }) {
      const { limit, cursor, waiting_for: waitingFor, ...filter } = query;
      const page = await listRemediations(context.pool, { ...filter, waitingFor }, toPageRequest({ limit, cursor }));
      return {
        status: 200,
        body: toWirePage(page, (remediation) => toWireSummary(remediation, linkToWorkflow(context, remediation.workflowId), at)),
      };
    },
  }),
  defineRoute('GET /v1/remediations/{id}', {
    summary: 'Show a remediation with its timeline and next deadline',
    tag,
    params,
    answers: found,
    handle: async (context, call) => reply(context, await getRemediation(context.pool, call.params.id), call.at),
  }),
  defineRoute('POST /v1/remediations/{id}/approve', {
    summary: 'Consent to an action that waits for it, or release a batch that is over its blast radius',
    tag,
    params,
    body: approveRequest,
    answers: moved,
    handle: (context, call) => move(context, call, approveRemediation, { comments: call.body?.comments ?? null }),
  }),
  defineRoute('POST /v1/remediations/{id}/postpone', {
    summary: 'Move the moment of acting',
    tag,
    params,
    body: postponeRequest,
    answers: moved,
    handle: (context, call) => move(context, call, postponeRemediation, { until: call.body.until, reason: call.body.reason }),
  }),
  defineRoute('POST /v1/remediations/{id}/cancel', {
    summary: 'Cancel a remediation; its violation stays open',
    tag,
    params,
    body: cancelRequest,
    answers: moved,
    handle: (context, call) => move(context, call, cancelRemediation, { reason: call.body.reason }),
  }),
  defineRoute('POST /v1/remediations/{id}/retry', {
    summary: 'Try an action again that failed and waits for an operator',
    tag,
    params,
    answers: moved,
    handle: (context, call) => move(context, call, retryRemediation, {}),
  }),
  defineRoute('POST /v1/remediations/{id}/undo', {
    summary: 'Restore what was saved before the action',
    tag,
    params,
    body: undoRequest,
    answers: moved,
    handle: (context, call) => move(context, call, undoRemediation, { reason: call.body?.reason ?? null }),
  }),
];

async function reply(context: AppContext, remediation: RemediationRecord, at: number): Promise<Reply> {
  const { pool } = context;
  const [events, notices] = await Promise.all([timelineOf(pool, remediation.id), listNotices(pool, remediation.id)]);
  const workflow = linkToWorkflow(context, remediation.workflowId);
  const body = { ...toWireSummary(remediation, workflow, at), timeline: toWireTimeline(events, notices) };
  return { status: 200, body, workflowId: remediation.workflowId };
}

/** Sends a move to the remediation's workflow. */
async function move<D extends object>(
  context: AppContext,
  call: Call<{ readonly id: string }>,
  update: UpdateDefinition<RemediationRecord, [D & ByPrincipal]>,
  request: D,
): Promise<Reply> {
  const { pool } = context;
  const { id, workflowId } = await getRemediation(pool, call.params.id);
  return sendMove(context, call, {
    update,
    request,
    workflowId,
    location: `/v1/remediations/${id}`,
    whyEnded: async () => `remediation \`${id}\` takes nothing any more: ${whyClosed(await getRemediation(pool, id))}`,
    reply: (after) => reply(context, after, context.now()),
  });
}

function whyClosed({ result, resultMessage }: RemediationRecord): string {
  if (result === null) return 'its workflow does not run';
  return `it is closed: ${result}${resultMessage === null ? '' : `, ${resultMessage}`}`;
}
