/** The small language in which a rule type says what it found. */
import type { Action, FailedCheck, Instant, Resource, RuleByType, Severity, UnknownCheck } from '../model.js';

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
  readonly checks: readonly Check[];
  /** One sentence over all failed checks, for a violation found by a scan. */
  readonly summarize: (failed: readonly Failed[]) => string;
  /** The size that a violating instance should get, where the rule type knows one. */
  readonly resizeTarget?: (resource: Resource, question: Question) => Offer | undefined;
}

/** What all rules of a type have in common. */
export interface RuleTraits {
  /** Where it judges; at a point that is absent its rules do not exist. */
  readonly points: readonly Point[];
  /** Severity at scan where the rule gives none; at deploy that is `critical` for every type. */
  readonly scanSeverity: Severity;
  /** False for types whose rules are listed and never have an effect, whatever their `onUnknown`. */
  readonly evaluated: boolean;
}

/** All there is to know of a rule type. */
export interface RuleKind<T extends keyof RuleByType> extends RuleTraits {
  /** @throws on what parsing should have refused, such as a bad pattern; its policy then counts as unknown. */
  readonly compile: (rule: RuleByType[T]) => RuleChecks;
}

export function unknown(path: string, reason: string): Unknown {
  return { kind: 'unknown', check: { path, reason } };
}

export const NOT_GIVEN = 'not given';
export const KNOWN_AFTER_APPLY = 'known after apply';

export function joinMessages(failed: readonly Failed[]): string {
  return failed.map(({ check }) => check.message).join('; ');
}

/** `['standard', 'ssd']`, as the document prints lists. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}]`;
}
