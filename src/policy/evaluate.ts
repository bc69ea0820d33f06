/**
 * Start here. `evaluateRequest` is the preventive gate, `evaluateResource` the detective control: the same rules, judged by
 * `judge.ts`, at two points. Pure: no I/O, no clock, no environment; arguments are never changed.
 */
import type { BudgetState } from './budget.js';
import type { CompiledPolicies, CompiledRule } from './compile.js';
import { type CompiledExceptions, findException } from './exception.js';
import { type Judgement, judge } from './judge.js';
import type {
  AppliedException,
  Decision,
  DecisionWord,
  DeployFinding,
  DeployNote,
  DeployUnknown,
  Enforcement,
  EvaluationError,
  FailedCheck,
  Instant,
  OnUnknown,
  Resource,
  ScanFinding,
  ScanVerdict,
} from './model.js';
import type { ExceptionRecord } from './records.js';
import { recommend } from './remedy.js';
import type { Offer, Question } from './rules/check.js';

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
const noOffers = (): readonly Offer[] => NO_OFFERS;

/** What a request gathers while its resources are judged one by one. */
interface Gathered {
  readonly violations: DeployFinding[];
  readonly warnings: DeployFinding[];
  readonly unknowns: DeployUnknown[];
  readonly errors: EvaluationError[];
  readonly exceptionsApplied: AppliedException[];
  readonly notes: DeployNote[];
}

/** An unknown is never stricter than a violation of the same rule would be. */
function unknownEffect(onUnknown: OnUnknown, enforcement: Enforcement): OnUnknown {
  if (enforcement === 'audit') return 'ignore';
  return enforcement === 'warn' && onUnknown === 'deny' ? 'warn' : onUnknown;
}

/** What has no effect needs no permission. */
function hasEffect(rule: CompiledRule, { verdict }: Judgement): boolean {
  return verdict === 'violating' || unknownEffect(rule.onUnknown, rule.enforcement.deploy) !== 'ignore';
}

// Written out, not spread: a plan of a thousand resources makes thousands of these, and spreading costs ten times as much.
function toFinding(rule: CompiledRule, check: FailedCheck, resource: Resource, resourceIndex: number): DeployFinding {
  return {
    policyName: rule.policyName,
    policyVersion: rule.policyVersion,
    ruleName: rule.ruleName,
    severity: rule.severity.deploy,
    effect: rule.enforcement.deploy,
    resourceType: resource.type,
    resourceIndex,
    path: check.path,
    observed: check.observed,
    limit: check.limit,
    message: check.message,
    fix: check.fix,
  };
}

function gather(into: Gathered, rule: CompiledRule, judgement: Judgement, resource: Resource, resourceIndex: number): void {
  const { policyName, policyVersion, ruleName } = rule;
  const findings = rule.enforcement.deploy === 'deny' ? into.violations : into.warnings;
  for (const { check } of judgement.failed) findings.push(toFinding(rule, check, resource, resourceIndex));
  const effect = unknownEffect(rule.onUnknown, rule.enforcement.deploy);
  for (const { path, reason } of judgement.unknowns) {
    into.unknowns.push({ policyName, policyVersion, ruleName, path, reason, effect, resourceIndex });
  }
  if (judgement.verdict === 'error')
    into.errors.push({ policyName, policyVersion, ruleName, message: judgement.unknowns[0]?.reason ?? '' });
}

/** The strictest of its parts; what is only audited, and an unknown that is ignored, leave `allow`. */
function decide({ violations, warnings, unknowns }: Gathered): DecisionWord {
  const unknown = (effect: OnUnknown): boolean => unknowns.some((entry) => entry.effect === effect);
  if (violations.length > 0 || unknown('deny')) return 'deny';
  return warnings.some((finding) => finding.effect === 'warn') || unknown('warn') ? 'warn' : 'allow';
}

/** The uses that one request makes of exceptions: as many as their caps leave, and no more. */
class Uses {
  readonly #left: ReadonlyMap<string, number>;
  readonly #made = new Map<string, number>();

  constructor(left: ReadonlyMap<string, number> = new Map()) {
    this.#left = left;
  }

  readonly mayUse = ({ id, caps, used }: ExceptionRecord): boolean =>
    caps.uses === null || (this.#made.get(id) ?? 0) < (this.#left.get(id) ?? caps.uses - used.uses);

  make({ id, caps }: ExceptionRecord): void {
    if (caps.uses !== null) this.#made.set(id, (this.#made.get(id) ?? 0) + 1);
  }
}

/** Judges a request as of `at`. Findings are in the order of the request, then of policy name, rule and path; all are given at once. */
export function evaluateRequest(
  compiled: CompiledPolicies,
  exceptions: CompiledExceptions,
  request: EvaluationRequest,
  at: Instant,
  context: EvaluationContext = {},
): Decision {
  const question: Question = { point: 'deploy', at, offers: context.offers ?? noOffers };
  const uses = new Uses(context.usesLeft);
  const gathered: Gathered = { violations: [], warnings: [], unknowns: [], errors: [], exceptionsApplied: [], notes: [] };
  request.resources.forEach((resource, resourceIndex) => {
    for (const rule of compiled.rulesFor(resource.type, 'deploy')) {
      const judgement = judge(rule, resource, question);
      if (judgement.verdict === 'compliant' || judgement.verdict === 'not-applicable') continue;
      const { policyName, ruleName } = rule;
      const asked = { resource, policyName, ruleName, at, mayUse: uses.mayUse };
      const exception = hasEffect(rule, judgement) ? findException(exceptions, asked) : undefined;
      if (exception === undefined) {
        gather(gathered, rule, judgement, resource, resourceIndex);
        continue;
      }
      uses.make(exception);
      gathered.exceptionsApplied.push({ id: exception.id, policyName, ruleName, expiresAt: exception.expiresAt, resourceIndex });
    }
  });
  return { decision: decide(gathered), ...gathered, holds: [] };
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
