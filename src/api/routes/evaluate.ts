import { refuseOtherDocuments } from '../../intake/looks-like.js';
import { toPricedResources } from '../contract/cost.js';
import { decisionSchema, type EvaluateRequest, evaluateRequest } from '../contract/evaluate.js';
import { fastRequest } from '../contract/fast-request.js';
import type { AppContext } from '../deps.js';
import { decideGate, type GateRequest, requesterOf } from '../gate.js';
import { digestOf } from '../prepare.js';
import { type Call, defineRoute, type Principal, type Reply } from '../route.js';

/** Answers 200 for every decision, a denial too; 503 only when the policies never could be loaded, or an unseen token meets an absent database. */
export const evaluate = defineRoute('POST /v1/evaluate', {
  summary: 'Ask whether resources may be deployed',
  tag: 'Evaluation',
  body: evaluateRequest,
  fastBody: fastRequest,
  refuse: refuseOtherDocuments,
  idempotencyKey: false,
  answers: { 200: { description: 'The decision: allowed or not, why, and what would pass', schema: decisionSchema } },
  handle: evaluateNow,
});

async function evaluateNow(context: AppContext, call: Call<unknown, unknown, EvaluateRequest>): Promise<Reply> {
  const { body, text, principal, at } = call;
  const request = toGateRequest(context, body, principal, { door: 'evaluate', logged: text });
  return { status: 200, json: (await decideGate(context, { principal, at }, request)).text };
}

/** What a request on the wire asks the gate, through this door or another that takes the same request; `logged` is its JSON text as it came. */
export function toGateRequest(
  context: AppContext,
  request: EvaluateRequest,
  principal: Principal,
  { door, logged }: Pick<GateRequest, 'door' | 'logged'>,
): GateRequest {
  const resources = toPricedResources(request, context, context.snapshot.get().installation.currency);
  return {
    door,
    resources,
    requester: requesterOf(request.requester, principal),
    dryRun: request.dry_run,
    idempotencyKey: request.idempotency_key ?? null,
    planDigest: request.resources === undefined ? null : digestOf(resources),
    account: request.account ?? resources[0]?.account ?? null,
    notices: [],
    logged,
  };
}
