/** What the budgets that a request touches say of it, and what it would hold on them. Pure; effects and exceptions are `evaluate.ts`'s. */
import { type BudgetInPeriod, type BudgetSpan, type BudgetState, budgetKey } from './budget.js';
import { approvalCheck, blockedCheck, exceededCheck } from './budget-checks.js';
import { addedMonthly, addsKnownCost, amountOf, type BudgetRule, budgetsOf, type Counted, countResources } from './budget-rules.js';
import { crossedThresholds } from './budget-thresholds.js';
import type { CompiledPolicies } from './compile.js';
import { whyUnknown } from './judge.js';
import { isUnknownPath } from './match.js';
import type { Decimal, Instant, Resource } from './model.js';
import { compare, max, subtract } from './money.js';
import { whyNotKnown } from './rules/check.js';
import type { FailedCheck, Fix, UnknownCheck, WantedHold } from './verdict.js';

export interface BudgetQuestion {
  readonly resources: readonly Resource[];
  readonly at: Instant;
  /** By `budgetKey`; a budget that is absent is unknown, and takes no hold. */
  readonly budgets: ReadonlyMap<string, BudgetState>;
  /** Whether an approval of this request covers what the rule needs approval for. */
  readonly isApproved: (rule: BudgetRule) => boolean;
  /** Whether an exception permits this resource to violate the rule. Asked only where that decides, at most once for each resource and rule. */
  readonly isExcepted: (rule: BudgetRule, resourceIndex: number) => boolean;
}

export interface BudgetFinding {
  readonly rule: BudgetRule;
  /** The first of the resources that it is about. */
  readonly resourceIndex: number;
  readonly check: FailedCheck;
  /** It asks for approval only, where a violation of the rule would deny. */
  readonly needsApproval: boolean;
}

export interface BudgetUnknown {
  readonly rule: BudgetRule;
  readonly resourceIndex: number;
  readonly check: UnknownCheck;
}

export interface BudgetJudgement {
  readonly findings: readonly BudgetFinding[];
  readonly unknowns: readonly BudgetUnknown[];
  /** What the request holds if it is allowed. */
  readonly holds: readonly WantedHold[];
}

export const BUDGET_NOT_KNOWN = 'the state of the budget is not known';
export const COST_NOT_KNOWN = 'cost not known';

const NOTHING: BudgetJudgement = { findings: [], unknowns: [], holds: [] };

/**
 * Judges a request against each budget that it touches: at most one finding for each budget and period, the strictest. What it would
 * cost is its likely cost. In the order of policy and rule names and spans.
 */
export function judgeBudgets(compiled: CompiledPolicies, question: BudgetQuestion): BudgetJudgement {
  const judged = countResources(compiled, question.resources).map((counted) => judgeRule(counted, question));
  if (judged.length === 0) return NOTHING;
  return {
    findings: judged.flatMap(({ findings }) => findings),
    unknowns: judged.flatMap(({ unknowns }) => unknowns),
    holds: judged.flatMap(({ holds }) => holds),
  };
}

function judgeRule(counted: Counted, question: BudgetQuestion): BudgetJudgement {
  const judge = { ...question, isExcepted: once(question.isExcepted) };
  const results = budgetsOf(counted.rule, question.at).map((budget) => judgeBudget(counted, budget, judge));
  const findings = withOneFix(results.flatMap(({ finding }) => finding ?? []));
  const unknowns = findings.length > 0 ? [] : unknownsOf(counted, results, judge);
  return { findings, unknowns, holds: results.flatMap(({ hold }) => hold ?? []) };
}

/** What passes one period has to pass the others too: the smallest amount, or none where one of them has nothing left. */
function withOneFix(findings: readonly BudgetFinding[]): readonly BudgetFinding[] {
  const denying = findings.filter(({ needsApproval }) => !needsApproval);
  if (denying.length < 2) return findings;
  const fix = denying.map(({ check }) => check.fix).reduce(smaller);
  return findings.map((finding) => (finding.needsApproval ? finding : { ...finding, check: { ...finding.check, fix } }));
}

function smaller(a: Fix | null, b: Fix | null): Fix | null {
  if (a === null || b === null) return null;
  return compare(monthlyOf(a), monthlyOf(b)) <= 0 ? a : b;
}

/** Of a fix of `exceededCheck`. */
function monthlyOf({ set }: Fix): Decimal {
  return set['cost.monthly'] as Decimal;
}

function once(ask: BudgetQuestion['isExcepted']): BudgetQuestion['isExcepted'] {
  const answers = new Map<number, boolean>();
  return (rule, index) => {
    const answer = answers.get(index) ?? ask(rule, index);
    answers.set(index, answer);
    return answer;
  };
}

interface Result {
  readonly span: BudgetSpan;
  readonly finding?: BudgetFinding;
  readonly hold?: WantedHold;
  /** Nothing says how much is left. */
  readonly isUnknown: boolean;
  /** It would be violated if what may count did. */
  readonly dependsOnUnsure: boolean;
}

