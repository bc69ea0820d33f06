/** Runs the test file of a policy. It fails in both directions: an expectation that is not met, and a finding that nobody expected. */
import { type BudgetState, budgetKey } from './budget.js';
import { canonicalJson } from './canonical.js';
import { type CompiledPolicies, type CompiledRule, compilePolicies } from './compile.js';
import { NO_EXCEPTIONS } from './exception.js';
import { explainRequest, type RuleExplanation } from './explain.js';
import { nearestWord } from './issue.js';
import { type Judgement, judge } from './judge.js';
import { knownSpecs, type TypeFacts } from './known-specs.js';
import type { Decimal, Instant, Policy, Resource } from './model.js';
import { type Remedy, recommend } from './remedy.js';
import type { Offer, Point, Question } from './rules/check.js';
import type { DecisionWord, Effect, FailedCheck } from './verdict.js';

/** What a rule should say of a resource; only the details that are given are compared. */
export interface Expectation {
  readonly verdict: Judgement['verdict'];
  readonly severity?: string;
  readonly enforcement?: string;
  /** Path to message, all of them. */
  readonly checks?: Readonly<Record<string, string>>;
  /** Path to what the finding does (`deny`, `needs_approval`, `warn`, `audit`), all of them; at deploy only. */
  readonly effects?: Readonly<Record<string, string>>;
  /** What is told of the resource, null for nothing; at deploy only. */
  readonly note?: string | null;
  /** Path to the words of the fix, all of them. */
  readonly fixes?: Readonly<Record<string, string>>;
  /** Path to reason, all of them. */
  readonly unknowns?: Readonly<Record<string, string>>;
  /** This and what follows at scan only. */
  readonly message?: string;
  readonly action?: string;
  readonly target_type?: string | null;
  readonly missing_tags?: readonly string[];
  readonly savings?: Decimal | null;
}

export interface PolicyTestCase {
  readonly note: string;
  readonly point: Point;
  readonly resource: Resource;
  /** By rule, or by `policy/rule`. What is not named must neither violate nor be unknown. */
  readonly want: Readonly<Record<string, Expectation>>;
  readonly decision?: DecisionWord;
  /** What is spent of budgets; one that is not named is unknown. `rule` as in `want`. */
  readonly budgets: readonly (Omit<BudgetState, 'policyName' | 'ruleName'> & { readonly rule: string })[];
  /** Rules, as in `want`, that an approval of the request covers. */
  readonly approved: readonly string[];
}

/** A parsed test file; `parsePolicyTest` makes it. */
export interface PolicyTestDocument {
  /** The instant of all cases. */
  readonly at: Instant;
  readonly offers: readonly Offer[];
  readonly cases: readonly PolicyTestCase[];
}

export interface PolicyTestFailure {
  /** The note of the case. */
  readonly note: string;
  /** What was expected, and what came instead. */
  readonly message: string;
}

export interface PolicyTestReport {
  readonly cases: number;
  readonly failures: readonly PolicyTestFailure[];
  /** Rules, as `policy/rule`, that no case says anything about. */
  readonly unexercised: readonly string[];
}

/** What a rule says of the resource of a case, at either point. */
interface Outcome extends Pick<RuleExplanation, 'unknowns' | 'approved' | 'note'> {
  readonly rule: CompiledRule;
  readonly verdict: RuleExplanation['verdict'];
  readonly failed: readonly (FailedCheck & { readonly effect?: Effect })[];
  /** At scan, where it violates. */
  readonly found?: { readonly message: string; readonly remedy: Remedy };
}

function byPath<T extends { readonly path: string }, V>(list: readonly T[], value: (entry: T) => V): Readonly<Record<string, V>> {
  return Object.fromEntries(list.map((entry) => [entry.path, value(entry)]));
}

/** Everything that an expectation may name, as it came out. */
function detailsOf({ rule, ...outcome }: Outcome, point: Point): { readonly [K in keyof Required<Expectation>]: unknown } {
  const { failed, found } = outcome;
  return {
    verdict: outcome.verdict,
    severity: rule.severity[point],
    enforcement: rule.enforcement[point],
    checks: byPath(failed, ({ message }) => message),
    effects: byPath(failed, ({ effect }) => effect ?? null),
    note: outcome.note,
    fixes: byPath(failed, ({ fix }) => fix?.text ?? null),
    unknowns: byPath(outcome.unknowns, ({ reason }) => reason),
    message: found?.message ?? null,
    action: found?.remedy.action ?? null,
    target_type: found?.remedy.parameters.targetType ?? null,
    missing_tags: found?.remedy.parameters.missingTags ?? [],
    savings: found?.remedy.estimatedMonthlySavings ?? null,
  };
}

/** One message for each detail that differs; what the expectation does not name may be anything. */
function compareDetails(id: string, wanted: Expectation, actual: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    const given = actual[key];
    return canonicalJson(value) === canonicalJson(given)
      ? []
      : [`${id}: expected ${key} ${canonicalJson(value)}, got ${canonicalJson(given)}`];
  });
}

/** A finding is loud: it denies, asks, warns or is counted. An unknown that is ignored is not, nor what was approved. */
function isLoud({ rule, verdict, approved }: Outcome): boolean {
  if (approved) return false;
  if (verdict === 'unknown') return rule.onUnknown !== 'ignore';
  return verdict === 'violating' || verdict === 'error';
}

