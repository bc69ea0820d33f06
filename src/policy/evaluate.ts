/**
 * Start here. `evaluateRequest` is the preventive gate, `evaluateResource` the detective control: the same rules, judged by
 * `judge.ts`, at two points. Pure: no I/O, no clock, no environment; arguments are never changed.
 */
import type { BudgetState } from './budget.js';
import { judgeBudgets } from './budget-judge.js';
import { budgetRulesOf } from './budget-rules.js';
import type { CompiledPolicies, CompiledRule } from './compile.js';
import { type CompiledExceptions, findException } from './exception.js';
import { decide, type Gathered, gather, gatherBudgets } from './gathered.js';
import { appliesTo, type Judgement, judge } from './judge.js';
import type { Instant, Resource } from './model.js';
import type { ExceptionRecord } from './records.js';
import { recommend } from './remedy.js';
import type { Offer, Question } from './rules/check.js';
import type { Decision, ScanFinding, ScanVerdict, WantedHold } from './verdict.js';

/** What an evaluation may look up besides its arguments; each must be pure. */
export interface EvaluationContext {
  /** Sizes that instances may have in a region, for fixes and resize targets; always the same array for the same region. */
  readonly offers?: (region: string | null) => readonly Offer[];
  /** How many uses this request may make of an exception with a cap on uses, by its id, where that is known better than by its record. */
  readonly usesLeft?: ReadonlyMap<string, number>;
  /** State of a budget, by `budgetKey`. Absent, or undefined for one: that budget is unknown, and takes no hold. */
  readonly budgets?: ReadonlyMap<string, BudgetState>;
  /** `policy/rule` of what an approval of this request covers: it no longer needs approval for these. */
  readonly approved?: ReadonlySet<string>;
}

export interface EvaluationRequest {
  readonly resources: readonly Resource[];
}

const NO_OFFERS: readonly Offer[] = [];
export const noOffers = (): readonly Offer[] => NO_OFFERS;

/** What has no effect needs no permission. */
function hasEffect(rule: CompiledRule, { verdict }: Judgement): boolean {
  return verdict === 'violating' || rule.unknownEffect !== 'ignore';
}

/** The uses that one request makes of exceptions: as many as their caps leave, and no more. */
class Uses {
  readonly #left: ReadonlyMap<string, number> | undefined;
  readonly #made = new Map<string, number>();

  constructor(left: ReadonlyMap<string, number> | undefined) {
    this.#left = left;
  }

  readonly mayUse = ({ id, caps, used }: ExceptionRecord): boolean =>
    caps.uses === null || (this.#made.get(id) ?? 0) < (this.#left?.get(id) ?? caps.uses - used.uses);

  make({ id, caps }: ExceptionRecord): void {
    if (caps.uses !== null) this.#made.set(id, (this.#made.get(id) ?? 0) + 1);
  }
}

/** One request while it is judged, resource by resource. What only some requests need is made when it is needed: most need nothing. */
class Hearing {
  readonly #compiled: CompiledPolicies;
  readonly #exceptions: CompiledExceptions;
  readonly #resources: readonly Resource[];
  readonly #question: Question;
  readonly #context: EvaluationContext;
  readonly #gathered: Gathered = { violations: [], warnings: [], unknowns: [], errors: [], exceptionsApplied: [], notes: [] };
  #uses: Uses | undefined;
  #heard = 0;

  constructor(
    compiled: CompiledPolicies,
    exceptions: CompiledExceptions,
    { resources }: EvaluationRequest,
    at: Instant,
    context: EvaluationContext,
  ) {
    this.#compiled = compiled;
    this.#exceptions = exceptions;
    this.#resources = resources;
    this.#question = { point: 'deploy', at, offers: context.offers ?? noOffers };
    this.#context = context;
  }

  /** Goes on until at least so many rules are judged, to the end of a resource. False once all resources are. */
  judge(atLeast: number): boolean {
    let judged = 0;
    while (this.#heard < this.#resources.length && judged < atLeast) {
      const index = this.#heard++;
      const resource = this.#resources[index] as Resource;
      const rules = this.#compiled.rulesAtDeploy(resource);
      for (const rule of rules) this.#judgeRule(rule, resource, index);
      judged += rules.length + 1;
    }
    return this.#heard < this.#resources.length;
  }

