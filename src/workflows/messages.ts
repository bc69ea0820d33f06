/**
 * What crosses Temporal: workflow names, ids, inputs, updates, signals, search attributes. Plain small JSON; durations in ms, instants in ms
 * since the epoch. The API and the activities import this file, so it imports pure modules only.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ApprovalRecord } from '../policy/approval.js';
import type { ExceptionTold } from '../policy/exception-schedule.js';
import type { ActionParameters, Enforcement, ResourceKey, Severity } from '../policy/model.js';
import type {
  ChangeType,
  ExceptionRecord,
  ExceptionStatus,
  PolicyRecord,
  RemediationAction,
  RemediationRecord,
  ScanScope,
} from '../policy/records.js';

export const TASK_QUEUE = 'tollgate';

// ---------------------------------------------------------------- search attributes (Keyword unless said)

export const SA_POLICY = defineSearchAttributeKey('TollgatePolicy', 'KEYWORD');
export const SA_SEVERITY = defineSearchAttributeKey('TollgateSeverity', 'KEYWORD');
export const SA_PHASE = defineSearchAttributeKey('TollgatePhase', 'KEYWORD');
export const SA_TEAM = defineSearchAttributeKey('TollgateTeam', 'KEYWORD');
export const SA_DEADLINE = defineSearchAttributeKey('TollgateDeadline', 'DATETIME');

/** Registered in the namespace before the first worker starts; an unregistered one stalls workflows silently. */
export const SEARCH_ATTRIBUTES = [SA_POLICY, SA_SEVERITY, SA_PHASE, SA_TEAM, SA_DEADLINE] as const;

// ---------------------------------------------------------------- workflow names (exported functions of workflows/index.ts) and ids

export const WORKFLOWS = {
  scanCycle: 'scanCycle',
  remediation: 'remediation',
  exception: 'exception',
  policyLifecycle: 'policyLifecycle',
  noticeDelivery: 'noticeDelivery',
  budgetWatch: 'budgetWatch',
  approval: 'approval',
  runTask: 'runTask',
} as const;

export const workflowIds = {
  scan: (scanId: string) => `scan/${scanId}`,
  remediation: (remediationId: string) => `remediation/${remediationId}`,
  exception: (exceptionId: string) => `exception/${exceptionId}`,
  policy: (name: string) => `policy/${name}`,
  noticeDelivery: () => 'notice-delivery',
  budget: (policy: string, rule: string) => `budget/${policy}/${rule}`,
  approval: (approvalId: string) => `approval/${approvalId}`,
  runTask: (taskResultId: string) => `run-task/${taskResultId}`,
} as const;
/** The Temporal Schedule of the daily scan. */
export const SCAN_SCHEDULE_ID = 'daily-scan';

// ---------------------------------------------------------------- scanCycle

export interface ScanCycleInput {
  /** Null for a run of the Schedule: the workflow then makes `scan_<run id>`. */
  readonly scanId: string | null;
  readonly trigger: 'manual' | 'schedule' | 'startup';
  readonly scope: ScanScope;
  readonly dryRun: boolean;
  readonly requestedBy: string;
  readonly parallelShards: number;
  readonly pageSize: number;
  /** Set by the workflow itself when it continues as new: how far it came. */
  readonly resume?: ScanResume;
}

export interface ScanResume {
  /** Name of the last shard that was handled. */
  readonly after: string;
  readonly progress: ScanProgress;
}

/** What a running scan shows in Temporal UI; the same, exact and by shard, is in the API. */
export interface ScanProgress {
  readonly shards: number;
  readonly shardsDone: number;
  readonly shardsFailed: number;
  readonly pages: number;
  readonly resources: number;
  readonly violations: number;
}

// ---------------------------------------------------------------- remediation

/** All that a remediation promises is fixed here, at first detection; lengths already divided by the acceleration. */
export interface RemediationInput {
  readonly remediationId: string;
  readonly violationId: string;
  readonly key: ResourceKey;
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  readonly action: RemediationAction;
  readonly parameters: ActionParameters;
  readonly team: string;
  readonly owner: string | null;
  readonly message: string;
  readonly detectedAt: number;
  /** When a medium one becomes high; null where there is no such stage. */
  readonly escalateAt: number | null;
  readonly actAt: number;
  /** Reminders so long before the act. */
  readonly remindersBeforeMs: readonly number[];
  readonly undoWindowMs: number;
  readonly maxPostponeMs: number;
  /** How long destructive steps wait for a pending exception at most, per violation. */
  readonly holdDestructiveMs: number;
  /** How long to wait before looking again while something stands in the way (pause, blast radius, unreadable provider). */
  readonly recheckEveryMs: number;
  /** The account is only observed: the record says that nothing will be written. */
  readonly dryRun: boolean;
  readonly createdAt: number;
  /** Given when an earlier workflow of this remediation is lost: where it stood. */
  readonly revived?: RevivedRemediation;
}

