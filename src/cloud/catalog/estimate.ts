import type { Cost, Decimal } from '../../policy/model.js';
import { exactMoney, hourlyFromMonthly, monthOfHours, multiply } from '../../policy/money.js';

export const UNKNOWN: Cost = { hourly: null, monthly: null, source: 'none' };

/** What one of a kind costs, as far as the price list says. */
export interface Estimate {
  readonly unit: 'hour' | 'month';
  /** The likely amount of one such unit of time; null where it depends on use alone. */
  readonly amount: Decimal | null;
  /** What it costs at least, where that is less. */
  readonly least?: Decimal;
  /** Parts that cost something too, and nobody knows how much. */
  readonly unpriced?: readonly string[];
}

/** The cost of `quantity` alike; none of them cost nothing, whatever one would. */
export function costOf(estimate: Estimate | undefined, quantity: number): Cost {
  if (quantity === 0) return { hourly: '0', monthly: '0.00', source: 'price-list' };
  if (estimate === undefined) return UNKNOWN;
  const { unit, unpriced = [] } = estimate;
  if (estimate.amount === null) return { ...UNKNOWN, unpriced };
  const amount = times(estimate.amount, quantity);
  const monthly = inMonth(unit, amount);
  const low = estimate.least === undefined ? monthly : inMonth(unit, times(estimate.least, quantity));
  return {
    hourly: unit === 'hour' ? amount : hourlyFromMonthly(amount),
    monthly,
    source: 'price-list',
    ...(low === monthly && unpriced.length === 0 ? {} : { range: { low, high: unpriced.length === 0 ? monthly : null } }),
    ...(unpriced.length === 0 ? {} : { unpriced }),
  };
}

const times = (amount: Decimal, quantity: number): Decimal => (quantity === 1 ? amount : multiply(amount, String(quantity)));

const inMonth = (unit: Estimate['unit'], amount: Decimal): Decimal => (unit === 'hour' ? monthOfHours(amount) : exactMoney(amount));
