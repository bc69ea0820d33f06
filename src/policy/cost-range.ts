/** What things cost a month, as an interval: low, likely, high. An open end is null, and what leaves it open is named. */
import type { Cost, Decimal, Resource } from './model.js';
import { compare, monthlyFromHourly, roundMoney, Total } from './money.js';

export interface CostBounds {
  readonly low: Decimal;
  /** Null is open: part of it has no price. */
  readonly high: Decimal | null;
}

/** Bounds of a month; null when nothing of it is known. */
export function boundsOf({ monthly, range, unpriced = [] }: Cost): CostBounds | null {
  if (range !== undefined) return range;
  if (monthly === null) return null;
  return { low: monthly, high: unpriced.length === 0 ? monthly : null };
}

/** What a caller says of a cost. */
export interface GivenCost {
  readonly hourly?: Decimal | null | undefined;
  readonly monthly?: Decimal | null | undefined;
  readonly low?: Decimal | null | undefined;
  readonly high?: Decimal | null | undefined;
}

export interface Contradiction {
  readonly key: 'low' | 'high';
  readonly message: string;
}

/** Where the bounds of a month do not hold its likely amount, or each other; of an hourly amount, the month to the cent. */
export function contradictionsOf({ hourly, monthly, low, high }: GivenCost): readonly Contradiction[] {
  const byHour = monthly === null || monthly === undefined ? hourly : undefined;
  const toCent = typeof byHour === 'string';
  const likely = toCent ? monthlyFromHourly(byHour) : monthly;
  const exceeds = (a: Decimal, b: Decimal) => compare(toCent ? roundMoney(a) : a, toCent ? roundMoney(b) : b) > 0;
  const words = toCent ? `\`hourly\` × 730, which is \`${likely}\`` : `\`monthly\`, which is \`${likely}\``;
  if (typeof likely !== 'string') {
    if (typeof low !== 'string' || typeof high !== 'string' || !exceeds(low, high)) return [];
    return [{ key: 'low', message: `expected at most \`high\`, which is \`${high}\`, got \`${low}\`` }];
  }
  return [
    ...(typeof low === 'string' && exceeds(low, likely)
      ? [{ key: 'low' as const, message: `expected at most ${words}, got \`${low}\`` }]
      : []),
    ...(typeof high === 'string' && exceeds(likely, high)
      ? [{ key: 'high' as const, message: `expected at least ${words}, got \`${high}\`` }]
      : []),
  ];
}

/** `within` and `above` whatever it turns out to be; `may-exceed` when only the high end is above; `unknown` when the high end is open. */
export type Comparison = 'within' | 'above' | 'may-exceed' | 'unknown';

/** Compares with a limit that itself is within. */
export function compareWithLimit({ low, high }: CostBounds, limit: Decimal): Comparison {
  if (compare(low, limit) > 0) return 'above';
  if (high === null) return 'unknown';
  return compare(high, limit) > 0 ? 'may-exceed' : 'within';
}

/** Why the high end is open: `without a price for storage, data processed`; undefined when no part is named. */
export function whyOpen({ unpriced = [] }: Cost): string | undefined {
  return unpriced.length === 0 ? undefined : `without a price for ${unpriced.join(', ')}`;
}

export interface TotalCost {
  readonly low: Decimal | null;
  readonly likely: Decimal | null;
  readonly high: Decimal | null;
  /** Each resource, or part of one, that has no price: `web-1`, `web-1: storage`. */
  readonly unpriced: readonly string[];
}

function unpricedOf(cost: Cost, name: string): readonly string[] {
  const parts = cost.unpriced ?? [];
  if (parts.length > 0) return parts.map((part) => `${name}: ${part}`);
  return boundsOf(cost)?.high === null || cost.monthly === null ? [name] : [];
}

/** A month of all resources, to the cent. Each open end opens the whole; with none priced nothing is known; without resources it is nothing. */
export function totalCost(resources: readonly Resource[], nameOf: (index: number) => string): TotalCost {
  let known = resources.length === 0;
  const low = new Total();
  const likely = new Total();
  const high = new Total();
  let isOpen = false;
  const unpriced: string[] = [];
  resources.forEach(({ cost }, index) => {
    const bounds = boundsOf(cost);
    if (bounds !== null) {
      known = true;
      low.add(bounds.low);
      likely.add(cost.monthly ?? bounds.low);
    }
    const end = bounds?.high ?? null;
    if (end === null) isOpen = true;
    else high.add(end);
    unpriced.push(...unpricedOf(cost, nameOf(index)));
  });
  if (!known) return { low: null, likely: null, high: null, unpriced };
  const toCent = (total: Total) => roundMoney(total.toDecimal());
  return { low: toCent(low), likely: toCent(likely), high: isOpen ? null : toCent(high), unpriced };
}
