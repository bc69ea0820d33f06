/** The gate as a worker has it, for plans that it fetched itself: the same pipeline as behind the API's doors. */
import type { PlanQuestion } from '../activities/run-task.js';
import type { GateContext } from '../api/deps.js';
import { answerGate, gateRequestOf } from '../api/gate.js';
import type { Principal } from '../api/route.js';
import { refuseUnstorable } from '../api/storable.js';
import { decodeDocument, parseJsonDocument } from '../intake/document.js';
import type { Lookup } from '../intake/intake.js';
import { readTerraformPlan } from '../intake/terraform/plan.js';
import type { PlanDecision } from '../report/run-task-result.js';

/** In the decision log: who asked the gate for HCP. */
const PRINCIPAL: Principal = { id: 'system:run-task', roles: [] };

export function createPlanJudge(context: GateContext & { readonly lookup: Lookup; readonly now: () => number }) {
  return async ({ plan, requester, dryRun, idempotencyKey }: PlanQuestion): Promise<PlanDecision> => {
    const document = parseJsonDocument(decodeDocument(plan, 'the plan'), 'the plan');
    const intake = readTerraformPlan(document, context.lookup);
    refuseUnstorable(intake, 'plan');
    const request = gateRequestOf(intake, { door: 'run-task', requester: requester ?? PRINCIPAL.id, dryRun, idempotencyKey });
    return answerGate(context, { principal: PRINCIPAL, at: context.now() }, request);
  };
}
