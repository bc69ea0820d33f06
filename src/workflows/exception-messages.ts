/** What crosses Temporal for exceptions. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ExceptionTold } from '../policy/exception-schedule.js';
import type { ExceptionRecord, ExceptionStatus } from '../policy/records.js';
import type { ByPrincipal } from './messages.js';

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
