import type { Cost, Decimal } from '../../policy/model.js';
import { exactMoney, hourlyFromMonthly, isNegative, parseDecimal, subtract, sum } from '../../policy/money.js';
import { isKeys, type Keys, listOf, textOf } from '../loose.js';

/** A sum of money as Infracost writes it: decimal text, by old versions a number. Null for what depends on usage that nobody gave. */
export function amountOf(value: unknown): Decimal | null {
  const amount = typeof value === 'string' || typeof value === 'number' ? parseDecimal(value) : undefined;
  return amount === undefined || isNegative(amount) ? null : amount;
}

/** An object of the document that has a cost of its own: a resource, or a part of one. */
export interface CostNode {
  readonly name: string;
  readonly monthly: Decimal | null;
  readonly components: readonly Keys[];
  readonly parts: readonly CostNode[];
}

export function costNodeOf(value: Keys): CostNode {
  return {
    name: textOf(value['name']) ?? '',
    monthly: amountOf(value['monthlyCost']),
    components: listOf(value['costComponents']).filter(isKeys),
    parts: listOf(value['subresources']).filter(isKeys).map(costNodeOf),
  };
}

/**
 * The cost of a node without those of its parts that are resources of their own (`apart`). A component that depends on usage, or has no
 * price, leaves the upper end open and is named.
 */
export function costOfNode(node: CostNode, apart: readonly CostNode[]): Cost {
  const monthly = withoutParts(node, apart);
  const unpriced = [...new Set(unpricedOf(node, apart))];
  if (monthly === null && unpriced.length === 0) return { hourly: null, monthly: null, source: 'none' };
  return {
    hourly: monthly === null ? null : hourlyFromMonthly(monthly),
    monthly: monthly === null ? null : exactMoney(monthly),
    source: 'request',
    ...(unpriced.length === 0 ? {} : { range: { low: monthly === null ? '0' : exactMoney(monthly), high: null }, unpriced }),
  };
}

function withoutParts({ monthly }: CostNode, apart: readonly CostNode[]): Decimal | null {
  if (monthly === null) return null;
  const rest = subtract(monthly, sum(apart.flatMap((part) => part.monthly ?? [])));
  return isNegative(rest) ? '0' : rest;
}

/** Longest list of parts without a price; a resource with more names these. */
const MOST_NAMED = 50;

function unpricedOf(node: CostNode, apart: readonly CostNode[]): readonly string[] {
  const own = node.components.filter(isUnpriced).map(({ name }) => (textOf(name) ?? 'usage').slice(0, 200));
  const inner = node.parts.filter((part) => !apart.includes(part)).flatMap((part) => unpricedOf(part, []));
  return [...own, ...inner].slice(0, MOST_NAMED);
}

function isUnpriced(component: Keys): boolean {
  return amountOf(component['monthlyCost']) === null || component['priceNotFound'] === true;
}