function describeLoud({ rule, verdict, failed, unknowns }: Outcome): string {
  const words = [...failed.map(({ message }) => message), ...unknowns.map(({ path, reason }) => `${path} ${reason}`)];
  return `${rule.key}: nothing expected, got ${verdict}: ${words.join('; ')}`;
}

/** The rule that a key of `want` names, by its own name where only one policy has it. */
function ruleNamed(rules: readonly CompiledRule[], key: string): CompiledRule | string {
  const named = rules.filter((rule) => rule.key === key || rule.ruleName === key);
  if (named.length > 1) return `\`${key}\` is a rule of several policies, expected policy/rule`;
  const near = nearestWord(
    key,
    rules.map((rule) => rule.ruleName),
  );
  return named[0] ?? `no rule is called \`${key}\`${near === undefined ? '' : `, did you mean ${near}?`}`;
}

interface Answer {
  readonly outcomes: readonly Outcome[];
  /** Of the gate; a scan has none. */
  readonly decision?: DecisionWord;
}

function atDeploy(compiled: CompiledPolicies, { resource, budgets, approved }: PolicyTestCase, question: Question): Answer {
  const named = (key: string): CompiledRule | undefined => {
    const rule = ruleNamed(compiled.rules, key);
    return typeof rule === 'string' ? undefined : rule;
  };
  const states = budgets.flatMap(({ rule, ...money }): readonly BudgetState[] => {
    const { policyName, ruleName } = named(rule) ?? {};
    return policyName === undefined || ruleName === undefined ? [] : [{ policyName, ruleName, ...money }];
  });
  const { decision, ofResource } = explainRequest(compiled, NO_EXCEPTIONS, { resources: [resource] }, question.at, {
    offers: question.offers,
    budgets: new Map(states.map((state) => [budgetKey(state), state])),
    approved: new Set(approved.flatMap((key) => named(key)?.key ?? [])),
  });
  return { outcomes: ofResource(0), decision: decision.decision };
}

function atScan(compiled: CompiledPolicies, { resource }: PolicyTestCase, question: Question): Answer {
  const outcomes = compiled.rulesFor(resource.type, 'scan').map((rule): Outcome => {
    const { verdict, failed, unknowns }: Judgement = judge(rule, resource, question);
    const found = { message: rule.summarize(failed), remedy: recommend(rule, resource, failed, question) };
    const checks = failed.map(({ check }) => check);
    return { rule, verdict, failed: checks, unknowns, approved: false, note: null, ...(failed.length > 0 ? { found } : {}) };
  });
  return { outcomes };
}

/** At the gate only: a scan has what the provider told. */
function withKnownSpecs(testCase: PolicyTestCase, facts: TypeFacts): PolicyTestCase {
  const { point, resource } = testCase;
  return point === 'deploy' ? { ...testCase, resource: { ...resource, specs: knownSpecs(resource, facts) } } : testCase;
}

function runCase(compiled: CompiledPolicies, testCase: PolicyTestCase, question: Question): readonly string[] {
  const { point, want, decision, budgets, approved } = testCase;
  const answer = point === 'deploy' ? atDeploy(compiled, testCase, question) : atScan(compiled, testCase, question);
  const misnamed = [...budgets.map(({ rule }) => rule), ...approved].map((key) => ruleNamed(compiled.rules, key));
  const named = new Set<CompiledRule>();
  const unmet = Object.entries(want).flatMap(([key, expectation]) => {
    const rule = ruleNamed(compiled.rules, key);
    if (typeof rule === 'string') return [rule];
    named.add(rule);
    const outcome = answer.outcomes.find((one) => one.rule === rule);
    return compareDetails(rule.key, expectation, outcome === undefined ? { verdict: 'not-applicable' } : detailsOf(outcome, point));
  });
  const unexpected = answer.outcomes.filter((outcome) => !named.has(outcome.rule) && isLoud(outcome)).map(describeLoud);
  const other =
    decision === undefined || decision === answer.decision
      ? []
      : [`expected decision ${decision}, got ${answer.decision ?? 'none at scan'}`];
  return [...misnamed.filter((rule) => typeof rule === 'string'), ...unmet, ...unexpected, ...other];
}

/** Runs every case; a failing one never hides another. With `facts`, what a request names is looked up as at the gate. */
export function runPolicyTests(policies: readonly Policy[], document: PolicyTestDocument, facts?: TypeFacts): PolicyTestReport {
  const compiled = compilePolicies(policies.map((policy) => ({ version: 'test', policy })));
  const failures = document.cases.flatMap((testCase) => {
    const question: Question = { point: testCase.point, at: document.at, offers: () => document.offers };
    return runCase(compiled, facts === undefined ? testCase : withKnownSpecs(testCase, facts), question).map((message) => ({
      note: testCase.note,
      message,
    }));
  });
  const named = new Set(document.cases.flatMap(({ want }) => Object.keys(want)));
  const unexercised = compiled.rules.filter((rule) => !named.has(rule.key) && !named.has(rule.ruleName)).map(({ key }) => key);
  return { cases: document.cases.length, failures, unexercised };
}
