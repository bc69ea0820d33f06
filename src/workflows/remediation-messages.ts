/** What crosses Temporal for remediations. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Enforcement, ResourceKey, Severity } from '../policy/model.js';
import type { RemediationAction, RemediationProgress, RemediationRecord } from '../policy/records.js';
import type { ActionParameters } from '../policy/verdict.js';
import type { ByPrincipal } from './messages.js';

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
  readonly view: RemediationProgress;
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
