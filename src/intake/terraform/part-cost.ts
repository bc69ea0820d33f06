/** What a part costs by the price list: the likely amount, and what its group may scale to. Pure. */
import type { Cost, Decimal, Specs } from '../../policy/model.js';
import { compare, hourlyFromMonthly } from '../../policy/money.js';
import type { Lookup } from '../intake.js';
import { known } from './attributes.js';
import { isFree } from './kinds/free.js';
import { isCatalogProvider, type Part } from './mapping.js';

const UNKNOWN_COST: Cost = { hourly: null, monthly: null, source: 'none' };
const FREE: Cost = { hourly: '0', monthly: '0.00', source: 'price-list' };

export interface PricedPlace {
  readonly provider: string;
  readonly region: string | null;
  readonly lookup: Lookup;
}

/** Of all its `quantity`. A group costs at least what its least size of the cheapest type does, at most its most size of the dearest. */
export function costOfPart(part: Part, specs: Specs, { provider, region, lookup }: PricedPlace): Cost {
  if (isFree(part.type)) return FREE;
  if (part.listed === false || !isCatalogProvider(provider)) return UNKNOWN_COST;
  const { size, anyOf = [], times = 1, pricedAs: type = part.type } = part;
  const price = (count: number, of: Specs) => lookup.price({ provider, type, region, specs: of, quantity: count * times });
  const desired = size === undefined ? 1 : known(size.desired);
  if (desired === undefined) return UNKNOWN_COST;
  const choices = anyOf.length === 0 ? [specs] : anyOf.map((instanceType) => ({ ...specs, instanceType }));
  const likely = price(desired, choices[0] ?? specs);
  if (size === undefined && choices.length === 1) return likely;
  const least = choices.map((choice) => lowOf(price(size?.least ?? desired, choice)));
  const most = choices.map((choice) => highOf(price(size?.most ?? desired, choice)));
  return ranged(likely, lowest(least), highest(most));
}

const lowOf = ({ range, monthly }: Cost): Decimal | null => range?.low ?? monthly;
const highOf = ({ range, monthly }: Cost): Decimal | null => (range === undefined ? monthly : range.high);

/** What has no price may cost nothing. */
function lowest(amounts: readonly (Decimal | null)[]): Decimal {
  return (
    amounts.reduce<Decimal | undefined>(
      (low, each) => (low === undefined || compare(each ?? '0', low) < 0 ? (each ?? '0') : low),
      undefined,
    ) ?? '0'
  );
}

/** What has no price leaves the upper end open. */
function highest(amounts: readonly (Decimal | null)[]): Decimal | null {
  return amounts.reduce((high, each) => (high === null || each === null ? null : compare(each, high) > 0 ? each : high), '0');
}

function ranged(likely: Cost, low: Decimal, high: Decimal | null): Cost {
  const { monthly } = likely;
  if (monthly === null || (low === monthly && high === monthly)) return likely;
  const { unpriced } = likely;
  return {
    hourly: likely.hourly ?? hourlyFromMonthly(monthly),
    monthly,
    source: likely.source,
    range: { low, high },
    ...(unpriced === undefined ? {} : { unpriced }),
  };
}
