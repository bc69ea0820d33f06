/** Budgets at the gate: the words for what a request touches, and for the money of a budget in a period. */
import type { AlertThreshold, Decimal, Instant, Resource } from './model.js';

/** The amounts that a rule may give; each is a budget of its own in each period of the calendar. */
export const BUDGET_SPANS = ['monthly', 'quarterly', 'yearly'] as const;
export type BudgetSpan = (typeof BUDGET_SPANS)[number];

/** One amount of one budget rule in one period of the calendar, UTC. */
export interface BudgetKey {
  readonly policyName: string;
  readonly ruleName: string;
  /** `2026-11`, `2026-Q4` or `2026`. */
  readonly period: string;
}

/** Which costs count against a budget: all that is given must be equal. */
export interface BudgetSelector {
  readonly tags: Readonly<Record<string, string>>;
  readonly account?: string;
  readonly service?: string;
}

/** A budget of an enforcing rule in one period. */
export interface BudgetInPeriod extends BudgetKey {
  readonly span: BudgetSpan;
  /** What the rule allows for the period. */
  readonly budget: Decimal;
  /** Start (inclusive) and end (exclusive) of the period. */
  readonly from: Instant;
  readonly to: Instant;
  readonly selector: BudgetSelector;
}

/** A threshold that acts on requests. */
export type ActingThreshold = Pick<AlertThreshold, 'percent' | 'of'> & {
  readonly action: Exclude<AlertThreshold['action'], 'notify'>;
};

/** What is spent, promised and reserved in a period. */
export interface BudgetMoney {
  readonly actual: Decimal;
  readonly committed: Decimal;
  /** Without holds whose time is over. */
  readonly held: Decimal;
  /** Up to when billing data is in; null without any. */
  readonly actualUntil: Instant | null;
}

/** The money of a budget as read under the lock that the holds are taken in. */
export interface BudgetState extends BudgetKey, BudgetMoney {
  /** Thresholds of this period, for the amount as it is now, that were crossed and act on requests until it ends. */
  readonly crossed: readonly ActingThreshold[];
  /** What of `committed` is of the very resources that the request asks for again, at most what these take now; absent for nothing. */
  readonly own?: Decimal;
}

/** A budget that a request touches, before its state is known. */
export interface TouchedBudget extends BudgetInPeriod {
  /** What the request would hold, to the cent; of what has no known cost, nothing. */
  readonly amount: Decimal;
  /** Which resources of the request it is for. */
  readonly resourceIndexes: readonly number[];
  /** Ids, names and addresses of these, by which a bill may name them. */
  readonly resources: readonly string[];
  /** All resources of the request. */
  readonly asked: readonly Resource[];
}

/** Key for maps. */
export function budgetKey({ policyName, ruleName, period }: BudgetKey): string {
  return `${policyName}/${ruleName}/${period}`;
}

/** `settled`: committed, and all of it billed by now. */
export const HOLD_STATUSES = ['held', 'committed', 'released', 'expired', 'settled'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** Money reserved on one budget by one allowed decision. */
export interface HoldRecord extends BudgetKey {
  readonly id: string;
  readonly amount: Decimal;
  readonly status: HoldStatus;
  /** How much of what is committed has turned into actual. */
  readonly settled: Decimal;
  readonly decisionId: string;
  readonly principal: string;
  readonly requester: string;
  readonly idempotencyKey: string | null;
  readonly planDigest: string | null;
  /** Addresses, ids or names, as the decision has them. */
  readonly resources: readonly string[];
  readonly takenAt: Instant;
  readonly expiresAt: Instant;
  readonly committedAt: Instant | null;
  readonly committedBy: string | null;
  readonly closedAt: Instant | null;
  /** Who released it. */
  readonly closedBy: string | null;
  readonly closeReason: string | null;
}

/** The status that holds at an instant, whether or not anything has noted it: a hold that is not committed ends while `at >= expiresAt`. */
export function holdStatus({ status, expiresAt }: Pick<HoldRecord, 'status' | 'expiresAt'>, at: Instant): HoldStatus {
  return status === 'held' && at >= expiresAt ? 'expired' : status;
}
