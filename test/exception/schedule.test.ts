import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../src/policy/durations.js';
import { type ExceptionTold, NOTHING_TOLD, nextExceptionStep } from '../../src/policy/exception-schedule.js';
import { AT, exceptionRecord } from './records.js';

const LENGTHS = {
  remindAfterMs: DAY,
  escalateAfterMs: 2 * DAY,
  lapseAfterMs: 7 * DAY,
  warnBeforeMs: 7 * DAY,
  reviewOverdueEveryMs: 7 * DAY,
};
const pending = exceptionRecord({ requestedAt: AT });
const lasting = (ms: number) => exceptionRecord({ status: 'approved', approvedAt: AT, expiresAt: AT + ms });
const next = (record: Parameters<typeof nextExceptionStep>[0], told: Partial<ExceptionTold> = {}) =>
  nextExceptionStep(record, LENGTHS, { ...NOTHING_TOLD, ...told });

describe('a pending request', () => {
  test('reminds after 24 h, escalates after 48 h, lapses after 7 days', () => {
    expect(next(pending)).toEqual({ kind: 'remind', at: AT + DAY });
    expect(next(pending, { reminded: true })).toEqual({ kind: 'escalate', at: AT + 2 * DAY });
    expect(next(pending, { reminded: true, escalated: true })).toEqual({ kind: 'lapse', at: AT + 7 * DAY });
  });
  test('is not reminded of after it was escalated', () => {
    expect(next(pending, { escalated: true })).toMatchObject({ kind: 'lapse' });
  });
});

describe('an approved exception', () => {
  test('is warned of 7 days before its end', () => {
    expect(next(lasting(30 * DAY))).toEqual({ kind: 'warn', at: AT + 23 * DAY });
    expect(next(lasting(30 * DAY), { warned: true })).toEqual({ kind: 'expire', at: AT + 30 * DAY });
  });
  test('that is no longer than 7 days is warned of at half its length', () => {
    expect(next(lasting(7 * DAY))).toEqual({ kind: 'warn', at: AT + 84 * HOUR });
    expect(next(lasting(7 * DAY + HOUR))).toEqual({ kind: 'warn', at: AT + HOUR });
  });
  test('without an end waits for people only', () => {
    expect(next(exceptionRecord({ status: 'approved', type: 'conditional', approvedAt: AT }))).toBeUndefined();
  });
});

describe('a permanent exception', () => {
  const due = AT + 90 * DAY;
  const record = exceptionRecord({ status: 'approved', type: 'permanent', approvedAt: AT, reviewDueAt: due });
  test('is reminded of once per due date', () => {
    expect(next(record)).toEqual({ kind: 'review-due', at: due });
    expect(next(record, { review: { dueAt: due, at: due } })).toEqual({ kind: 'review-overdue', at: due + 7 * DAY });
  });
  test('is overdue weekly, and weeks that passed unseen are not made up for', () => {
    expect(next(record, { review: { dueAt: due, at: due + 7 * DAY } })).toEqual({ kind: 'review-overdue', at: due + 14 * DAY });
    expect(next(record, { review: { dueAt: due, at: due + 30 * DAY } })).toEqual({ kind: 'review-overdue', at: due + 35 * DAY });
  });
  test('starts over when it is renewed', () => {
    expect(next({ ...record, reviewDueAt: due + 90 * DAY }, { review: { dueAt: due, at: due + DAY } })).toEqual({
      kind: 'review-due',
      at: due + 90 * DAY,
    });
  });
});

test('what is closed has nothing to do', () => {
  for (const status of ['rejected', 'expired', 'revoked', 'lapsed'] as const)
    expect(next(exceptionRecord({ status, expiresAt: AT + 1 }))).toBeUndefined();
});
