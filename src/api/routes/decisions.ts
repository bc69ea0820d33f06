import { z } from 'zod';
import { getDecision, listDecisions } from '../../store/decisions.js';
import { wireApprovalOf } from '../approvals.js';
import { decisionDetail, decisionEntry, decisionQuery, detailQuery, toWireDetail, toWireEntry } from '../contract/decision.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { replayRequest, replaySchema } from '../contract/replay.js';
import { decisionId } from '../contract/values.js';
import { approvalsOf } from '../decision-approvals.js';
import { given } from '../given.js';
import { explain, replay } from '../replay.js';
import { defineRoute } from '../route.js';

const tag = 'Evaluation';

export const decisions = [
  defineRoute('GET /v1/decisions', {
    summary: 'List the decision log, newest first',
    tag,
    query: decisionQuery,
    answers: { 200: { description: 'A page of decisions', schema: pageOf(decisionEntry) } },
    async handle({ pool }, { query }) {
      const { limit, cursor, ...filter } = query;
      return { status: 200, body: toWirePage(await listDecisions(pool, given(filter), toPageRequest({ limit, cursor })), toWireEntry) };
    },
  }),
  defineRoute('GET /v1/decisions/{id}', {
    summary: 'Show one decision, with its request, its answer, its approvals, and why each rule applied or not',
    tag,
    params: z.object({ id: decisionId }),
    query: detailQuery,
    answers: { 200: { description: 'The decision', schema: decisionDetail }, 404: { description: 'No such decision' } },
    async handle(context, { params, query, at }) {
      const record = await getDecision(context.pool, params.id);
      const explanation = await explain(context, record, query.resource);
      const approvals = (await approvalsOf(context, record, at)).map((approval) => wireApprovalOf(context, approval));
      return { status: 200, body: toWireDetail(record, { approvals, explanation }) };
    },
  }),
  defineRoute('POST /v1/decisions/{id}/replay', {
    summary: 'Judge a logged request again, as then or as now; nothing is logged or held',
    tag,
    params: z.object({ id: decisionId }),
    body: replayRequest,
    idempotencyKey: false,
    answers: {
      200: { description: 'The answer of the replay, and what differs', schema: replaySchema },
      404: { description: 'No such decision, or its policies are not recorded' },
      409: { description: 'The request as logged cannot be read any more' },
    },
    async handle(context, { params, body, at }) {
      return { status: 200, body: await replay(context, await getDecision(context.pool, params.id), body.policies, at) };
    },
  }),
];
