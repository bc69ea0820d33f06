/** What an exception does by itself, and when. Pure; the workflow waits until then. */
import type { Instant } from './model.js';
import type { ExceptionRecord } from './records.js';

/** Lengths in ms, already divided by the acceleration. */
export interface ExceptionLengths {
  readonly remindAfterMs: number;
  readonly escalateAfterMs: number;
  readonly lapseAfterMs: number;
  readonly warnBeforeMs: number;
  readonly reviewOverdueEveryMs: number;
}

/** What has been done already, so that nothing is said twice. */
export interface ExceptionTold {
  readonly reminded: boolean;
  readonly escalated: boolean;
  readonly warned: boolean;
  /** The due date of the last review reminder, and when it or its last repetition was sent. */
  readonly review: { readonly dueAt: Instant; readonly at: Instant } | null;
}

export const NOTHING_TOLD: ExceptionTold = { reminded: false, escalated: false, warned: false, review: null };

export type ExceptionStepKind = 'remind' | 'escalate' | 'lapse' | 'warn' | 'expire' | 'review-due' | 'review-overdue';

export interface ExceptionStep {
  readonly kind: ExceptionStepKind;
  readonly at: Instant;
}

export function lapseAtOf(record: ExceptionRecord, lengths: ExceptionLengths): Instant {
  return record.requestedAt + lengths.lapseAfterMs;
}

/** The earliest thing left to do; undefined when only people can move it. */
export function nextExceptionStep(record: ExceptionRecord, lengths: ExceptionLengths, told: ExceptionTold): ExceptionStep | undefined {
  const steps = record.status === 'pending' ? pendingSteps(record, lengths, told) : approvedSteps(record, lengths, told);
  return steps.reduce<ExceptionStep | undefined>((first, step) => (first === undefined || step.at < first.at ? step : first), undefined);
}

function pendingSteps(record: ExceptionRecord, lengths: ExceptionLengths, told: ExceptionTold): ExceptionStep[] {
  const steps: ExceptionStep[] = [{ kind: 'lapse', at: lapseAtOf(record, lengths) }];
  if (!told.escalated) steps.push({ kind: 'escalate', at: record.requestedAt + lengths.escalateAfterMs });
  if (!told.reminded && !told.escalated) steps.push({ kind: 'remind', at: record.requestedAt + lengths.remindAfterMs });
  return steps;
}

function approvedSteps(record: ExceptionRecord, lengths: ExceptionLengths, told: ExceptionTold): ExceptionStep[] {
  if (record.status !== 'approved') return [];
  const steps: ExceptionStep[] = [];
  if (record.expiresAt !== null) {
    steps.push({ kind: 'expire', at: record.expiresAt });
    if (!told.warned) steps.push({ kind: 'warn', at: warnAt(record.approvedAt ?? record.requestedAt, record.expiresAt, lengths) });
  }
  if (record.reviewDueAt !== null) steps.push(reviewStep(record.reviewDueAt, lengths, told));
  return steps;
}

/** `warnBeforeMs` before the end, or at half its length when that is later. */
function warnAt(approvedAt: Instant, expiresAt: Instant, lengths: ExceptionLengths): Instant {
  const length = expiresAt - approvedAt;
  return lengths.warnBeforeMs < length ? expiresAt - lengths.warnBeforeMs : approvedAt + Math.round(length / 2);
}

/** Once at the due date, then at every whole period after it; periods that passed while nothing ran are not made up for. */
function reviewStep(dueAt: Instant, lengths: ExceptionLengths, told: ExceptionTold): ExceptionStep {
  if (told.review === null || told.review.dueAt !== dueAt) return { kind: 'review-due', at: dueAt };
  const periods = Math.floor((told.review.at - dueAt) / lengths.reviewOverdueEveryMs) + 1;
  return { kind: 'review-overdue', at: dueAt + periods * lengths.reviewOverdueEveryMs };
}