/** What the database knows of a remediation whose workflow is lost. */
export interface RevivedRemediation {
  /** Number of the last projection. */
  readonly seq: number;
  readonly eventCount: number;
  readonly view: Pick<
    RemediationRecord,
    | 'action'
    | 'parameters'
    | 'phase'
    | 'severity'
    | 'escalated'
    | 'escalateAt'
    | 'actAt'
    | 'postponedMs'
    | 'waitingFor'
    | 'attempts'
    | 'approvedBy'
    | 'actedAt'
    | 'result'
    | 'resultMessage'
    | 'undoUntil'
    | 'closedAt'
  >;
  /** Stages of the notices that were given. */
  readonly stages: readonly string[];
  /** Of the business keys: that of an act that was begun and not finished, else one that was never used. */
  readonly round: number;
  /** Undos that certainly failed. */
  readonly undos: number;
  /** The step of an act that was begun from which to go on; null when none was, or it is over. */
  readonly unfinished: string | null;
  /** The resource before the act; null when nothing was saved. */
  readonly before: { readonly at: number; readonly state: string | null; readonly instanceType: string | null } | null;
  readonly tagsWritten: Readonly<Record<string, string>>;
  readonly snapshotId: string | null;
}

export interface ByPrincipal {
  readonly principal: string;
  readonly at: number;
}
export interface ApproveRemediation extends ByPrincipal {
  readonly comments: string | null;
}
export interface PostponeRemediation extends ByPrincipal {
  /** The new moment of acting. */
  readonly until: number;
  readonly reason: string;
}
export interface CancelRemediation extends ByPrincipal {
  readonly reason: string;
}
export interface UndoRemediation extends ByPrincipal {
  readonly reason: string | null;
}

/** Each answers with the remediation after it, or fails with an `ApplicationFailure` whose type is a `RefusalType`. */
export const approveRemediation = defineUpdate<RemediationRecord, [ApproveRemediation]>('approveRemediation');
export const postponeRemediation = defineUpdate<RemediationRecord, [PostponeRemediation]>('postponeRemediation');
export const cancelRemediation = defineUpdate<RemediationRecord, [CancelRemediation]>('cancelRemediation');
export const retryRemediation = defineUpdate<RemediationRecord, [ByPrincipal]>('retryRemediation');
/** Answers when the saved state is restored, or with what hindered it. */
export const undoRemediation = defineUpdate<RemediationRecord, [UndoRemediation]>('undoRemediation');
/** A scan no longer shows the violation, its policy was archived, or an exception came into force: the workflow closes accordingly. */
export const violationClosed =
  defineSignal<[{ readonly result: 'resolved' | 'excepted' | 'policy_archived'; readonly message: string }]>('violationClosed');
/** Something a remediation may be waiting for has changed (pause lifted, batch released, exception decided): look again now. */
export const lookAgain = defineSignal('lookAgain');

// ---------------------------------------------------------------- exception

/** The record as validated by the API, `approvers` worked out; lengths already divided by the acceleration. */
export interface ExceptionInput {
  readonly record: ExceptionRecord;
  readonly remindAfterMs: number;
  readonly escalateAfterMs: number;
  readonly lapseAfterMs: number;
  readonly warnBeforeMs: number;
  readonly reviewIntervalMs: number | null;
  readonly reviewOverdueEveryMs: number;
  /** Given when the workflow continues as new: `record` is then as last stored. */
  readonly resumed?: {
    readonly seq: number;
    readonly told: ExceptionTold;
    /** The status of which remediations have been told. */
    readonly followed: ExceptionStatus;
    readonly ending: 'cap' | 'resource_gone' | 'compliant' | null;
  };
}
export interface DecideException extends ByPrincipal {
  readonly comments: string | null;
}
export interface RejectException extends ByPrincipal {
  readonly reason: string;
}
export interface ReviewException extends ByPrincipal {
  readonly outcome: 'renew' | 'revoke';
  readonly comments: string | null;
}
/** Sent with the start: answers when the request is stored and its approvers have a notice in the outbox. */
export const requestException = defineUpdate<ExceptionRecord, []>('requestException');
/** The principal's authority is checked by the API and again in the activity that stores the decision. */
export const approveException = defineUpdate<ExceptionRecord, [DecideException]>('approveException');
export const rejectException = defineUpdate<ExceptionRecord, [RejectException]>('rejectException');
export const revokeException = defineUpdate<ExceptionRecord, [RejectException]>('revokeException');
export const reviewException = defineUpdate<ExceptionRecord, [ReviewException]>('reviewException');
/** The resource is gone, compliant for long enough, or a cap is exhausted. */
export const endException = defineSignal<[{ readonly reason: 'cap' | 'resource_gone' | 'compliant' }]>('endException');

