/** What a request would cost, for the server and for the command line without one. Pure. */
import { totalCost } from '../../policy/cost-range.js';
import type { Cost, Resource } from '../../policy/model.js';
import { hourlyFromMonthly, monthlyFromHourly } from '../../policy/money.js';
import { invalidInput } from '../input.js';
import { nameOf } from './answer.js';
import { type EvaluateRequest, toResources, type WireCost } from './evaluate.js';

/** Estimate from a price list for what a request describes; unknown is null. */
export type Price = (resource: Pick<Resource, 'provider' | 'type' | 'region' | 'specs' | 'quantity'>) => Cost;

/** The resources of a request, each with its cost. @throws invalid-input for amounts in another currency than the installation's */
export function toPricedResources(request: EvaluateRequest, price: Price, currency: string): readonly Resource[] {
  refuseOtherCurrencies(request, currency);
  return toResources(request).map((resource) => priced(resource, price));
}

function refuseOtherCurrencies({ cost, resources = [] }: EvaluateRequest, currency: string): void {
  const given = [
    { path: 'cost.currency', currency: cost?.currency },
    ...resources.map((resource, index) => ({ path: `resources[${index}].cost.currency`, currency: resource.cost?.currency })),
  ];
  const others = given.filter((each) => (each.currency ?? currency) !== currency);
  if (others.length === 0) return;
  const problems = others.map((each) => ({
    path: each.path,
    message: `expected \`${currency}\`, the currency of this installation, got \`${each.currency}\``,
  }));
  throw invalidInput(problems, 'request body');
}

/** The caller's own estimate where it gives one, the missing half worked out; else the price list's. */
function priced(resource: Resource, price: Price): Resource {
  const { hourly, monthly, source } = resource.cost;
  if (source === 'none') return { ...resource, cost: price(resource) };
  return {
    ...resource,
    cost: {
      ...resource.cost,
      hourly: hourly ?? (monthly === null ? null : hourlyFromMonthly(monthly)),
      monthly: monthly ?? (hourly === null ? null : monthlyFromHourly(hourly)),
    },
  };
}

/** A month of all resources; what has no price is named as the answer names the resource. */
export function costOf(resources: readonly Resource[], currency: string): WireCost {
  const { low, likely, high, unpriced } = totalCost(resources, (index) => nameOf(resources, index));
  return { low, likely, high, currency, period: 'month', unpriced: [...unpriced] };
}
