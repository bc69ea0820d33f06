import { z } from 'zod';
import type { DecisionRecord } from '../../store/decisions.js';
import { approvalSchema } from './approval.js';
import { DECISIONS, decisionSchema } from './evaluate.js';
import { explanationSchema } from './explanation.js';
import { pageQuery } from './page.js';
import { instant, instantInput, json, principalId, text, toWireInstant, wireObject } from './values.js';

export const decisionQuery = wireObject({
  ...pageQuery,
  decision: z.enum(DECISIONS).optional(),
  requester: principalId.optional(),
  account: text(128).optional(),
  since: instantInput.optional(),
  until: instantInput.optional(),
});

export const detailQuery = wireObject({
  resource: text(2_048).optional().meta({ description: 'Explain this resource only, by its `resource_id`' }),
});

const entryKeys = {
  id: z.string(),
  at: instant,
  principal: z.string(),
  requester: z.string(),
  decision: z.enum(DECISIONS),
  dry_run: z.boolean(),
  degraded: z.boolean(),
  policy_set: z.string(),
  idempotency_key: z.string().nullable(),
  account: z.string().nullable(),
  door: z.string().meta({ description: 'Through which door of the gate it came: `evaluate`, `terraform`, `opa`, `admission` …' }),
  plan_digest: z.string().nullable(),
};
export const decisionEntry = z.object(entryKeys).meta({ id: 'DecisionLogEntry' });
export const decisionDetail = z
  .object({
    ...entryKeys,
    request: json,
    result: decisionSchema.meta({ description: 'The answer as it was judged and logged: before approvals were asked for' }),
    approvals: z.array(approvalSchema).meta({
      description: 'Those that it asked for, also where the same request had asked before, and those, decided before it, that it rested on',
    }),
    explanation: explanationSchema,
  })
  .meta({ id: 'DecisionDetail' });

export function toWireEntry(decision: DecisionRecord): z.infer<typeof decisionEntry> {
  return {
    id: decision.id,
    at: toWireInstant(decision.at),
    principal: decision.principal,
    requester: decision.requester,
    decision: decision.decision,
    dry_run: decision.dryRun,
    degraded: decision.degraded,
    policy_set: decision.policySet,
    idempotency_key: decision.idempotencyKey,
    account: decision.account,
    door: decision.door,
    plan_digest: decision.planDigest,
  };
}

/** Request and answer as they crossed the wire, and what stands behind them. */
export function toWireDetail(
  decision: DecisionRecord,
  { approvals, explanation }: Pick<z.infer<typeof decisionDetail>, 'approvals' | 'explanation'>,
): z.infer<typeof decisionDetail> {
  return {
    ...toWireEntry(decision),
    request: JSON.parse(decision.request) as unknown,
    result: JSON.parse(decision.result) as z.infer<typeof decisionSchema>,
    approvals,
    explanation,
  };
}
