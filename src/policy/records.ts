/** The stored facts as the house speaks of them: what the store returns, what the API maps to the wire. Types only. */
import type {
  Action,
  ActionParameters,
  Decimal,
  Enforcement,
  FailedCheck,
  Instant,
  Json,
  PolicyType,
  Resource,
  Severity,
} from './model.js';

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

export interface RemediationRecord {
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
  readonly action: RemediationAction;
  readonly parameters: ActionParameters;
  readonly dryRun: boolean;
  readonly phase: RemediationPhase;
  readonly severity: Severity;
  readonly escalated: boolean;
  readonly detectedAt: Instant;
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

// ---------------------------------------------------------------- policies

export const POLICY_STATUSES = ['draft', 'review', 'approved', 'active', 'deprecated', 'archived'] as const;
export type PolicyStatus = (typeof POLICY_STATUSES)[number];
export type VersionStatus = PolicyStatus | 'superseded';
export type ChangeType = 'minor' | 'major';

export interface PolicyVersionRecord {
  readonly version: string;
  readonly status: VersionStatus;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly changeType: ChangeType;
  readonly changeSummary: string;
  readonly contentHash: string;
}

export interface PolicyApproval {
  readonly approvedBy: string;
  readonly approvedAt: Instant;
  readonly comments: string | null;
}

export interface PolicyDeprecation {
  readonly date: Instant;
  readonly reason: string;
  readonly replacement: string | null;
}

export interface PolicyRecord {
  readonly name: string;
  readonly type: PolicyType;
  readonly namespace: string | null;
  readonly description: string | null;
  readonly status: PolicyStatus;
  readonly currentVersion: string;
  readonly activeVersion: string | null;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly updatedAt: Instant;
  readonly updatedBy: string;
  readonly reviewers: readonly string[];
  readonly approvals: readonly PolicyApproval[];
  /** Set while an activation is dated. */
  readonly effectiveAt: Instant | null;
  readonly deprecation: PolicyDeprecation | null;
  readonly openViolations: number;
  readonly versions: readonly PolicyVersionRecord[];
  readonly workflowId: string;
}

// ---------------------------------------------------------------- the rest

export interface PauseRecord {
  /** `all`, `policy:<name>` or `account:<id>`. */
  readonly scope: string;
  readonly reason: string;
  readonly pausedBy: string;
  readonly pausedAt: Instant;
}

export interface AuditEntry {
  readonly seq: number;
  readonly at: Instant;
  readonly principal: string;
  /** `exception.approve`, `policy.activate`, `token.create` … */
  readonly action: string;
  readonly subject: string;
  readonly before: Json;
  readonly after: Json;
  readonly hash: string;
}

export interface TokenRecord {
  readonly id: string;
  readonly principal: string;
  readonly roles: readonly Role[];
  readonly prefix: string;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
}

export const ROLES = ['viewer', 'engineer', 'deployer', 'approver', 'reviewer', 'author', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** A notice in the outbox, keyed by (subject, stage, recipient). */
export interface NoticeRecord {
  readonly id: string;
  /** Id of what it is about: `rem_…`, `exc_…`, `scan_…`, a policy's name. */
  readonly subject: string;
  readonly stage: string;
  readonly recipient: string;
  readonly channel: string;
  readonly title: string;
  readonly body: string;
  readonly createdAt: Instant;
  readonly deliveredAt: Instant | null;
  readonly attempts: number;
  readonly lastError: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | null;
}

/** Which cost of a bill budgets count: `EffectiveCost` spreads what was paid in advance over its use. */
export const COST_COLUMNS = ['EffectiveCost', 'BilledCost'] as const;
export type CostColumn = (typeof COST_COLUMNS)[number];

/** One billing period of one billing account, as an import left it. */
export interface ImportedPeriod {
  readonly billingAccount: string;
  readonly start: Instant;
  readonly end: Instant;
  readonly rows: number;
  readonly cost: Decimal;
  /** Rows of earlier imports that are gone. */
  readonly replacedRows: number;
}

/** The import of one bill. Nothing of it is kept but this unless it is `completed`. */
export interface FocusImport {
  readonly id: string;
  readonly status: 'running' | 'completed' | 'refused' | 'failed';
  readonly fileName: string | null;
  /** Of the bytes as they came; null until all have come. */
  readonly sha256: string | null;
  /** Read so far, as they came. */
  readonly bytes: number;
  /** `1.0` to `1.3`, by its columns; null before the header. */
  readonly focusVersion: string | null;
  readonly currency: string;
  readonly costColumn: CostColumn;
  /** Read so far, the refused ones included. */
  readonly rows: number;
  readonly refusedRows: number;
  /** The first hundred; `column` is null where the whole row is wrong. */
  readonly problems: readonly { readonly line: number; readonly column: string | null; readonly message: string }[];
  readonly billingPeriods: readonly ImportedPeriod[];
  readonly notices: readonly string[];
  /** Why it was refused or failed. */
  readonly reason: string | null;
  readonly createdBy: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
}
