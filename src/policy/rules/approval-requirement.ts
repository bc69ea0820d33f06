/** `ApprovalRequirement`: what somebody has to agree to first. It asks when all conditions of `when` hold; one that does not hold decides. */
import { boundsOf, compareWithLimit, whyOpen } from '../cost-range.js';
import { isUnknownPath, matchGlobs } from '../match.js';
import type { ApprovalRequirementRule, Decimal, Json, Resource } from '../model.js';
import { moneyWords, moneyWordsOf } from '../money.js';
import { canHaveSpec } from '../specs.js';
import type { Fix } from '../verdict.js';
import {
  type Check,
  type Failed,
  fixTo,
  joinMessages,
  NOT_GIVEN,
  quoteList,
  type RuleKind,
  type Unknown,
  unknown,
  whyNotKnown,
} from './check.js';

/** A condition that holds, with what it read. */
interface Holds {
  readonly kind: 'holds';
  readonly path: string;
  readonly observed: Json;
  readonly limit: Json;
  /** `a monthly cost of 1200.00 is above 1000.00` */
  readonly words: string;
  readonly fix: Fix | null;
  /** True when it holds only if the cost turns out high. */
  readonly possible: boolean;
}

type Condition = (resource: Resource) => 'no' | Unknown | Holds;

function missing(resource: Resource, path: string): Unknown {
  return unknown(path, whyNotKnown(resource, path));
}

function costAbove(limit: Decimal): Condition {
  const path = 'cost.monthly';
  const fix = fixTo({ [path]: limit }, `choose what costs at most ${moneyWords(limit)} a month`);
  return (resource) => {
    const bounds = isUnknownPath(resource, path) ? null : boundsOf(resource.cost);
    if (bounds === null) return missing(resource, path);
    const { low, high } = bounds;
    switch (compareWithLimit(bounds, limit)) {
      case 'within':
        return 'no';
      case 'unknown':
        return unknown(path, whyOpen(resource.cost) ?? NOT_GIVEN);
      case 'above': {
        const [amount, most] = moneyWordsOf(low, limit);
        return { kind: 'holds', path, observed: low, limit, words: `a monthly cost of ${amount} is above ${most}`, fix, possible: false };
      }
      default: {
        const [amount, most] = moneyWordsOf(high as Decimal, limit);
        const words = `a monthly cost of up to ${amount} may be above ${most}`;
        return { kind: 'holds', path, observed: high, limit, words, fix, possible: true };
      }
    }
  };
}

const PURCHASE_OPTION = 'specs.purchase_option';

/** A reservation is bought as reserved, whatever else it says. */
function purchaseOptionOf(resource: Resource): string | undefined {
  if (resource.type === 'commitment/reservation') return 'reserved';
  return isUnknownPath(resource, PURCHASE_OPTION) ? undefined : resource.specs.purchaseOption;
}

function purchasedAs(limit: string): Condition {
  const path = PURCHASE_OPTION;
  return (resource) => {
    if (!canHaveSpec(resource.type, 'purchaseOption')) return 'no';
    const observed = purchaseOptionOf(resource);
    if (observed === undefined) return missing(resource, path);
    if (observed !== limit) return 'no';
    return { kind: 'holds', path, observed, limit, words: `the purchase option is '${observed}'`, fix: null, possible: false };
  };
}

function outside(home: readonly string[]): Condition {
  const path = 'region';
  const fix = fixTo({ [path]: home[0] ?? null }, `use region ${home.join(' or ')}`);
  return (resource) => {
    const observed = isUnknownPath(resource, path) ? null : resource.region;
    if (observed === null) return missing(resource, path);
    if (home.includes(observed)) return 'no';
    const words = `region '${observed}' is outside the home regions ${quoteList(home)}`;
    return { kind: 'holds', path, observed, limit: home, words, fix, possible: false };
  };
}

function ofType(globs: readonly string[]): Condition {
  return ({ type }) => {
    if (!matchGlobs(globs, type)) return 'no';
    return { kind: 'holds', path: 'type', observed: type, limit: globs, words: `it is a ${type}`, fix: null, possible: false };
  };
}

/** The kind of resource last: it says least of why. */
function conditionsOf({
  monthlyCostAbove,
  purchaseOption,
  regionsOutside,
  resource,
}: ApprovalRequirementRule['when']): readonly Condition[] {
  return [
    ...(monthlyCostAbove === undefined ? [] : [costAbove(monthlyCostAbove)]),
    ...(purchaseOption === undefined ? [] : [purchasedAs(purchaseOption)]),
    ...(regionsOutside === undefined ? [] : [outside(regionsOutside)]),
    ...(resource === undefined ? [] : [ofType(resource)]),
  ];
}

/** One finding for the rule, at the path of its first condition: changing that alone is enough. */
function toFailed(held: readonly Holds[], first: Holds, approvers: readonly string[]): Failed {
  const isPossible = held.some(({ possible }) => possible);
  const { path, observed, limit, fix } = first;
  const words = held.map((condition) => condition.words).join(', ');
  const message = `${isPossible ? 'May need' : 'Needs'} approval by ${approvers.join(' or ')}: ${words}`;
  const failed = { kind: 'failed', check: { path, observed, limit, message, fix }, action: 'notify' } as const;
  return isPossible ? { ...failed, possible: true } : failed;
}

/** One that does not hold decides, then one that is not known. */
function compileCheck({ when, approvers }: ApprovalRequirementRule): Check {
  const conditions = conditionsOf(when);
  return (resource) => {
    const held: Holds[] = [];
    let open: Unknown | undefined;
    for (const condition of conditions) {
      const result = condition(resource);
      if (result === 'no') return 'passed';
      if (result.kind === 'holds') held.push(result);
      else open ??= result;
    }
    const [first] = held;
    if (open !== undefined || first === undefined) return open ?? 'not-applicable';
    return toFailed(held, first, approvers);
  };
}

export const approvalRequirement: RuleKind<'ApprovalRequirement'> = {
  points: ['deploy'],
  scanSeverity: 'low',
  denial: 'needs_approval',
  compile: (rule) => ({
    checks: [compileCheck(rule)],
    summarize: joinMessages,
    approval: { approvers: rule.approvers, expiresAfterMs: rule.expiresAfterMs ?? null },
  }),
};
