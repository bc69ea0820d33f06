/** What is stored of the house itself: policies and their versions, audit, tokens, notices, imports, pages. Enforcement is in `records.ts`. Types only. */
import type { Decimal, Instant, Json, PolicyType } from './model.js';

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
