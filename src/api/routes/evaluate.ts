import { toPricedResources } from '../contract/cost.js';
import { decisionSchema, type EvaluateRequest, evaluateRequest } from '../contract/evaluate.js';
import type { AppContext } from '../deps.js';
import { decideGate, type Door, type GateRequest, requesterOf } from '../gate.js';
import { type Call, defineRoute, type Principal, type Reply } from '../route.js';

/** Answers 200 for every decision, a denial too; 503 only when the policies never could be loaded, or an unseen token meets an absent database. */
export const evaluate = defineRoute('POST /v1/evaluate', {
  summary: 'Ask whether resources may be deployed',
  tag: 'Evaluation',
  body: evaluateRequest,
  idempotencyKey: false,
  answers: { 200: { description: 'The decision: allowed or not, why, and what would pass', schema: decisionSchema } },
  handle: evaluateNow,
});

async function evaluateNow(context: AppContext, call: Call<unknown, unknown, EvaluateRequest>): Promise<Reply> {
  const { body: request, principal, at } = call;
  const { text } = await decideGate(context, { principal, at }, toGateRequest(context, request, principal, 'evaluate'));
  return { status: 200, json: text };
}

/** What a request on the wire asks the gate, through this door or another that takes the same request. */
export function toGateRequest(context: AppContext, request: EvaluateRequest, principal: Principal, door: Door): GateRequest {
  const resources = toPricedResources(request, context.price, context.snapshot.get().installation.currency);
  return {
    door,
    resources,
    requester: requesterOf(request.requester, principal),
    dryRun: request.dry_run,
    idempotencyKey: request.idempotency_key ?? null,
    planDigest: null,
    account: request.account ?? resources[0]?.account ?? null,
    notices: [],
    logged: JSON.stringify(toLoggedRequest(request)),
  };
}

/** The request as it crossed the wire: instants as texts again. */
function toLoggedRequest(request: EvaluateRequest): unknown {
  const instants = ({ created_at: created, detached_at: detached }: Pick<EvaluateRequest, 'created_at' | 'detached_at'>) => ({
    ...(typeof created === 'number' ? { created_at: new Date(created).toISOString() } : {}),
    ...(typeof detached === 'number' ? { detached_at: new Date(detached).toISOString() } : {}),
  });
  const resources = request.resources?.map((resource) => ({ ...resource, ...instants(resource) }));
  return { ...request, ...instants(request), ...(resources === undefined ? {} : { resources }) };
}
