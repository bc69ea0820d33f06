import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { type ApprovalRecord, approvalStatus, decideApproval } from '../../src/policy/approval.js';
import { HOUR } from '../../src/policy/durations.js';

const AT = Date.UTC(2026, 10, 22, 12);
const pending: ApprovalRecord = {
  id: 'apr_1',
  decisionId: 'dec_1',
  policyName: 'big-spend',
  policyVersion: '1.0.0',
  ruleName: 'over-500',
  requestKey: 'sha256:0',
  principal: 'ci',
  requester: 'dana',
  resources: ['web-1'],
  reasons: ['costs 700.80 a month'],
  monthlyCost: '700.80',
  groups: ['finops'],
  approvers: ['bob'],
  status: 'pending',
  requestedAt: AT - HOUR,
  expiresAt: AT + 1,
  expiresAfterMs: 2 * HOUR,
  decidedBy: null,
  decidedAt: null,
  comments: null,
  workflowId: 'approval/apr_1',
};
const STATES: Readonly<Record<string, ApprovalRecord>> = {
  pending,
  late: { ...pending, expiresAt: AT },
  approved: { ...pending, status: 'approved' },
  over: { ...pending, status: 'approved', expiresAt: AT },
  rejected: { ...pending, status: 'rejected' },
  expired: { ...pending, status: 'expired' },
};

const table = load(readFileSync('test/cases/approval-moves.yaml', 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;

describe.each(Object.entries(table))('%s', (move, expected) => {
  test.each(Object.entries(expected))('an approval that is %s: %s', (state, outcome) => {
    const [by = '', verb] = move.split(' ');
    const verdict = { verdict: verb === 'rejects' ? 'rejected' : 'approved', by, comments: null } as const;
    const after = decideApproval(STATES[state] as ApprovalRecord, verdict, ['bob', 'dana', 'ci'], AT);
    expect('refused' in after ? after.refused : after.status).toBe(outcome);
  });
});

test('who may not decide is told who may, and nobody who is barred', () => {
  const verdict = { verdict: 'approved', by: 'eve', comments: null } as const;
  expect(decideApproval(pending, verdict, ['bob', 'dana', 'ci'], AT)).toMatchObject({
    message: '`eve` may not decide this: it is for bob',
  });
});

test('an approval is good from the decision for as long as the rule says, and not a moment longer', () => {
  const after = decideApproval(pending, { verdict: 'approved', by: 'bob', comments: 'fine' }, ['bob'], AT) as ApprovalRecord;
  expect(after).toMatchObject({ decidedBy: 'bob', decidedAt: AT, comments: 'fine', expiresAt: AT + 2 * HOUR });
  expect(approvalStatus(after, AT + 2 * HOUR - 1)).toBe('approved');
  expect(approvalStatus(after, AT + 2 * HOUR)).toBe('expired');
});
