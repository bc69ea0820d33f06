import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { DAY } from '../../src/policy/durations.js';
import { type ExceptionMove, type ExceptionTerms, moveException, nextApproversFor } from '../../src/policy/exception-moves.js';
import type { ExceptionRecord } from '../../src/policy/records.js';
import { AT, exceptionRecord } from './records.js';

const approved = { status: 'approved', approvedBy: 'bob', approvedAt: AT - DAY } as const;
const STATES: Readonly<Record<string, ExceptionRecord>> = {
  pending: exceptionRecord(),
  late: exceptionRecord({ requestedAt: AT - 7 * DAY }),
  approved: exceptionRecord({ ...approved, expiresAt: AT + 1 }),
  permanent: exceptionRecord({ ...approved, type: 'permanent', durationMs: null, durationDays: null, reviewDueAt: AT + DAY }),
  ended: exceptionRecord({ ...approved, expiresAt: AT }),
  used: exceptionRecord({ ...approved, caps: { money: null, uses: 2 }, used: { money: '0', uses: 2 } }),
  rejected: exceptionRecord({ status: 'rejected' }),
  expired: exceptionRecord({ ...approved, status: 'expired' }),
  revoked: exceptionRecord({ ...approved, status: 'revoked' }),
  lapsed: exceptionRecord({ status: 'lapsed' }),
};
const MOVES: Readonly<Record<string, ExceptionMove>> = {
  'bob approves': { kind: 'approve', by: 'bob', comments: null },
  'dana approves': { kind: 'approve', by: 'dana', comments: null },
  'eve approves': { kind: 'approve', by: 'eve', comments: null },
  'bob rejects': { kind: 'reject', by: 'bob', reason: 'no' },
  'dana rejects': { kind: 'reject', by: 'dana', reason: 'no' },
  'bob revokes': { kind: 'revoke', by: 'bob', reason: 'no' },
  'dana revokes': { kind: 'revoke', by: 'dana', reason: 'no' },
  'eve revokes': { kind: 'revoke', by: 'eve', reason: 'no' },
  'bob renews': { kind: 'review', by: 'bob', outcome: 'renew', comments: null },
  'bob reviews and revokes': { kind: 'review', by: 'bob', outcome: 'revoke', comments: null },
  'dana renews': { kind: 'review', by: 'dana', outcome: 'renew', comments: null },
  'it escalates': { kind: 'escalate', by: 'system:exceptions' },
  'it lapses': { kind: 'lapse', by: 'system:exceptions' },
  'it expires': { kind: 'expire', by: 'system:exceptions' },
  'its resource is gone': { kind: 'end', by: 'system:exceptions', reason: 'resource_gone' },
};

function termsOf(record: ExceptionRecord): ExceptionTerms {
  return { approvers: ['bob'], nextApprovers: ['fiona'], lapseAt: record.requestedAt + 7 * DAY, reviewIntervalMs: 90 * DAY };
}

function play(record: ExceptionRecord, move: ExceptionMove) {
  return moveException(record, move, termsOf(record), AT);
}

const table = load(readFileSync('test/cases/exception-moves.yaml', 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;

describe('every move of an exception in every state', () => {
  it('is in the table', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(MOVES).sort());
    for (const row of Object.values(table)) expect(Object.keys(row).sort()).toEqual(Object.keys(STATES).sort());
  });

  it.each(Object.entries(MOVES))('%s', (name, move) => {
    const outcomes = Object.entries(STATES).map(([state, record]) => {
      const after = play(record, move);
      return [state, 'refused' in after ? after.refused : after.status];
    });
    expect(Object.fromEntries(outcomes)).toEqual(table[name]);
  });
});

test('a duration counts from approval, and a given end stays', () => {
  const move = MOVES['bob approves'] as ExceptionMove;
  expect(play(exceptionRecord(), move)).toMatchObject({ approvedAt: AT, approvedBy: 'bob', expiresAt: AT + 14 * DAY, durationDays: 14 });
  const given = exceptionRecord({ durationMs: null, durationDays: null, expiresAt: AT + 5 });
  expect(play(given, move)).toMatchObject({ expiresAt: AT + 5 });
});

test('a request whose given end has passed cannot be approved', () => {
  const record = exceptionRecord({ durationMs: null, expiresAt: AT });
  expect(play(record, MOVES['bob approves'] as ExceptionMove)).toMatchObject({ refused: 'WrongState' });
});

test('only a permanent one gets a review date, and each renewal a new one', () => {
  const permanent = exceptionRecord({ type: 'permanent', durationMs: null, durationDays: null });
  expect(play(permanent, MOVES['bob approves'] as ExceptionMove)).toMatchObject({
    reviewDueAt: AT + 90 * DAY,
    lastReviewedAt: AT,
    expiresAt: null,
  });
  expect(play(exceptionRecord(), MOVES['bob approves'] as ExceptionMove)).toMatchObject({ reviewDueAt: null, lastReviewedAt: null });
  expect(play(STATES['permanent'] as ExceptionRecord, MOVES['bob renews'] as ExceptionMove)).toMatchObject({
    reviewDueAt: AT + 90 * DAY,
    lastReviewedAt: AT,
  });
});

test('each end says why', () => {
  const reason = (state: string, move: string) => play(STATES[state] as ExceptionRecord, MOVES[move] as ExceptionMove);
  expect(reason('pending', 'dana revokes')).toMatchObject({ closedReason: 'withdrawn' });
  expect(reason('late', 'it lapses')).toMatchObject({ closedReason: 'no_answer' });
  expect(reason('ended', 'it expires')).toMatchObject({ closedReason: 'duration', closedAt: AT });
  expect(reason('used', 'it expires')).toMatchObject({ closedReason: 'cap' });
  expect(reason('approved', 'its resource is gone')).toMatchObject({ closedReason: 'resource_gone' });
  expect(reason('pending', 'bob rejects')).toMatchObject({ closedReason: 'rejected', comments: 'no' });
});

test('a request is escalated to the managers of who was asked, else finops, else the admins, never to the requester', () => {
  const directory = {
    people: [
      { id: 'bob', manager: 'carol', teams: [] },
      { id: 'carol', teams: [] },
      { id: 'erin', manager: 'dana', teams: [] },
    ],
    groups: { finops: ['fiona', 'dana'] },
    owners: { team: [], owner: [], fallback: [] },
  };
  const next = (approvers: readonly string[], admins: readonly string[] = ['root']) =>
    nextApproversFor({ directory, requester: 'dana', approvers, admins });
  expect(next(['bob'])).toEqual(['carol']);
  expect(next(['erin'])).toEqual(['fiona']);
  expect(next(['carol', 'fiona'])).toEqual(['root']);
  expect(next(['carol', 'fiona', 'root'])).toEqual([]);
});

test('nobody decides their own request, whatever list they are on', () => {
  const record = exceptionRecord();
  const terms = { ...termsOf(record), approvers: ['bob', 'dana'] };
  expect(moveException(record, MOVES['dana approves'] as ExceptionMove, terms, AT)).toMatchObject({ refused: 'NotAllowed' });
});
