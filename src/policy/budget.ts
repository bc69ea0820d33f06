/** Budgets at the gate: which ones a request touches, what it would take of them, and what that does to the request. Pure. */
import type { Decimal, Instant } from './model.js';

/** One amount of one budget rule in one period of the calendar, UTC. */
export interface BudgetKey {
  readonly policyName: string;
  readonly ruleName: string;
  /** `2026-11`, `2026-Q4` or `2026`. */
  readonly period: string;
}

/** What is spent, promised and reserved in that period, as read under the lock that the holds are taken in. */
export interface BudgetState extends BudgetKey {
  readonly actual: Decimal;
  readonly committed: Decimal;
  readonly held: Decimal;
  /** Thresholds of this period, for the amount as it is now, that were crossed and act on requests. */
  readonly crossed: readonly {
    readonly percent: number;
    readonly of: 'actual' | 'forecast';
    readonly action: 'require-approval' | 'block-new-resources';
  }[];
}

/** A budget that a request touches, before its state is known. */
export interface TouchedBudget extends BudgetKey {
  /** What the rule allows for the period. */
  readonly budget: Decimal;
  /** Start (inclusive) and end (exclusive) of the period. */
  readonly from: Instant;
  readonly to: Instant;
  /** What the request would hold; null when the cost of one of its resources is not known. */
  readonly amount: Decimal | null;
  /** Which resources of the request it is for. */
  readonly resourceIndexes: readonly number[];
}

/** Key for maps. */
export function budgetKey({ policyName, ruleName, period }: BudgetKey): string {
  return `${policyName}/${ruleName}/${period}`;
}
