import { z } from 'zod';
import {
  BUDGET_SPANS,
  type BudgetInPeriod,
  type BudgetState,
  budgetKey,
  HOLD_STATUSES,
  type HoldRecord,
  holdStatus,
} from '../../policy/budget.js';
import { forecastOf, parsePeriod } from '../../policy/budget-period.js';
import type { BudgetRule } from '../../policy/budget-rules.js';
import type { Crossing } from '../../policy/budget-thresholds.js';
import type { AlertThreshold, Decimal } from '../../policy/model.js';
import { divide, isZero, multiply, roundMoney, subtract, sum } from '../../policy/money.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, policyName, tags, toWireInstant, wireObject, workflowLink } from './values.js';

const period = expecting(
  'a period such as `2026-11`, `2026-Q4` or `2026`',
  z.string().refine((value) => parsePeriod(value) !== undefined),
);

export const budgetsQuery = wireObject({ ...pageQuery, policy: policyName.optional() });
export const budgetParams = z.object({ policy: policyName, rule: policyName });
export const budgetQuery = wireObject({ ...pageQuery, period: period.optional(), status: z.enum(HOLD_STATUSES).optional() });

const threshold = z.object({
  percent: z.number(),
  of: z.enum(['actual', 'forecast']),
  action: z.enum(['notify', 'require-approval', 'block-new-resources']),
  channels: z.array(z.string()),
  amount: z.string().meta({ description: 'What that percentage of the budget is' }),
  crossed_at: instant.nullable(),
});

const budgetKeys = {
  policy_name: z.string(),
  policy_version: z.string(),
  rule_name: z.string(),
  span: z.enum(BUDGET_SPANS),
  period: z.string(),
  from: instant,
  to: instant.meta({ description: 'Exclusive' }),
  currency: z.string(),
  budget: z.string(),
  actual: z.string().meta({ description: 'Billed' }),
  committed: z.string().meta({ description: 'Deployed and not billed yet' }),
  held: z.string().meta({ description: 'Reserved by allowed requests that are not committed yet' }),
  remaining: z.string().meta({ description: 'Negative when the budget is overspent' }),
  used_percent: z.number().nullable().meta({ description: 'Of the budget, by all three; null for a budget of nothing' }),
  forecast: z
    .string()
    .nullable()
    .meta({ description: 'At the end of the period, by the run-rate of what is billed; null without billing data' }),
  billed_until: instant.nullable(),
  thresholds: z.array(threshold),
};

export const budgetSchema = z.object(budgetKeys).meta({ id: 'Budget' });
export type WireBudget = z.infer<typeof budgetSchema>;

export const holdSchema = z
  .object({
    id: z.string(),
    status: z.enum(HOLD_STATUSES),
    policy_name: z.string(),
    rule_name: z.string(),
    period: z.string(),
    amount: z.string(),
    settled: z.string().meta({ description: 'How much of what is committed has been billed by now' }),
    currency: z.string(),
    decision_id: z.string(),
    requester: z.string(),
    idempotency_key: z.string().nullable(),
    resources: z.array(z.string()),
    taken_at: instant,
    expires_at: instant,
    committed_at: instant.nullable(),
    committed_by: z.string().nullable(),
    closed_at: instant.nullable(),
    closed_by: z.string().nullable(),
    close_reason: z.string().nullable(),
  })
  .meta({ id: 'Hold' });

export const budgetDetailSchema = z
  .object({
    policy_name: z.string(),
    policy_version: z.string(),
    rule_name: z.string(),
    selector: z.object({ tags, account: z.string().nullable(), service: z.string().nullable() }),
    periods: z.array(budgetSchema),
    holds: z.object({ items: z.array(holdSchema), next: z.string().nullable() }).meta({ description: 'Newest first' }),
    workflow: workflowLink,
  })
  .meta({ id: 'BudgetDetail' });

export interface BudgetFacts {
  readonly state: BudgetState;
  readonly crossings: readonly Crossing[];
  readonly currency: string;
}

export function toWireBudget(
  { policyVersion, budget: { alertThresholds } }: BudgetRule,
  budget: BudgetInPeriod,
  facts: BudgetFacts,
): WireBudget {
  const { state, currency, crossings } = facts;
  const used = sum([state.actual, state.committed, state.held]);
  const own = crossings.filter((crossing) => budgetKey(crossing) === budgetKey(budget));
  return {
    policy_name: budget.policyName,
    policy_version: policyVersion,
    rule_name: budget.ruleName,
    span: budget.span,
    period: budget.period,
    from: toWireInstant(budget.from),
    to: toWireInstant(budget.to),
    currency,
    budget: roundMoney(budget.budget),
    actual: roundMoney(state.actual),
    committed: roundMoney(state.committed),
    held: roundMoney(state.held),
    remaining: roundMoney(subtract(budget.budget, used)),
    used_percent: isZero(budget.budget) ? null : Number(divide(multiply(used, '100'), budget.budget, 2)),
    forecast: forecastOf(state, budget),
    billed_until: toWireInstant(state.actualUntil),
    thresholds: alertThresholds.map((each) => toWireThreshold(each, budget.budget, own)),
  };
}

function toWireThreshold(each: AlertThreshold, budget: Decimal, crossings: readonly Crossing[]): WireBudget['thresholds'][number] {
  const { percent, of, action, channels } = each;
  const crossing = crossings.find((past) => past.percent === percent && past.of === of && past.action === action);
  const amount = divide(multiply(budget, String(percent)), '100', 2);
  return { percent, of, action, channels: [...channels], amount, crossed_at: toWireInstant(crossing?.crossedAt ?? null) };
}

export function toWireHold(
  hold: HoldRecord,
  { currency, at }: { readonly currency: string; readonly at: number },
): z.infer<typeof holdSchema> {
  const status = holdStatus(hold, at);
  return {
    id: hold.id,
    status,
    policy_name: hold.policyName,
    rule_name: hold.ruleName,
    period: hold.period,
    amount: roundMoney(hold.amount),
    settled: roundMoney(hold.settled),
    currency,
    decision_id: hold.decisionId,
    requester: hold.requester,
    idempotency_key: hold.idempotencyKey,
    resources: [...hold.resources],
    taken_at: toWireInstant(hold.takenAt),
    expires_at: toWireInstant(hold.expiresAt),
    committed_at: toWireInstant(hold.committedAt),
    committed_by: hold.committedBy,
    closed_at: toWireInstant(status === 'expired' ? hold.expiresAt : hold.closedAt),
    closed_by: hold.closedBy,
    close_reason: status === 'expired' ? 'expired' : hold.closeReason,
  };
}
