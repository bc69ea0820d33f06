/** The vocabulary of the core: what comes of judging, at deploy and at scan. Types only. */
import type { Action, Decimal, Enforcement, Instant, Json, OnUnknown, Severity } from './model.js';

export type Verdict = 'compliant' | 'violating' | 'excepted' | 'not-applicable' | 'unknown' | 'error';

/** The smallest change that would pass: wire paths to values, and the same in words. */
export interface Fix {
  readonly set: { readonly [path: string]: Json };
  readonly text: string;
}

/** One check of a rule that failed. `path`, `observed` and `limit` are in wire form (`specs.memory_gb`). */
export interface FailedCheck {
  readonly path: string;
  readonly observed: Json;
  readonly limit: Json;
  /** As the document words it at deploy: `Requested 32 vCPUs exceeds limit of 16`. */
  readonly message: string;
  readonly fix: Fix | null;
}

export interface UnknownCheck {
  readonly path: string;
  /** An `UnknownReason`, `too few days of metrics`, `without a price for storage` … */
  readonly reason: string;
}

/** What a finding does at the gate. `needs_approval` comes from `ApprovalRequirement` and from a budget's threshold. */
export type Effect = Enforcement | 'needs_approval';

export type DecisionWord = 'allow' | 'warn' | 'needs_approval' | 'deny';

/** Whom a finding that needs approval asks, by groups of the directory, and for how long the approval holds. */
export interface ApprovalTerms {
  readonly approvers: readonly string[];
  /** Null without an end of its own. */
  readonly expiresAfterMs: number | null;
}

export interface DeployFinding extends FailedCheck {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly severity: Severity;
  readonly effect: Effect;
  readonly resourceType: string;
  /** Index of the resource in the request, for order and for naming it. */
  readonly resourceIndex: number;
  /** Of a rule that asks for approval. */
  readonly approval?: ApprovalTerms;
}

/** What an unknown does at the gate: `onUnknown`, never stricter than a violation of the same rule would be. */
export type UnknownEffect = OnUnknown | 'needs_approval';

export interface DeployUnknown extends UnknownCheck {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly effect: UnknownEffect;
  readonly resourceIndex: number;
}

export interface EvaluationError {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string | null;
  readonly message: string;
}

export interface AppliedException {
  readonly id: string;
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: Instant | null;
  readonly resourceIndex: number;
}

/** What a rule says of a resource that is neither for nor against it: the windows that a `Schedule` will apply. */
export interface DeployNote {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly resourceIndex: number;
  readonly message: string;
}

/** Money that an allowed request reserves on one budget in one period. */
export interface WantedHold {
  readonly policyName: string;
  readonly ruleName: string;
  /** `2026-11`, `2026-Q4` or `2026`, UTC. */
  readonly period: string;
  /** Prorated to what is left of the period, to the cent; more than zero. */
  readonly amount: Decimal;
}

/** A hold that was taken. */
export interface TakenHold extends WantedHold {
  readonly id: string;
  /** Until then it counts, unless it is committed or released before. */
  readonly expiresAt: Instant;
}

/** The answer of the preventive gate, before it gets an id. Order: request, policy name, rule, path. */
export interface Decision {
  readonly decision: DecisionWord;
  /** What denies or needs approval. */
  readonly violations: readonly DeployFinding[];
  /** What only warns or is audited. */
  readonly warnings: readonly DeployFinding[];
  readonly unknowns: readonly DeployUnknown[];
  readonly errors: readonly EvaluationError[];
  readonly exceptionsApplied: readonly AppliedException[];
  readonly notes: readonly DeployNote[];
  /** Empty unless `allow` or `warn`, and for a request that was judged without the state of its budgets. */
  readonly holds: readonly WantedHold[];
}

/** What one rule says of one found resource at scan. */
export interface ScanVerdict {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly verdict: Verdict;
  /** Present when violating or excepted. */
  readonly finding: ScanFinding | null;
  readonly exceptionId: string | null;
  readonly unknowns: readonly UnknownCheck[];
}

export interface ScanFinding {
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  /** `Instance has 32 vCPUs, exceeds limit of 16`. */
  readonly message: string;
  readonly checks: readonly FailedCheck[];
  readonly action: Action;
  /** What the action needs: `{ targetType }` of a resize, `{ tags }` of a tag. */
  readonly parameters: ActionParameters;
  /** Null where the action saves nothing known. */
  readonly estimatedMonthlySavings: Decimal | null;
  /** First stage of the course in ms where the rule gives one. */
  readonly graceMs: number | null;
}

export interface ActionParameters {
  readonly targetType?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly missingTags?: readonly string[];
  readonly actOnManaged?: boolean;
}
