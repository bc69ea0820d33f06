import { DAY } from '../../src/policy/durations.js';
import type { ExceptionRecord } from '../../src/policy/records.js';

export const AT = Date.UTC(2026, 10, 22, 12);

/** A pending request of dana's, a day old, for two weeks. */
export function exceptionRecord(given: Partial<ExceptionRecord> = {}): ExceptionRecord {
  return {
    id: 'exc_1',
    type: 'temporary',
    status: 'pending',
    target: { kind: 'resource', resourceId: 'i-1', account: '1111', resourceType: 'compute/instance' },
    policyName: 'sizes',
    ruleName: 'vcpus',
    justification: 'Black Friday standby',
    durationMs: 14 * DAY,
    durationDays: 14,
    conditions: {},
    caps: { money: null, uses: null },
    used: { money: '0', uses: 0 },
    reviewIntervalDays: null,
    requestedBy: 'dana',
    requestedAt: AT - DAY,
    approvers: ['bob'],
    approvedBy: null,
    approvedAt: null,
    expiresAt: null,
    reviewDueAt: null,
    lastReviewedAt: null,
    closedReason: null,
    closedAt: null,
    comments: null,
    workflowId: 'exception/exc_1',
    ...given,
  };
}
