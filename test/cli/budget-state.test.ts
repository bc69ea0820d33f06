/** What the table says of a budget that acts on requests. */
import { expect, test } from 'vitest';
import type { WireBudget } from '../../src/api/contract/budget.js';
import { stateOf } from '../../src/cli/budget-state.js';

type Threshold = WireBudget['thresholds'][number];
const threshold: Threshold = {
  percent: 100,
  of: 'actual',
  action: 'block-new-resources',
  channels: [],
  amount: '100.00',
  crossed_at: '2026-11-22T10:00:00.000Z',
};
const budget = { to: '2026-12-01T00:00:00.000Z', actual: '0.00', committed: '0.00', forecast: null, thresholds: [] };
const approval: Threshold = { ...threshold, percent: 90, action: 'require-approval', amount: '90.00' };
const untold: Threshold = { ...threshold, crossed_at: null };
const forecast: Threshold = { ...untold, of: 'forecast' };

test.each<[string, Partial<WireBudget>, string]>([
  ['nothing without thresholds', { thresholds: [] }, '-'],
  ['nothing of one that only notifies', { thresholds: [{ ...threshold, action: 'notify' }] }, '-'],
  ['a block, since when and until when', { thresholds: [threshold] }, 'blocked until 2026-12-01 (100% crossed 2026-11-22)'],
  ['a need of approval', { thresholds: [approval] }, 'needs approval until 2026-12-01 (90% crossed 2026-11-22)'],
  ['of both the block', { thresholds: [approval, threshold] }, 'blocked until 2026-12-01 (100% crossed 2026-11-22)'],
  [
    'what the numbers cross now, before it is noted',
    { thresholds: [untold], actual: '60.00', committed: '40.00' },
    'blocked until 2026-12-01 (100% crossed)',
  ],
  ['nothing a cent below', { thresholds: [untold], actual: '60.00', committed: '39.99' }, '-'],
  ['nothing of a budget of nothing that nothing is spent of', { thresholds: [{ ...untold, amount: '0.00' }] }, '-'],
  ['a forecast as such', { thresholds: [forecast], forecast: '120.00' }, 'blocked until 2026-12-01 (forecast: 100% crossed)'],
  ['nothing of a forecast that nobody knows', { thresholds: [forecast] }, '-'],
])('%s', (_what, given, state) => {
  expect(stateOf({ ...budget, ...given })).toBe(state);
});