// ---------------------------------------------------------------- approval

/** The row is written before its workflow starts, by the process that asked. */
export interface ApprovalInput {
  readonly id: string;
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: number;
}
export const approveRequest = defineUpdate<ApprovalRecord, [DecideException]>('approveRequest');
export const rejectRequest = defineUpdate<ApprovalRecord, [RejectException]>('rejectRequest');

// ---------------------------------------------------------------- policyLifecycle

/** Every update of a policy starts its workflow when none runs; the first activity reads the policy from the database. */
export interface PolicyLifecycleInput {
  readonly name: string;
}
/** `content` is a policy document as JSON, parsed and valid. */
export interface CreatePolicy extends ByPrincipal {
  readonly content: { readonly [key: string]: unknown };
  readonly description: string | null;
}
export interface AddPolicyVersion extends ByPrincipal {
  readonly content: { readonly [key: string]: unknown };
  readonly changeType: ChangeType;
  readonly changeSummary: string;
}
export interface SubmitPolicy extends ByPrincipal {
  readonly reviewers: readonly string[];
}
export interface ReviewPolicy extends ByPrincipal {
  readonly verdict: 'approve' | 'request-changes';
  readonly comments: string | null;
}
export interface ActivatePolicy extends ByPrincipal {
  /** Null is now. */
  readonly effectiveAt: number | null;
}
export interface DeprecatePolicy extends ByPrincipal {
  readonly date: number;
  readonly reason: string;
  readonly replacement: string | null;
}
export const createPolicy = defineUpdate<PolicyRecord, [CreatePolicy]>('createPolicy');
export const addPolicyVersion = defineUpdate<PolicyRecord, [AddPolicyVersion]>('addPolicyVersion');
export const submitPolicy = defineUpdate<PolicyRecord, [SubmitPolicy]>('submitPolicy');
export const reviewPolicy = defineUpdate<PolicyRecord, [ReviewPolicy]>('reviewPolicy');
export const activatePolicy = defineUpdate<PolicyRecord, [ActivatePolicy]>('activatePolicy');
export const deprecatePolicy = defineUpdate<PolicyRecord, [DeprecatePolicy]>('deprecatePolicy');
export const archivePolicy = defineUpdate<PolicyRecord, [ByPrincipal]>('archivePolicy');

// ---------------------------------------------------------------- noticeDelivery

export interface NoticeDeliveryInput {
  /** A recipient's notices are delivered together when none has been added for so long … */
  readonly quietMs: number;
  /** … and wait for each other no longer than this. */
  readonly longestWaitMs: number;
  /** How often to look when nothing is announced. */
  readonly pollMs: number;
  /** One activity delivers for so long before the next takes over. */
  readonly runForMs: number;
  /** A worker that is silent for so long is taken for dead. */
  readonly heartbeatMs: number;
  /** What a dead worker had claimed is due again after so long: longer than any delivery takes. */
  readonly leaseMs: number;
}

// ---------------------------------------------------------------- refusals

/** Types of the `ApplicationFailure`s with which updates refuse; `api/temporal-outcome.ts` maps each to a status. */
export const REFUSALS = {
  /** 409: the state does not allow it. */
  wrongState: 'WrongState',
  /** 403: this principal may not. */
  notAllowed: 'NotAllowed',
  /** 400: the request itself is wrong; details[0] is `Problem[]`. */
  invalid: 'Invalid',
  /** 404 */
  unknown: 'Unknown',
} as const;
export type RefusalType = (typeof REFUSALS)[keyof typeof REFUSALS];
