/** The gate as a worker has it, for plans that it fetched itself: the same pipeline as behind the API's doors. */
import type { PlanQuestion } from '../activities/run-task.js';
import type { AppDeps, GateContext } from '../api/deps.js';
import { answerGate, gateRequestOf } from '../api/gate.js';
import type { Principal } from '../api/route.js';
import type { PlanDecision } from '../report/run-task-result.js';

/** In the decision log: who asked the gate for HCP. */
const PRINCIPAL: Principal = { id: 'system:run-task', roles: [] };

export interface PlanJudgeContext extends GateContext, Pick<AppDeps, 'lookup' | 'readDocument' | 'now'> {}

export function createPlanJudge(context: PlanJudgeContext) {
  const { lookup, snapshot } = context;
  return async ({ plan, requester, dryRun, idempotencyKey }: PlanQuestion): Promise<PlanDecision> => {
    const { currency } = snapshot.get().installation;
    const intake = await context.readDocument('terraform', plan, { lookup, currency, namespace: null, account: null, region: null });
    const request = gateRequestOf(intake, { door: 'run-task', requester: requester ?? PRINCIPAL.id, dryRun, idempotencyKey });
    return answerGate(context, { principal: PRINCIPAL, at: context.now() }, request);
  };
}
