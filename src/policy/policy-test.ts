/** Runs the test file of a policy. It fails in both directions: an expectation that is not met, and a finding that nobody expected. */
import { canonicalJson } from './canonical.js';
import { type CompiledPolicies, type CompiledRule, compilePolicies } from './compile.js';
import { evaluateRequest } from './evaluate.js';
import { NO_EXCEPTIONS } from './exception.js';
import { nearestWord } from './issue.js';
import { type Judgement, judge } from './judge.js';
import type { Decimal, DecisionWord, Instant, Policy, Resource } from './model.js';
import { recommend } from './remedy.js';
import type { Offer, Point, Question } from './rules/check.js';

/** What a rule should say of a resource; only the details that are given are compared. */
export interface Expectation {
  readonly verdict: Judgement['verdict'];
  readonly severity?: string;
  readonly enforcement?: string;
  /** Path to message, all of them. */
  readonly checks?: Readonly<Record<string, string>>;
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

interface Outcome {
  readonly rule: CompiledRule;
  readonly judgement: Judgement;
}

function idOf({ policyName, ruleName }: CompiledRule): string {
  return `${policyName}/${ruleName}`;
}

/** Everything that an expectation may name, as it came out. */
function detailsOf(
  { rule, judgement }: Outcome,
  { point, resource }: PolicyTestCase,
  question: Question,
): { readonly [K in keyof Required<Expectation>]: unknown } {
  const { verdict, failed, unknowns } = judgement;
  const isFound = point === 'scan' && failed.length > 0;
  const remedy = isFound ? recommend(rule, resource, failed, question) : undefined;
  return {
    verdict,
    severity: rule.severity[point],
    enforcement: rule.enforcement[point],
    checks: Object.fromEntries(failed.map(({ check }) => [check.path, check.message])),
    fixes: Object.fromEntries(failed.map(({ check }) => [check.path, check.fix?.text ?? null])),
    unknowns: Object.fromEntries(unknowns.map(({ path, reason }) => [path, reason])),
    message: isFound ? rule.summarize(failed) : null,
    action: remedy?.action ?? null,
    target_type: remedy?.parameters.targetType ?? null,
    missing_tags: remedy?.parameters.missingTags ?? [],
    savings: remedy?.estimatedMonthlySavings ?? null,
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

/** A finding is loud: it denies, warns or is counted. An unknown that is ignored is not. */
function isLoud({ rule, judgement }: Outcome): boolean {
  if (judgement.verdict === 'unknown') return rule.onUnknown !== 'ignore';
  return judgement.verdict === 'violating' || judgement.verdict === 'error';
}

function describeLoud({ rule, judgement }: Outcome): string {
  const words = [
    ...judgement.failed.map(({ check }) => check.message),
    ...judgement.unknowns.map(({ path, reason }) => `${path} ${reason}`),
  ];
  return `${idOf(rule)}: nothing expected, got ${judgement.verdict}: ${words.join('; ')}`;
}

/** The rule that a key of `want` names, by its own name where only one policy has it. */
function ruleNamed(rules: readonly CompiledRule[], key: string): CompiledRule | string {
  const named = rules.filter((rule) => idOf(rule) === key || rule.ruleName === key);
  if (named.length > 1) return `\`${key}\` is a rule of several policies, expected policy/rule`;
  const near = nearestWord(
    key,
    rules.map((rule) => rule.ruleName),
  );
  return named[0] ?? `no rule is called \`${key}\`${near === undefined ? '' : `, did you mean ${near}?`}`;
}

function compareDecision(compiled: CompiledPolicies, { resource, decision }: PolicyTestCase, question: Question): readonly string[] {
  if (decision === undefined) return [];
  const answer = evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [resource] }, question.at, question);
  return answer.decision === decision ? [] : [`expected decision ${decision}, got ${answer.decision}`];
}

function runCase(compiled: CompiledPolicies, testCase: PolicyTestCase, question: Question): readonly string[] {
  const { resource, point, want } = testCase;
  const outcomes = compiled.rulesFor(resource.type, point).map((rule): Outcome => ({ rule, judgement: judge(rule, resource, question) }));
  const named = new Set<CompiledRule>();
  const unmet = Object.entries(want).flatMap(([key, expectation]) => {
    const rule = ruleNamed(compiled.rules, key);
    if (typeof rule === 'string') return [rule];
    named.add(rule);
    const outcome = outcomes.find((one) => one.rule === rule);
    return compareDetails(
      idOf(rule),
      expectation,
      outcome === undefined ? { verdict: 'not-applicable' } : detailsOf(outcome, testCase, question),
    );
  });
  const unexpected = outcomes.filter((outcome) => !named.has(outcome.rule) && isLoud(outcome)).map(describeLoud);
  return [...unmet, ...unexpected, ...compareDecision(compiled, testCase, question)];
}

/** Runs every case; a failing one never hides another. */
export function runPolicyTests(policies: readonly Policy[], document: PolicyTestDocument): PolicyTestReport {
  const compiled = compilePolicies(policies.map((policy) => ({ version: 'test', policy })));
  const failures = document.cases.flatMap((testCase) => {
    const question: Question = { point: testCase.point, at: document.at, offers: () => document.offers };
    return runCase(compiled, testCase, question).map((message) => ({ note: testCase.note, message }));
  });
  const named = new Set(document.cases.flatMap(({ want }) => Object.keys(want)));
  const unexercised = compiled.rules.filter((rule) => !named.has(idOf(rule)) && !named.has(rule.ruleName)).map(idOf);
  return { cases: document.cases.length, failures, unexercised };
}
