/** Why a request was answered as it was: what each rule of every policy makes of each resource, also those that do not apply. Pure. */

import { countResources } from './budget-rules.js';
import { isOfService } from './budget-service.js';
import type { CompiledPolicies, CompiledRule } from './compile.js';
import { possibleEffectOf } from './effect.js';
import { type EvaluationContext, type EvaluationRequest, evaluateRequest, noOffers } from './evaluate.js';
import type { CompiledExceptions } from './exception.js';
import { appliesTo, type Judgement, judge, whyUnknown } from './judge.js';
import { type Applies, effectiveNamespace, matchGlobs, matchNamespace, tagOf } from './match.js';
import type { Instant, Resource } from './model.js';
import type { Question } from './rules/check.js';
import type { Decision, Effect, FailedCheck, UnknownCheck, Verdict } from './verdict.js';

export interface ExplainedCheck extends FailedCheck {
  readonly effect: Effect;
}

/** What one rule makes of one resource. */
export interface RuleExplanation {
  readonly rule: CompiledRule;
  readonly applies: Applies;
  /** Why it applies, does not, or may: `resource type compute/instance is not database/*`. */
  readonly reason: string;
  /** `excepted` when an exception lifts it. */
  readonly verdict: Verdict;
  readonly failed: readonly ExplainedCheck[];
  readonly unknowns: readonly UnknownCheck[];
  readonly exceptionId: string | null;
  /** True when an approval of the request lifts it. */
  readonly approved: boolean;
  readonly note: string | null;
}

export interface Explanation {
  /** The same that `evaluateRequest` gives. */
  readonly decision: Decision;
  /** In the order of policy and rule names; empty for an index that is not one of the request. */
  readonly ofResource: (resourceIndex: number) => readonly RuleExplanation[];
}

/** Why the rule cannot concern a resource of this type; undefined when it can. */
function whyNotType({ resource, scope, service }: CompiledRule, given: Resource): string | undefined {
  const { type } = given;
  if (!matchGlobs(resource, type)) return `resource type ${type} is not ${(resource ?? []).join(' or ')}`;
  if (!matchGlobs(scope, type)) return `resource type ${type} is not in scope ${(scope ?? []).join(' or ')}`;
  if (service !== undefined && !isOfService(service, given)) return `resource type ${type} is not of service ${service}`;
  return undefined;
}

function whyNotSelected(rule: CompiledRule, resource: Resource): string {
  if (matchNamespace(rule.namespace, resource) === 'no') {
    return `namespace is ${effectiveNamespace(resource)}, the policy is for ${rule.namespace}`;
  }
  const tag = rule.selectorTags.find(({ key, value }) => tagOf(resource.tags, key) !== value);
  if (tag !== undefined) {
    const given = tagOf(resource.tags, tag.key);
    return `selector asks tag ${tag.key}=${tag.value}, ${given === undefined ? 'the resource has none' : `it is ${given}`}`;
  }
  return `selector asks account ${rule.account}, it is ${resource.account}`;
}

/** What the rule asks of a resource before it judges it, all of which holds. */
function whyApplies(rule: CompiledRule, resource: Resource): string {
  const parts = [
    rule.resource === undefined ? [] : [`resource type is ${resource.type}`],
    rule.namespace === undefined ? [] : [`namespace is ${rule.namespace}`],
    rule.selectorTags.map(({ key, value }) => `tag ${key} is ${value}`),
    rule.account === undefined ? [] : [`account is ${rule.account}`],
  ].flat();
  return parts.length === 0 ? 'it applies to every resource' : parts.join(', ');
}

/** Of a rule that applies and has nothing to check. */
function whyNotConcerned(rule: CompiledRule, { type, taggable }: Resource): string {
  return rule.type === 'TagRequirement' && taggable === false ? `resource type ${type} cannot carry tags` : `it asks nothing of a ${type}`;
}

interface Reach {
  readonly applies: Applies;
  readonly reason: string;
}

function reachOf(rule: CompiledRule, resource: Resource): Reach {
  if (!rule.points.includes('deploy')) return { applies: 'no', reason: 'judged at scan only: there is no resource yet' };
  const other = whyNotType(rule, resource);
  if (other !== undefined) return { applies: 'no', reason: other };
  const applies = appliesTo(rule, resource);
  if (applies === 'yes') return { applies, reason: whyApplies(rule, resource) };
  if (applies === 'no') return { applies, reason: whyNotSelected(rule, resource) };
  return {
    applies,
    reason: whyUnknown(rule, resource)
      .map(({ path, reason }) => `${path} is ${reason}`)
      .join(', '),
  };
}

type Said = Pick<RuleExplanation, 'verdict' | 'failed' | 'unknowns'>;

