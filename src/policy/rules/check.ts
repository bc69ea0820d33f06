/** The small language in which a rule type says what it found. */
import type { Denial } from '../effect.js';
import { isUnknownPath } from '../match.js';
import type { Action, BudgetLimitRule, Instant, Resource, RuleByType, Severity, UnknownReason } from '../model.js';
import type { ApprovalTerms, FailedCheck, Fix, UnknownCheck } from '../verdict.js';

/** Where a policy is enforced: before a resource is made, or when a scan finds it. */
export type Point = 'deploy' | 'scan';

/** A size that an instance may have in a region. The cloud contract's `InstanceOffer` is one. */
export interface Offer {
  readonly instanceType: string;
  readonly instanceFamily: string;
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly arch: string;
  readonly hourly: string | null;
}

/** What is asked of a rule besides the resource. `offers` must be a pure look-up and give the same array for the same region. */
export interface Question {
  readonly point: Point;
  readonly at: Instant;
  readonly offers: (region: string | null) => readonly Offer[];
}

export interface Failed {
  readonly kind: 'failed';
  readonly check: FailedCheck;
  /** What ends it where the rule names no remediation. */
  readonly action: Action;
  /** The key of a required tag that is absent. */
  readonly missingTag?: string;
  /** True when it may be no violation: only the upper end of what is asked for is over the limit. It warns at most. */
  readonly possible?: true;
}

export interface Unknown {
  readonly kind: 'unknown';
  readonly check: UnknownCheck;
}

/** Passing and not applying are plain words, so that judging a compliant resource allocates nothing. */
export type CheckResult = 'passed' | 'not-applicable' | Failed | Unknown;

/** One condition of a rule, compiled. Pure. */
export type Check = (resource: Resource, question: Question) => CheckResult;

export interface RuleChecks {
  /** Empty for a rule that judges no single resource. */
  readonly checks: readonly Check[];
  /** One sentence over all failed checks, for a violation found by a scan. */
  readonly summarize: (failed: readonly Failed[]) => string;
  /** The size that a violating instance should get, where the rule type knows one. */
  readonly resizeTarget?: ((resource: Resource, question: Question) => Offer | undefined) | undefined;
  /** What is told at deploy about a resource that the rule applies to, neither for nor against it; undefined where it concerns no such kind. */
  readonly note?: ((resource: Resource, at: Instant) => string | undefined) | undefined;
  /** Whom a violation asks. */
  readonly approval?: ApprovalTerms | undefined;
  /** What a rule over the sum of a request has in place of checks; `budget-judge.ts` judges it. */
  readonly budget?: BudgetLimitRule['budget'] | undefined;
}

/** What all rules of a type have in common. */
export interface RuleTraits {
  /** Where it judges; at a point that is absent its rules do not exist. */
  readonly points: readonly Point[];
  /** What a violation does at deploy where the rule's enforcement is `deny`; null for a type that touches no decision. */
  readonly denial: Denial | null;
  /** Severity at scan where the rule gives none; at deploy that is `critical` for every type. */
  readonly scanSeverity: Severity;
}

/** All there is to know of a rule type. */
export interface RuleKind<T extends keyof RuleByType> extends RuleTraits {
  /** @throws on what parsing should have refused, such as a bad pattern; its policy then counts as unknown. */
  readonly compile: (rule: RuleByType[T]) => RuleChecks;
}

export function unknown(path: string, reason: string): Unknown {
  return { kind: 'unknown', check: Object.freeze({ path, reason }) };
}

/** The same fix may be part of many answers, so nobody can change it. */
export function fixTo(set: Fix['set'], text: string): Fix {
  return Object.freeze({ set: Object.freeze(set), text });
}

export const NOT_GIVEN = 'not given' satisfies UnknownReason;
const KNOWN_AFTER_APPLY = 'known after apply' satisfies UnknownReason;

/** Why the value at a path, which there is none of, is not known. */
export function whyNotKnown(resource: Resource, path: string): UnknownReason {
  return isUnknownPath(resource, path) ? (resource.unknownReason ?? KNOWN_AFTER_APPLY) : NOT_GIVEN;
}

/** `whyNotKnown` as what a check says; each made once. */
export function createNotKnown(path: string): (resource: Resource) => Unknown {
  const afterApply = unknown(path, KNOWN_AFTER_APPLY);
  const notGiven = unknown(path, NOT_GIVEN);
  return (resource) => (whyNotKnown(resource, path) === NOT_GIVEN ? notGiven : afterApply);
}

export function joinMessages(failed: readonly Failed[]): string {
  return failed.map(({ check }) => check.message).join('; ');
}

/** `['standard', 'ssd']`, as the document prints lists. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}]`;
}
