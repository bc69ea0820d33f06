/** Which thresholds of a budget are crossed: those that were in its period, and those that its numbers cross now. Pure. */
import type { ActingThreshold, BudgetInPeriod, BudgetKey, BudgetMoney, BudgetState } from './budget.js';
import { forecastOf } from './budget-period.js';
import type { AlertThreshold, Decimal, Instant } from './model.js';
import { add, compare, multiply, roundMoney } from './money.js';

type Limits = Pick<BudgetInPeriod, 'budget' | 'from' | 'to'>;

/**
 * What a threshold looks at, to the cent. `actual` is what is spent, with what is committed and not billed yet; holds do not count, since
 * they may be given back. Null for a forecast that nothing is known for.
 */
export function observedOf({ of }: Pick<AlertThreshold, 'of'>, limits: Limits, money: BudgetMoney): Decimal | null {
  return of === 'actual' ? roundMoney(add(money.actual, money.committed)) : forecastOf(money, limits);
}

/** Whether the numbers cross a threshold now. Reaching it is crossing it; a budget of nothing is crossed by the first cent. */
export function isCrossed(threshold: Pick<AlertThreshold, 'percent' | 'of'>, limits: Limits, money: BudgetMoney): boolean {
  const observed = observedOf(threshold, limits, money);
  if (observed === null || compare(observed, '0') <= 0) return false;
  return compare(multiply(observed, '100'), multiply(limits.budget, String(threshold.percent))) >= 0;
}

/** The crossing of a threshold, for its period and the amount that the budget had then. */
export interface Crossing extends BudgetKey, Pick<AlertThreshold, 'percent' | 'of' | 'action'> {
  /** The amount of the budget when it was crossed. */
  readonly budget: Decimal;
  readonly observed: Decimal;
  readonly crossedAt: Instant;
}

/** Those of the thresholds that the numbers cross now. */
export function crossingsOf(
  thresholds: readonly AlertThreshold[],
  budget: BudgetInPeriod,
  money: BudgetMoney,
  crossedAt: Instant,
): readonly Crossing[] {
  const { policyName, ruleName, period } = budget;
  return thresholds
    .filter((threshold) => isCrossed(threshold, budget, money))
    .map(({ percent, of, action }) => {
      const observed = observedOf({ of }, budget, money) ?? '0';
      return { policyName, ruleName, period, percent, of, action, budget: budget.budget, observed, crossedAt };
    });
}

export function acts(threshold: AlertThreshold): threshold is AlertThreshold & ActingThreshold {
  return threshold.action !== 'notify';
}

function isSame(a: ActingThreshold, b: ActingThreshold): boolean {
  return a.percent === b.percent && a.of === b.of && a.action === b.action;
}

/**
 * The thresholds that act on requests: what was crossed acts until the period ends or the amount is raised, also when a correction of the
 * bill took the numbers back; what the numbers cross acts at once, whether or not a worker has noted it.
 */
export function crossedThresholds(
  thresholds: readonly AlertThreshold[],
  budget: BudgetInPeriod,
  state: BudgetState,
): readonly ActingThreshold[] {
  return thresholds
    .filter(acts)
    .filter((threshold) => state.crossed.some((past) => isSame(past, threshold)) || isCrossed(threshold, budget, state));
}
