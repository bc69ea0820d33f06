import { setTimeout as sleep } from 'node:timers/promises';
import type { UpdateDefinition } from '@temporalio/common';
import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import type { ApprovalRecord } from '../../policy/approval.js';
import { getApproval, listApprovals } from '../../store/approvals.js';
import { approveRequest, rejectRequest } from '../../workflows/approval-messages.js';
import type { ByPrincipal } from '../../workflows/messages.js';
import { startApprovalOperation, wireApprovalOf } from '../approvals.js';
import { approvalQuery, approvalSchema, approveBody, rejectBody, waitQuery } from '../contract/approval.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { PENDING } from '../contract/pending.js';
import { approvalId } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { given } from '../given.js';
import { type Call, defineRoute, type Reply } from '../route.js';
import { sendMove } from '../update.js';

const tag = 'Approvals';
const params = z.object({ id: approvalId });
const found = { 200: { description: 'The approval', schema: approvalSchema }, 404: { description: 'No such approval' } };
const decided = { ...found, 202: PENDING, 409: { description: 'It is not pending' } };

export const approvals = [
  defineRoute('GET /v1/approvals', {
    summary: 'List approvals of requests that need one, newest first',
    tag,
    query: approvalQuery,
    answers: { 200: { description: 'A page of approvals', schema: pageOf(approvalSchema) } },
    async handle(context, { query, at }) {
      const { status, policy: policyName, rule: ruleName, requester, approver } = query;
      const filter = given({ status, policyName, ruleName, requester, approver });
      const page = await listApprovals(context.pool, filter, toPageRequest(query), at);
      return { status: 200, body: toWirePage(page, (record) => wireApprovalOf(context, record)) };
    },
  }),
  defineRoute('GET /v1/approvals/{id}', {
    summary: 'Show an approval; with `wait`, as soon as it is decided, or when that time is over',
    tag,
    params,
    query: waitQuery,
    answers: found,
    async handle(context, { params: { id }, query: { wait = 0 }, at }) {
      return { status: 200, body: wireApprovalOf(context, await whenDecided(context, id, at + wait)) };
    },
  }),
  defineRoute('POST /v1/approvals/{id}/approve', {
    summary: 'Approve a request: the same request is allowed until the approval expires',
    tag,
    params,
    body: approveBody,
    answers: decided,
    handle: (context, call) => decide(context, call, approveRequest, { comments: call.body?.comments ?? null }),
  }),
  defineRoute('POST /v1/approvals/{id}/reject', {
    summary: 'Reject a request',
    tag,
    params,
    body: rejectBody,
    answers: decided,
    handle: (context, call) => decide(context, call, rejectRequest, { reason: call.body.reason }),
  }),
];

const LOOK_EVERY_MS = 250;

async function whenDecided({ pool, now }: AppContext, id: string, until: number): Promise<ApprovalRecord> {
  for (;;) {
    const record = await getApproval(pool, id, now());
    const left = until - now();
    if (record.status !== 'pending' || left <= 0) return record;
    await sleep(Math.min(LOOK_EVERY_MS, left));
  }
}

/** Sends a decision to the approval's workflow, which is started where it was lost. */
async function decide<D extends object>(
  context: AppContext,
  call: Call<{ readonly id: string }>,
  update: UpdateDefinition<ApprovalRecord, [D & ByPrincipal]>,
  request: D,
): Promise<Reply> {
  const before = await getApproval(context.pool, call.params.id, call.at);
  const { id, status, workflowId } = before;
  if (status !== 'pending') throw new TollgateError('conflict', `approval \`${id}\` is ${status}`);
  return sendMove(context, call, {
    update,
    request,
    workflowId,
    location: `/v1/approvals/${id}`,
    start: startApprovalOperation(context, before),
    whyEnded: () => `approval \`${id}\` has ended`,
    reply: async (after) => {
      // What this process allows is up to date before its caller hears of it.
      await context.snapshot.refresh();
      return { status: 200, body: wireApprovalOf(context, after), workflowId };
    },
  });
}