  /** What comes of it, once all resources are judged; budgets are judged on their sum. */
  decide(): Decision {
    const { violations, warnings, unknowns, errors, exceptionsApplied, notes } = this.#gathered;
    const holds = budgetRulesOf(this.#compiled).length === 0 ? [] : this.#judgeBudgets();
    const decision = decide(this.#gathered);
    const isAllowed = decision === 'allow' || decision === 'warn';
    return { decision, violations, warnings, unknowns, errors, exceptionsApplied, notes, holds: isAllowed ? holds : [] };
  }

  #judgeRule(rule: CompiledRule, resource: Resource, resourceIndex: number): void {
    const judgement = judge(rule, resource, this.#question);
    const { verdict } = judgement;
    if (verdict === 'not-applicable') return;
    if (verdict === 'compliant') {
      if (rule.note !== undefined) this.#note(rule, resource, resourceIndex);
      return;
    }
    if (rule.effect === 'needs_approval' && this.#isApproved(rule)) return;
    if (hasEffect(rule, judgement) && this.#isExcepted(rule, resource, resourceIndex)) return;
    gather(this.#gathered, rule, judgement, resource, resourceIndex);
  }

  /** Whether an approval of the request covers what the rule asks approval for. */
  #isApproved({ key }: CompiledRule): boolean {
    return this.#context.approved?.has(key) ?? false;
  }

  /** Whether an exception permits the resource to violate the rule; it is then used, and told. */
  #isExcepted({ key, policyName, ruleName }: CompiledRule, resource: Resource, resourceIndex: number): boolean {
    if (!this.#exceptions.byRule.has(key)) return false;
    this.#uses ??= new Uses(this.#context.usesLeft);
    const { at } = this.#question;
    const exception = findException(this.#exceptions, { resource, policyName, ruleName, at, mayUse: this.#uses.mayUse });
    if (exception === undefined) return false;
    this.#uses.make(exception);
    this.#gathered.exceptionsApplied.push({ id: exception.id, policyName, ruleName, expiresAt: exception.expiresAt, resourceIndex });
    return true;
  }

  /** What only may apply is not promised. */
  #note(rule: CompiledRule, resource: Resource, resourceIndex: number): void {
    const message = appliesTo(rule, resource) === 'yes' ? rule.note?.(resource, this.#question.at) : undefined;
    if (message === undefined) return;
    const { policyName, policyVersion, ruleName } = rule;
    this.#gathered.notes.push({ policyName, policyVersion, ruleName, resourceIndex, message });
  }

  /** @returns what the request holds if it is allowed. */
  #judgeBudgets(): readonly WantedHold[] {
    const resources = this.#resources;
    const money = judgeBudgets(this.#compiled, {
      resources,
      at: this.#question.at,
      budgets: this.#context.budgets ?? NO_BUDGETS,
      isApproved: (rule) => this.#isApproved(rule),
      isExcepted: (rule, index) => this.#isExcepted(rule, resources[index] as Resource, index),
    });
    gatherBudgets(this.#gathered, money, resources);
    return money.holds;
  }
}

const NO_BUDGETS: ReadonlyMap<string, BudgetState> = new Map();

/** Judges a request as of `at`. Findings are in the order of the request, then of policy name, rule and path; all are given at once. */
export function evaluateRequest(
  compiled: CompiledPolicies,
  exceptions: CompiledExceptions,
  request: EvaluationRequest,
  at: Instant,
  context: EvaluationContext = {},
): Decision {
  const hearing = new Hearing(compiled, exceptions, request, at, context);
  hearing.judge(Infinity);
  return hearing.decide();
}

/** A few milliseconds at a time, whatever the policies are. */
const JUDGEMENTS_AT_A_TIME = 4_000;

/** What `evaluateRequest` answers. It waits for `pause` every few thousand judgements, so that a large plan does not hold up others. */
export async function evaluateRequestInSlices(
  compiled: CompiledPolicies,
  exceptions: CompiledExceptions,
  request: EvaluationRequest,
  at: Instant,
  context: EvaluationContext & { readonly pause: () => Promise<void> },
): Promise<Decision> {
  const hearing = new Hearing(compiled, exceptions, request, at, context);
  // The budgets count all resources at once: they have a turn of their own too.
  for (let isMore = true; isMore; await context.pause()) isMore = hearing.judge(JUDGEMENTS_AT_A_TIME);
  return hearing.decide();
}

function toScanFinding(rule: CompiledRule, judgement: Judgement, resource: Resource, question: Question): ScanFinding {
  const { failed } = judgement;
  const { action, parameters, estimatedMonthlySavings } = recommend(rule, resource, failed, question);
  return {
    severity: rule.severity.scan,
    enforcement: rule.enforcement.scan,
    message: rule.summarize(failed),
    checks: failed.map(({ check }) => check),
    action,
    parameters,
    estimatedMonthlySavings,
    graceMs: rule.remediation.graceMs,
  };
}

function toScanVerdict(rule: CompiledRule, exceptions: CompiledExceptions, resource: Resource, question: Question): ScanVerdict {
  const judgement = judge(rule, resource, question);
  const { verdict, unknowns } = judgement;
  if (verdict === 'compliant' || verdict === 'not-applicable') return rule.quiet[verdict];
  const { policyName, policyVersion, ruleName } = rule;
  if (verdict !== 'violating') return { policyName, policyVersion, ruleName, verdict, finding: null, exceptionId: null, unknowns };
  const finding = toScanFinding(rule, judgement, resource, question);
  const exception = findException(exceptions, { resource, policyName, ruleName, at: question.at });
  const answer = exception === undefined ? verdict : 'excepted';
  return { policyName, policyVersion, ruleName, verdict: answer, finding, exceptionId: exception?.id ?? null, unknowns };
}

/**
 * Judges one found resource as of `at`: one verdict for each rule that can concern its type, in the order of policy name and rule.
 * A rule that is absent does not apply.
 */
export function evaluateResource(
  compiled: CompiledPolicies,
  exceptions: CompiledExceptions,
  resource: Resource,
  at: Instant,
  context: EvaluationContext = {},
): readonly ScanVerdict[] {
  const question: Question = { point: 'scan', at, offers: context.offers ?? noOffers };
  return compiled.rulesFor(resource.type, 'scan').map((rule) => toScanVerdict(rule, exceptions, resource, question));
}
