import { describe, expect, it } from 'vitest';
import { hintsFor } from '../../src/policy/hints.js';
import { policyOf } from './samples.js';

const APPROVAL = 'when: { monthlyCostAbove: 1 }, approvers: [finops]';
const SCHEDULE = 'timezone: UTC, running: [{ days: [mon], from: "08:00", to: "09:00" }]';

describe('a hint points out a severity that softens the gate', () => {
  it.each([
    [
      'ResourceLimit',
      'severity: high, constraint: { maxIops: 1 }',
      ['severity `high` makes the gate warn and not deny; say `enforcement: deny` (or `severity: { scan: high }`) if it should deny'],
    ],
    [
      'ApprovalRequirement',
      `severity: low, ${APPROVAL}`,
      [
        'severity `low` makes the gate warn and not ask for approval; say `enforcement: deny` (or `severity: { scan: low }`) if it should ask for approval',
      ],
    ],
    ['ResourceLimit', 'severity: high, enforcement: warn, constraint: { maxIops: 1 }', []],
    ['ResourceLimit', 'severity: { scan: high }, constraint: { maxIops: 1 }', []],
    ['ResourceLimit', 'severity: critical, constraint: { maxIops: 1 }', []],
    ['Schedule', `severity: low, ${SCHEDULE}`, []],
    ['Utilization', 'severity: low, period: 7d, avgCpuBelowPercent: 5', []],
  ])('%s with %s: %j', (type, rule, messages) => {
    expect(hintsFor(policyOf(type, `[{ name: a, ${rule} }]`)).map(({ message }) => message)).toEqual(messages);
  });
});