function judgeBudget(counted: Counted, budget: BudgetInPeriod, question: BudgetQuestion): Result {
  const { span, policyName, ruleName, period } = budget;
  const state = question.budgets.get(budgetKey(budget));
  if (state === undefined) return { span, isUnknown: true, dependsOnUnsure: false };
  const { rule, sure, unsure } = counted;
  const subject: Subject = { rule, budget, state, question, sure };
  const amount = addedBy(subject, sure);
  const hold = compare(amount, '0') > 0 ? { hold: { policyName, ruleName, period, amount } } : {};
  const finding = findingOf(subject, sure);
  if (finding !== undefined) return { span, finding, ...hold, isUnknown: false, dependsOnUnsure: false };
  const dependsOnUnsure = unsure.length > 0 && problemOf(subject, [...notExcepted(subject, sure), ...unsure]) !== undefined;
  return { span, ...hold, isUnknown: false, dependsOnUnsure };
}

/** A budget whose state is known, and what is asked of it. */
interface Subject {
  readonly rule: BudgetRule;
  readonly budget: BudgetInPeriod;
  readonly state: BudgetState;
  readonly question: BudgetQuestion;
  /** All that certainly counts, also what is excepted. */
  readonly sure: readonly number[];
}

/** What these take beyond what the deployment committed before, of which what they leave out comes first. */
function addedBy({ budget, state, question, sure }: Subject, indexes: readonly number[]): Decimal {
  const amountFor = (these: readonly number[]) => amountOf(question.resources, these, question.at, budget.to);
  if (state.own === undefined) return amountFor(indexes);
  const counted = new Set(indexes);
  const ofOthers = amountFor(sure.filter((index) => !counted.has(index)));
  return max('0', subtract(amountFor(indexes), max('0', subtract(state.own, ofOthers))));
}

function notExcepted({ rule, question }: Subject, indexes: readonly number[]): readonly number[] {
  return indexes.filter((index) => !question.isExcepted(rule, index));
}

/** What an exception covers counts for nothing here, and is held all the same. */
function findingOf(subject: Subject, indexes: readonly number[]): BudgetFinding | undefined {
  if (problemOf(subject, indexes) === undefined) return undefined;
  const left = notExcepted(subject, indexes);
  const problem = problemOf(subject, left);
  const [resourceIndex] = left;
  if (problem === undefined || resourceIndex === undefined) return undefined;
  return { rule: subject.rule, resourceIndex, ...problem };
}

/** What stands against these resources, the strictest first: the budget is blocked, would be exceeded, or needs approval. */
function problemOf(subject: Subject, indexes: readonly number[]): Pick<BudgetFinding, 'check' | 'needsApproval'> | undefined {
  const { rule, budget, state, question } = subject;
  const amount = addedBy(subject, indexes);
  // What costs less than a cent to the end of the period adds cost too; of unknown cost nobody can say it.
  const adds = state.own === undefined ? addsKnownCost(question.resources, indexes) : compare(amount, '0') > 0;
  if (!adds) return undefined;
  const crossed = crossedThresholds(rule.budget.alertThresholds, budget, state);
  const block = crossed.find(({ action }) => action === 'block-new-resources');
  if (block !== undefined) return { check: blockedCheck(budget, state, block), needsApproval: false };
  const exceeded = exceededCheck(budget, state, question, { indexes, amount });
  if (exceeded !== undefined) return { check: exceeded, needsApproval: false };
  const approval = crossed.find(({ action }) => action === 'require-approval');
  if (approval === undefined || question.isApproved(rule)) return undefined;
  return { check: approvalCheck(budget, state, approval), needsApproval: true };
}

/** Unknown stands only where it decides; an exception lifts it like a violation. One for each resource and path, whatever the number of periods. */
function unknownsOf({ rule, sure, unsure }: Counted, results: readonly Result[], question: BudgetQuestion): readonly BudgetUnknown[] {
  const { resources, isExcepted } = question;
  const say = (resourceIndex: number, check: UnknownCheck): BudgetUnknown => ({ rule, resourceIndex, check });
  const [first = 0] = [...sure, ...unsure];
  const states = results.flatMap(({ span, isUnknown }) =>
    isUnknown ? [say(first, { path: `budget.${span}`, reason: BUDGET_NOT_KNOWN })] : [],
  );
  const costs = sure.flatMap((index) => unknownCost(resources[index]).map((check) => say(index, check)));
  const applies = results.some(({ dependsOnUnsure }) => dependsOnUnsure)
    ? unsure.flatMap((index) => whyApplies(rule, resources[index]).map((check) => say(index, check)))
    : [];
  return [...states, ...costs, ...applies].filter(({ resourceIndex }) => !isExcepted(rule, resourceIndex));
}

function unknownCost(resource: Resource | undefined): readonly UnknownCheck[] {
  if (resource === undefined || addedMonthly(resource) !== null) return [];
  const path = 'cost.monthly';
  return [{ path, reason: isUnknownPath(resource, path) ? whyNotKnown(resource, path) : COST_NOT_KNOWN }];
}

function whyApplies(rule: BudgetRule, resource: Resource | undefined): readonly UnknownCheck[] {
  return resource === undefined ? [] : whyUnknown(rule, resource);
}
