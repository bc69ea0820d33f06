/** What enforcement has stored, as the house speaks of it: what the store returns, what the API maps to the wire. Types only. */
import type { Action, Decimal, Enforcement, Instant, Json, Resource, Severity } from './model.js';
import type { ActionParameters, FailedCheck } from './verdict.js';

// ---------------------------------------------------------------- scans

/** Null or absent means: no restriction. */
export interface ScanScope {
  readonly provider?: string;
  readonly account?: string;
  readonly region?: string;
  readonly types?: readonly string[];
}

export type ScanStatus = 'running' | 'completed' | 'partial' | 'failed' | 'cancelled';

export interface ScanRecord {
  readonly id: string;
  readonly status: ScanStatus;
  readonly trigger: 'manual' | 'schedule' | 'startup';
  readonly scope: ScanScope;
  readonly dryRun: boolean;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly shards: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly pages: number;
  readonly resourcesScanned: number;
  readonly violationsFound: number;
  readonly violationsActionable: number;
  readonly violationsNew: number;
  readonly violationsResolved: number;
  readonly unknowns: number;
  readonly remediationsStarted: number;
  readonly remediationsCompleted: number;
  readonly remediationsFailed: number;
  readonly complianceScore: number | null;
  readonly errors: readonly { readonly shard: string; readonly message: string }[];
  readonly requestedBy: string;
  readonly workflowId: string;
}

// ---------------------------------------------------------------- violations

export type ViolationStatus = 'open' | 'excepted' | 'resolved' | 'remediated' | 'closed';

export interface ViolationRecord {
  readonly id: string;
  readonly episode: number;
  readonly status: ViolationStatus;
  readonly provider: string;
  readonly resource: {
    readonly id: string;
    readonly type: string;
    readonly name: string | null;
    readonly account: string;
    readonly region: string | null;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  readonly message: string;
  readonly checks: readonly FailedCheck[];
  readonly recommendedAction: Action;
  readonly actionParameters: ActionParameters;
  readonly graceMs: number | null;
  readonly estimatedMonthlySavings: Decimal | null;
  readonly hourlyCost: Decimal | null;
  readonly team: string;
  readonly owner: string | null;
  readonly detectedAt: Instant;
  readonly lastSeenAt: Instant;
  readonly closedAt: Instant | null;
  readonly closeReason: string | null;
  readonly remediationId: string | null;
  readonly exceptionId: string | null;
}

export interface InventoryRecord {
  readonly resource: Resource;
  readonly team: string;
  readonly owner: string | null;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  /** When a complete listing no longer showed it; null while it is present. */
  readonly goneAt: Instant | null;
}

// ---------------------------------------------------------------- remediations

export const REMEDIATION_PHASES = [
  'grace',
  'notice',
  'awaiting_approval',
  'awaiting_operator',
  'paused',
  'acting',
  'verifying',
  'undo_window',
  'closed',
] as const;
export type RemediationPhase = (typeof REMEDIATION_PHASES)[number];

export const REMEDIATION_RESULTS = [
  'completed',
  'failed',
  'skipped',
  'resolved',
  'excepted',
  'cancelled',
  'undone',
  'policy_archived',
] as const;
export type RemediationResult = (typeof REMEDIATION_RESULTS)[number];

export const WAITING_FOR = ['consent', 'blast_radius', 'pending_exception', 'pause', 'operator', 'provider'] as const;
export type WaitingFor = (typeof WAITING_FOR)[number];

/** What the act does, in the document's words. */
export const REMEDIATION_ACTIONS = [
  'send_notification',
  'add_tags',
  'stop_instance',
  'terminate_instance',
  'resize_instance',
  'delete_volume',
  'delete_address',
  'delete_snapshot',
] as const;
export type RemediationAction = (typeof REMEDIATION_ACTIONS)[number];

/** The part of a remediation that its workflow moves. */
export interface RemediationProgress {
  readonly action: RemediationAction;
  readonly parameters: ActionParameters;
  readonly phase: RemediationPhase;
  readonly severity: Severity;
  readonly escalated: boolean;
  readonly escalateAt: Instant | null;
  readonly actAt: Instant;
  readonly postponedMs: number;
  readonly waitingFor: WaitingFor | null;
  readonly attempts: number;
  readonly approvedBy: string | null;
  readonly actedAt: Instant | null;
  readonly result: RemediationResult | null;
  readonly resultMessage: string | null;
  readonly undoUntil: Instant | null;
  readonly closedAt: Instant | null;
}

export interface RemediationRecord extends RemediationProgress {
  readonly id: string;
  readonly violationId: string;
  readonly provider: string;
  readonly account: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly team: string;
  readonly owner: string | null;
  readonly dryRun: boolean;
  readonly detectedAt: Instant;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly workflowId: string;
}

export interface TimelineEvent {
  readonly at: Instant;
  readonly event: string;
  readonly principal: string | null;
  readonly details: { readonly [key: string]: Json };
}

// ---------------------------------------------------------------- exceptions

export type ExceptionType = 'temporary' | 'permanent' | 'conditional';
export type ExceptionStatus = 'pending' | 'approved' | 'rejected' | 'expired' | 'revoked' | 'lapsed';
export type ExceptionClosedReason = 'duration' | 'cap' | 'resource_gone' | 'compliant' | 'no_answer' | 'withdrawn' | 'rejected' | 'revoked';

/** What an exception is for: one existing resource, one planned resource, or all that carry the given tags. */
export type ExceptionTarget =
  | { readonly kind: 'resource'; readonly resourceId: string; readonly account: string; readonly resourceType: string | null }
  | {
      readonly kind: 'planned';
      readonly type: string;
      readonly account: string;
      readonly namespace: string;
      readonly name: string | null;
      readonly address: string | null;
    }
  | { readonly kind: 'selector'; readonly tags: Readonly<Record<string, string>>; readonly account: string | null };

export interface ExceptionConditions {
  readonly tags?: Readonly<Record<string, string>>;
  readonly monthlyCostBelow?: Decimal;
  readonly state?: string;
}

export interface ExceptionRecord {
  readonly id: string;
  readonly type: ExceptionType;
  /** As stored; `exceptionStatus(record, at)` in `exception.ts` gives what holds at an instant. */
  readonly status: ExceptionStatus;
  readonly target: ExceptionTarget;
  readonly policyName: string;
  readonly ruleName: string;
  readonly justification: string;
  readonly durationMs: number | null;
  readonly durationDays: number | null;
  readonly conditions: ExceptionConditions;
  readonly caps: { readonly money: Decimal | null; readonly uses: number | null };
  readonly used: { readonly money: Decimal; readonly uses: number };
  readonly reviewIntervalDays: number | null;
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  /** When a request that nobody decides ends by itself; not known of those made before it was kept. */
  readonly lapsesAt?: Instant | null;
  readonly approvers: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly reviewDueAt: Instant | null;
  readonly lastReviewedAt: Instant | null;
  readonly closedReason: ExceptionClosedReason | null;
  readonly closedAt: Instant | null;
  readonly comments: string | null;
  readonly workflowId: string;
}

// ---------------------------------------------------------------- pauses

export interface PauseRecord {
  /** `all`, `policy:<name>` or `account:<id>`. */
  readonly scope: string;
  readonly reason: string;
  readonly pausedBy: string;
  readonly pausedAt: Instant;
}
