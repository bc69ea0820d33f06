/** Which budgets a request touches, and what it would take of them. Pure. */
import { BUDGET_SPANS, type BudgetInPeriod, type BudgetSelector, type TouchedBudget } from './budget.js';
import { type BudgetPeriod, periodAt, prorate } from './budget-period.js';
import { isOfService } from './budget-service.js';
import type { CompiledPolicies, CompiledRule } from './compile.js';
import { boundsOf } from './cost-range.js';
import { appliesTo } from './judge.js';
import { isUnknownPath, tagOf } from './match.js';
import type { BudgetLimitRule, Cost, Decimal, Instant, Resource } from './model.js';
import { compare, isZero, max, min, subtract, sum } from './money.js';
import { remember } from './remember.js';

/** A rule of a `BudgetLimit` policy, ready to judge. */
export interface BudgetRule extends CompiledRule {
  readonly budget: BudgetLimitRule['budget'];
}

interface BudgetIndex {
  readonly all: readonly BudgetRule[];
  /** Those of which `resource` may meet the first tag that they select by, and those that select by none; in no order. */
  readonly candidatesFor: (resource: Resource) => readonly BudgetRule[];
}

/** The rules that concern one resource type. */
interface TypeIndex {
  readonly byNoTag: readonly BudgetRule[];
  /** By key and value of the first tag of the selector: an organisation has a budget for each of its thousand teams. */
  readonly byTag: ReadonlyMap<string, ReadonlyMap<string, readonly BudgetRule[]>>;
}

function indexByTag(rules: readonly BudgetRule[]): TypeIndex {
  const byTag = new Map<string, Map<string, BudgetRule[]>>();
  const byNoTag: BudgetRule[] = [];
  for (const rule of rules) {
    const [tag] = rule.selectorTags;
    if (tag === undefined) {
      byNoTag.push(rule);
      continue;
    }
    const values = byTag.get(tag.key) ?? new Map<string, BudgetRule[]>();
    byTag.set(tag.key, values);
    values.set(tag.value, [...(values.get(tag.value) ?? []), rule]);
  }
  return { byNoTag, byTag };
}

function candidatesIn({ byNoTag, byTag }: TypeIndex, resource: Resource): readonly BudgetRule[] {
  if (byTag.size === 0) return byNoTag;
  const found = [...byNoTag];
  for (const [key, values] of byTag) {
    const value = tagOf(resource.tags, key);
    if (isUnknownPath(resource, `tags.${key}`)) found.push(...[...values.values()].flat());
    else if (value !== undefined) found.push(...(values.get(value) ?? []));
  }
  return found;
}

const indexes = new WeakMap<CompiledPolicies, BudgetIndex>();
/** Types come from requests. */
const MAX_INDEXED_TYPES = 1_000;

/** Worked out once for each set of policies. */
function indexOf(compiled: CompiledPolicies): BudgetIndex {
  const before = indexes.get(compiled);
  if (before !== undefined) return before;
  const all = compiled.rules.filter((rule): rule is BudgetRule => rule.budget !== undefined);
  const forType = remember(MAX_INDEXED_TYPES, (type: string) => indexByTag(all.filter((rule) => rule.concerns(type))));
  const index: BudgetIndex = {
    all,
    candidatesFor: (resource) => (all.length === 0 ? all : candidatesIn(forType(resource.type), resource)),
  };
  indexes.set(compiled, index);
  return index;
}

/** All budget rules of a set that can be judged, in the order of policy and rule names. */
export function budgetRulesOf(compiled: CompiledPolicies): readonly BudgetRule[] {
  return indexOf(compiled).all;
}

/** Which rows of a bill count. A policy's namespace is that of what it selects, which a bill shows as the tag `environment`. */
function selectorOf({ namespace, selectorTags, account, service }: BudgetRule): BudgetSelector {
  return {
    tags: {
      ...(namespace === undefined ? {} : { environment: namespace }),
      ...Object.fromEntries(selectorTags.map(({ key, value }) => [key, value])),
    },
    ...(account === undefined ? {} : { account }),
    ...(service === undefined ? {} : { service }),
  };
}

interface OfMonth {
  readonly month: BudgetPeriod;
  readonly budgets: readonly BudgetInPeriod[];
}

/** Of the month that was asked for last: every period begins with a month, and requests come in the same one. */
const ofMonth = new WeakMap<BudgetRule, OfMonth>();

/** The budgets of a rule in the periods that `at` falls into: one for each amount that it gives. */
export function budgetsOf(rule: BudgetRule, at: Instant): readonly BudgetInPeriod[] {
  const known = ofMonth.get(rule);
  if (known !== undefined && known.month.from <= at && at < known.month.to) return known.budgets;
  const { policyName, ruleName } = rule;
  const selector = selectorOf(rule);
  const budgets = BUDGET_SPANS.flatMap((span) => {
    const budget = rule.budget[span];
    return budget === undefined ? [] : [{ policyName, ruleName, budget, selector, ...periodAt(span, at) }];
  });
  ofMonth.set(rule, { month: periodAt('monthly', at), budgets });
  return budgets;
}

/**
 * What a resource adds to a month; null when that is not known. A change of what exists adds the difference, and one that makes it
 * cheaper nothing: what it saves is billed less only from then on.
 */
