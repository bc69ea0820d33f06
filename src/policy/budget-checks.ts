/** What a budget says against a request, in words and numbers. Pure. */
import type { BudgetInPeriod, BudgetState } from './budget.js';
import { monthlyWithin } from './budget-period.js';
import { observedOf } from './budget-thresholds.js';
import type { AlertThreshold, Decimal, Instant, Resource } from './model.js';
import { add, compare, divide, moneyWords, moneyWordsOf, multiply, roundMoney, subtract, sum } from './money.js';
import type { FailedCheck, Fix } from './verdict.js';

export interface Asked {
  readonly resources: readonly Resource[];
  readonly at: Instant;
}

/** What of a request is judged against a budget. */
export interface Counting {
  readonly indexes: readonly number[];
  /** What these add to what is spent, promised and reserved. */
  readonly amount: Decimal;
}

type Crossed = Pick<AlertThreshold, 'percent' | 'of'>;

/** Undefined when these resources fit in what is left. */
export function exceededCheck(
  budget: BudgetInPeriod,
  state: BudgetState,
  asked: Asked,
  { indexes, amount }: Counting,
): FailedCheck | undefined {
  const spent = roundMoney(sum([state.actual, state.committed, state.held]));
  const total = add(spent, amount);
  if (compare(amount, '0') <= 0 || compare(total, budget.budget) <= 0) return undefined;
  const [reached, most] = moneyWordsOf(total, budget.budget);
  return {
    path: pathOf(budget),
    observed: total,
    limit: budget.budget,
    message: `Requested cost of ${amount} brings ${words(budget)} to ${reached}, exceeds limit of ${most}`,
    fix: fixOf(asked, budget, subtract(budget.budget, subtract(spent, state.own ?? '0')), indexes),
  };
}

/** Of one resource, what it may cost at most; of several, nothing says which of them should shrink. */
function fixOf({ resources, at }: Asked, { to }: BudgetInPeriod, left: Decimal, indexes: readonly number[]): Fix | null {
  const [index, ...others] = indexes;
  const resource = index === undefined || others.length > 0 ? undefined : resources[index];
  const added = resource === undefined ? null : monthlyWithin(left, at, to);
  if (resource === undefined || added === null) return null;
  const monthly = add(resource.previousMonthly ?? '0', added);
  return { set: { 'cost.monthly': monthly }, text: `choose what costs at most ${moneyWords(monthly)} a month` };
}

export function blockedCheck(budget: BudgetInPeriod, state: BudgetState, threshold: Crossed): FailedCheck {
  return thresholdCheck(budget, state, threshold, `New resources are blocked until the end of ${budget.period}`);
}

export function approvalCheck(budget: BudgetInPeriod, state: BudgetState, threshold: Crossed): FailedCheck {
  return thresholdCheck(budget, state, threshold, 'New resources need approval');
}

function thresholdCheck(budget: BudgetInPeriod, state: BudgetState, threshold: Crossed, consequence: string): FailedCheck {
  const { percent, of } = threshold;
  const what = of === 'actual' ? words(budget) : `the forecast of ${words(budget)}`;
  return {
    path: pathOf(budget),
    observed: observedOf(threshold, budget, state),
    limit: divide(multiply(budget.budget, String(percent)), '100', 2),
    message: `${consequence}: ${what} has reached ${percent}% of ${moneyWords(budget.budget)}`,
    fix: null,
  };
}

function pathOf({ span }: BudgetInPeriod): string {
  return `budget.${span}`;
}

/** `monthly budget 2026-11`. */
function words({ span, period }: BudgetInPeriod): string {
  return `${span} budget ${period}`;
}
