/** What a request would cost, for the server and for the command line without one. Pure. */
import type { Problem } from '../../errors.js';
import { contradictionsOf, totalCost } from '../../policy/cost-range.js';
import { knownSpecs, type TypeFacts } from '../../policy/known-specs.js';
import type { Cost, Resource, Specs } from '../../policy/model.js';
import { hourlyFromMonthly, monthOfHours } from '../../policy/money.js';
import { invalidInput } from '../input.js';
import { nameOf } from './answer.js';
import { type EvaluateRequest, toResources, type WireCost } from './evaluate.js';

/** Estimate from a price list for what a request describes; unknown is null. */
export type Price = (resource: Pick<Resource, 'provider' | 'type' | 'region' | 'specs' | 'quantity'>) => Cost;

/** What is looked up of what a request describes. */
export interface Lookups {
  readonly price: Price;
  readonly lookup: TypeFacts;
}

/**
 * The resources of a request, each with its cost, and with the specs of the types that it names.
 * @throws invalid-input for amounts in another currency than the installation's, and for bounds that do not hold their amount
 */
export function toPricedResources(request: EvaluateRequest, lookups: Lookups, currency: string): readonly Resource[] {
  // Most requests give no cost of their own.
  if (request.resources !== undefined || (request.cost ?? null) !== null) {
    refuseOtherCurrencies(request, currency);
    refuseContradictions(request);
  }
  return pricedResources(request, lookups);
}

/** The same of a request that was taken before. */
export function pricedResources(request: EvaluateRequest, { price, lookup }: Lookups): readonly Resource[] {
  return toResources(request).map((resource) => priced(resource, knownSpecs(resource, lookup), price));
}

function refuseContradictions({ cost, resources }: EvaluateRequest): void {
  const problems = [
    ...problemsOf(cost, 'cost'),
    ...(resources ?? []).flatMap((resource, index) => problemsOf(resource.cost, `resources[${index}].cost`)),
  ];
  if (problems.length > 0) throw invalidInput(problems, 'request body');
}

function problemsOf(cost: EvaluateRequest['cost'], path: string): readonly Problem[] {
  if (cost === null || cost === undefined) return [];
  return contradictionsOf(cost).map(({ key, message }) => ({ path: `${path}.${key}`, message }));
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
function priced(resource: Resource, specs: Specs, price: Price): Resource {
  const { hourly, monthly, source } = resource.cost;
  if (source === 'none') return { ...resource, specs, cost: price(resource) };
  return {
    ...resource,
    specs,
    cost: {
      ...resource.cost,
      hourly: hourly ?? (monthly === null ? null : hourlyFromMonthly(monthly)),
      monthly: monthly ?? (hourly === null ? null : monthOfHours(hourly)),
    },
  };
}

/** A month of all resources; what has no price is named as the answer names the resource. */
export function costOf(resources: readonly Resource[], currency: string): WireCost {
  const { low, likely, high, unpriced } = totalCost(resources, (index) => nameOf(resources, index));
  return { low, likely, high, currency, period: 'month', unpriced: [...unpriced] };
}