export function addedMonthly({ cost, previousMonthly }: Resource): Decimal | null {
  if (cost.monthly === null || previousMonthly === null) return null;
  return previousMonthly === undefined ? cost.monthly : max('0', subtract(cost.monthly, previousMonthly));
}

/** What is free, makes an existing resource cheaper, or leaves its cost is nobody's to stop; what may cost something is not free. */
function addsCost(resource: Resource): boolean {
  const added = addedMonthly(resource);
  if (added === null || compare(added, '0') > 0) return true;
  return resource.previousMonthly === undefined && !isFree(resource.cost);
}

function isFree(cost: Cost): boolean {
  const high = boundsOf(cost)?.high ?? null;
  return high !== null && isZero(high);
}

/** Whether any of these is known to add to a month. */
export function addsKnownCost(resources: readonly Resource[], indexes: readonly number[]): boolean {
  return indexes.some((index) => {
    const resource = resources[index];
    const added = resource === undefined ? null : addedMonthly(resource);
    return added !== null && !isZero(added);
  });
}

/** What these resources would take of a budget from `at` to the end of its period; those of no known cost add nothing. */
export function amountOf(resources: readonly Resource[], indexes: readonly number[], at: Instant, to: Instant): Decimal {
  const monthly = indexes.map((index) => {
    const resource = resources[index];
    return (resource && addedMonthly(resource)) ?? '0';
  });
  return prorate(sum(monthly), at, to);
}

/** The resources of a request that add cost, by what one rule makes of them. */
export interface Counted {
  readonly rule: BudgetRule;
  /** Certainly count against its budgets. */
  readonly sure: readonly number[];
  /** May count: something that its selector reads is not known. */
  readonly unsure: readonly number[];
}

/** For each rule that counts at least one resource, or may; in the order of policy and rule names. */
export function countResources(compiled: CompiledPolicies, resources: readonly Resource[]): readonly Counted[] {
  const { candidatesFor } = indexOf(compiled);
  const counted = new Map<BudgetRule, { readonly rule: BudgetRule; sure: number[]; unsure: number[] }>();
  resources.forEach((resource, index) => {
    const rules = candidatesFor(resource);
    if (rules.length === 0 || !addsCost(resource)) return;
    for (const rule of rules) {
      const applies = appliesTo(rule, resource);
      if (applies === 'no' || !isServiceOf(rule, resource)) continue;
      const found = counted.get(rule) ?? { rule, sure: [], unsure: [] };
      counted.set(rule, found);
      (applies === 'yes' ? found.sure : found.unsure).push(index);
    }
  });
  return [...counted.values()].sort((a, b) => byNames(a.rule, b.rule));
}

/** `concerns` knows the type alone; the same type has another name in another cloud. */
function isServiceOf({ service }: BudgetRule, resource: Resource): boolean {
  return service === undefined || isOfService(service, resource);
}

function byNames(a: BudgetRule, b: BudgetRule): number {
  if (a.policyName !== b.policyName) return a.policyName < b.policyName ? -1 : 1;
  return a.ruleName < b.ruleName ? -1 : 1;
}

/**
 * The budgets of which `judgeBudgets` needs the state: those that a resource counts against, or may. In the order of policy and rule
 * names and spans; empty for a request that adds no cost, and at no cost where no budget concerns its types.
 */
export function touchedBudgets(compiled: CompiledPolicies, resources: readonly Resource[], at: Instant): readonly TouchedBudget[] {
  return countResources(compiled, resources).flatMap(({ rule, sure }) => {
    const names = namesOf(resources, sure);
    return budgetsOf(rule, at).map((budget) => ({
      ...budget,
      amount: amountOf(resources, sure, at, budget.to),
      resourceIndexes: sure,
      resources: names,
      asked: resources,
    }));
  });
}

/** What a deployment committed on one budget before, and is not billed yet. */
export interface OwnCommitment {
  readonly amount: Decimal;
  /** As the hold names them. */
  readonly resources: readonly string[];
  /** Whether it was made by the same plan, resource by resource. */
  readonly isSamePlan: boolean;
}

/**
 * How much of what its deployment committed before is for what the request asks for again, at most what that takes now. A key may name
 * more than one plan: another resource is none of it, nor is a change of what exists, unless the plan is the same.
 */
export function ownOf({ asked, resourceIndexes, to }: TouchedBudget, before: readonly OwnCommitment[], at: Instant): Decimal {
  const names = new Set(before.flatMap(({ resources }) => resources));
  const isSamePlan = before.some((each) => each.isSamePlan);
  const again = resourceIndexes.filter((index) => {
    const resource = asked[index];
    if (resource === undefined || (resource.previousMonthly !== undefined && !isSamePlan)) return false;
    const own = namesOf(asked, [index]);
    return own.length === 0 ? names.size === 0 : own.some((name) => names.has(name));
  });
  return min(sum(before.map(({ amount }) => amount)), amountOf(asked, again, at, to));
}

function namesOf(resources: readonly Resource[], indexes: readonly number[]): readonly string[] {
  const names = indexes.flatMap((index) => {
    const resource = resources[index];
    return [resource?.id, resource?.name, resource?.address];
  });
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}
