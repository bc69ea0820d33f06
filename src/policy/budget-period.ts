/** The calendar of budgets, UTC, and the money that falls into what is left of a period. Never divided by the demonstration clock. */
import type { BudgetMoney, BudgetSpan } from './budget.js';
import { HOUR, HOURS_PER_MONTH } from './durations.js';
import type { Decimal, Instant } from './model.js';
import { add, compare, divide, max, multiply, roundMoney, subtract } from './money.js';

export interface BudgetPeriod {
  /** `2026-11`, `2026-Q4` or `2026`. */
  readonly period: string;
  readonly span: BudgetSpan;
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

const MONTHS: { readonly [S in BudgetSpan]: number } = { monthly: 1, quarterly: 3, yearly: 12 };

function nameOf(span: BudgetSpan, year: number, month: number): string {
  switch (span) {
    case 'monthly':
      return `${year}-${String(month + 1).padStart(2, '0')}`;
    case 'quarterly':
      return `${year}-Q${month / 3 + 1}`;
    case 'yearly':
      return String(year);
    default:
      return span satisfies never;
  }
}

function periodFrom(span: BudgetSpan, year: number, month: number): BudgetPeriod {
  const from = Date.UTC(year, month);
  return { period: nameOf(span, year, month), span, from, to: Date.UTC(year, month + MONTHS[span]) };
}

/** The period that `at` falls into; its first instant belongs to it, its end to the next. */
export function periodAt(span: BudgetSpan, at: Instant): BudgetPeriod {
  const date = new Date(at);
  const months = MONTHS[span];
  return periodFrom(span, date.getUTCFullYear(), Math.floor(date.getUTCMonth() / months) * months);
}

/** The period of a name, undefined for what names none. */
export function parsePeriod(name: string): BudgetPeriod | undefined {
  const [, year = '', month, quarter] = /^(\d{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?$/.exec(name) ?? [];
  if (year === '') return undefined;
  if (month !== undefined) return periodFrom('monthly', Number(year), Number(month) - 1);
  if (quarter !== undefined) return periodFrom('quarterly', Number(year), (Number(quarter) - 1) * 3);
  return periodFrom('yearly', Number(year), 0);
}

const MONTH_MS = String(HOURS_PER_MONTH * HOUR);

/** What a monthly cost comes to from `at` to the end of the period, half-up to the cent: `2803.20` with 206 h left is `791.04`. */
export function prorate(monthly: Decimal, at: Instant, to: Instant): Decimal {
  return divide(multiply(monthly, String(Math.max(0, to - at))), MONTH_MS, 2);
}

/** The largest monthly cost, to the cent, that prorates to no more than `amount`; null where no positive one does. */
export function monthlyWithin(amount: Decimal, at: Instant, to: Instant): Decimal | null {
  if (to <= at || compare(amount, '0') <= 0) return null;
  // Whatever is less than half a cent more is rounded down to it.
  let monthly = divide(multiply(add(amount, '0.005'), MONTH_MS), String(to - at), 2);
  while (compare(prorate(monthly, at, to), amount) > 0) monthly = subtract(monthly, '0.01');
  return compare(monthly, '0') > 0 ? monthly : null;
}

/**
 * What the period will have cost at its end, to the cent: what was billed so far goes on at the same rate, and what was committed and is
 * not billed yet comes on top. Null without billing data, unless something is committed.
 */
export function forecastOf(
  { actual, committed, actualUntil }: BudgetMoney,
  { from, to }: Pick<BudgetPeriod, 'from' | 'to'>,
): Decimal | null {
  if (actualUntil === null) return compare(committed, '0') > 0 ? roundMoney(add(actual, committed)) : null;
  const elapsed = Math.min(to, actualUntil) - from;
  // A credit does not go on by the hour.
  const runRate = elapsed <= 0 ? actual : max(actual, divide(multiply(actual, String(to - from)), String(elapsed), 2));
  return roundMoney(add(runRate, committed));
}