function toSaid(rule: CompiledRule, { verdict, failed, unknowns }: Judgement): Said {
  const effectOf = (possible: true | undefined): Effect => (possible === true ? possibleEffectOf(rule.effect) : rule.effect);
  return { verdict, failed: failed.map(({ check, possible }) => ({ ...check, effect: effectOf(possible) })), unknowns };
}

const NOTHING_SAID: Said = { verdict: 'not-applicable', failed: [], unknowns: [] };

/** What a decision holds of one resource; of budgets, what it holds at all. */
class Answer {
  readonly #decision: Decision;
  readonly #index: number;

  constructor(decision: Decision, index: number) {
    this.#decision = decision;
    this.#index = index;
  }

  #own<T extends Placed>(list: readonly T[], { policyName, ruleName }: CompiledRule): readonly T[] {
    return list.filter((one) => one.resourceIndex === this.#index && one.policyName === policyName && one.ruleName === ruleName);
  }

  exceptionId(rule: CompiledRule): string | null {
    return this.#own(this.#decision.exceptionsApplied, rule)[0]?.id ?? null;
  }

  note(rule: CompiledRule): string | null {
    return this.#own(this.#decision.notes, rule)[0]?.message ?? null;
  }

  /** A budget judges the sum: what it says stands beside one resource of the request and holds for each that counts. */
  saidByBudget({ policyName, ruleName }: CompiledRule): Said {
    const isOfRule = (one: Placed): boolean => one.policyName === policyName && one.ruleName === ruleName;
    const { violations, warnings, unknowns } = this.#decision;
    const failed = [...violations, ...warnings].filter(isOfRule).map(toExplainedCheck);
    const open = unknowns.filter(isOfRule).map(({ path, reason }) => ({ path, reason }));
    if (failed.length > 0) return { verdict: 'violating', failed, unknowns: open };
    return { verdict: open.length > 0 ? 'unknown' : 'compliant', failed, unknowns: open };
  }
}

interface Placed {
  readonly policyName: string;
  readonly ruleName: string;
  readonly resourceIndex: number;
}

function toExplainedCheck({ path, observed, limit, message, fix, effect }: ExplainedCheck): ExplainedCheck {
  return { path, observed, limit, message, fix, effect };
}

function explainRule(rule: CompiledRule, said: Said, reach: Reach, answer: Answer, isApproved: boolean): RuleExplanation {
  const exceptionId = answer.exceptionId(rule);
  const asks = said.failed.some(({ effect }) => effect === 'needs_approval') || rule.effect === 'needs_approval';
  const isLoud = said.verdict === 'violating' || said.verdict === 'unknown' || said.verdict === 'error';
  return {
    rule,
    ...reach,
    ...said,
    verdict: exceptionId === null ? said.verdict : 'excepted',
    exceptionId,
    approved: isApproved && asks && isLoud,
    note: answer.note(rule),
  };
}

/** Explains what `evaluateRequest` answers to the same arguments. A resource is explained when it is asked for: a plan may have thousands. */
export function explainRequest(
  compiled: CompiledPolicies,
  exceptions: CompiledExceptions,
  request: EvaluationRequest,
  at: Instant,
  context: EvaluationContext = {},
): Explanation {
  const { resources } = request;
  const question: Question = { point: 'deploy', at, offers: context.offers ?? noOffers };
  const decision = evaluateRequest(compiled, exceptions, request, at, context);
  const counted = new Map(countResources(compiled, resources).map(({ rule, sure, unsure }) => [rule.key, new Set([...sure, ...unsure])]));
  const explain = (rule: CompiledRule, resource: Resource, index: number, answer: Answer): RuleExplanation => {
    const isApproved = context.approved?.has(rule.key) ?? false;
    const reach = reachOf(rule, resource);
    if (reach.applies === 'no') return explainRule(rule, NOTHING_SAID, reach, answer, isApproved);
    if (rule.budget !== undefined) {
      if (counted.get(rule.key)?.has(index) === true) return explainRule(rule, answer.saidByBudget(rule), reach, answer, isApproved);
      return explainRule(rule, NOTHING_SAID, { applies: 'no', reason: 'it adds no cost' }, answer, isApproved);
    }
    const said = toSaid(rule, judge(rule, resource, question));
    const concerns = said.verdict === 'not-applicable' ? ({ applies: 'no', reason: whyNotConcerned(rule, resource) } as const) : reach;
    return explainRule(rule, said, concerns, answer, isApproved);
  };
  const ofResource = (index: number): readonly RuleExplanation[] => {
    const resource = resources[index];
    if (resource === undefined) return [];
    const answer = new Answer(decision, index);
    return compiled.rules.map((rule) => explain(rule, resource, index, answer));
  };
  return { decision, ofResource };
}
