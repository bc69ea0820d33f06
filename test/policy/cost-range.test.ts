import { describe, expect, it } from 'vitest';
import { toPricedResources } from '../../src/api/contract/cost.js';
import { evaluateRequest } from '../../src/api/contract/evaluate.js';
import { compareWithLimit, totalCost } from '../../src/policy/cost-range.js';
import type { Cost } from '../../src/policy/model.js';
import { resource } from './samples.js';

const unpriced: Cost = { hourly: null, monthly: null, source: 'none' };
const point = (monthly: string): Cost => ({ hourly: null, monthly, source: 'request' });
const totalOf = (...costs: readonly Cost[]) =>
  totalCost(
    costs.map((cost) => resource({ cost })),
    (index) => `r${index}`,
  );

describe('the cost of a request', () => {
  it.each<[string, readonly Cost[], ReturnType<typeof totalOf>]>([
    ['of nothing is nothing', [], { low: '0.00', likely: '0.00', high: '0.00', unpriced: [] }],
    [
      'of known amounts is their sum, to the cent, half up',
      [point('10.004'), point('0.001')],
      { low: '10.01', likely: '10.01', high: '10.01', unpriced: [] },
    ],
    [
      'adds up each end',
      [{ ...point('10'), range: { low: '8', high: '15' } }, point('1')],
      { low: '9.00', likely: '11.00', high: '16.00', unpriced: [] },
    ],
    [
      'is open with one that has no price, which is named',
      [point('10'), unpriced],
      { low: '10.00', likely: '10.00', high: null, unpriced: ['r1'] },
    ],
    [
      'is open with a part that has none, which is named',
      [{ ...point('10'), unpriced: ['storage', 'requests'] }],
      { low: '10.00', likely: '10.00', high: null, unpriced: ['r0: storage', 'r0: requests'] },
    ],
    [
      'is open where an end is',
      [
        { ...point('10'), range: { low: '5', high: null } },
        { ...point('1'), range: { low: '1', high: '2' } },
      ],
      { low: '6.00', likely: '11.00', high: null, unpriced: ['r0'] },
    ],
    [
      'has a low end where no likely amount is known',
      [{ ...unpriced, range: { low: '5', high: '7' } }],
      { low: '5.00', likely: '5.00', high: '7.00', unpriced: ['r0'] },
    ],
    [
      'is unknown, and not nothing, where nothing has a price',
      [unpriced, unpriced],
      { low: null, likely: null, high: null, unpriced: ['r0', 'r1'] },
    ],
  ])('%s', (_words, costs, total) => expect(totalOf(...costs)).toEqual(total));

  const NO_FACTS = { instance: () => undefined, volumeType: () => undefined };
  it('keeps the bounds that the caller gives, and works out the missing half', () => {
    const request = evaluateRequest.parse({ type: 'compute/instance', cost: { monthly: '73.00', low: '70', high: '80' } });
    const [priced] = toPricedResources(request, { price: () => unpriced, lookup: NO_FACTS }, 'USD');
    expect(priced?.cost).toEqual({ hourly: '0.100000', monthly: '73.00', source: 'request', range: { low: '70', high: '80' } });
  });
});

describe('a comparison with a limit', () => {
  it.each([
    ['10', '10', 'within'],
    ['10', '10.0000000000000000000000000001', 'may-exceed'],
    ['10.0000000000000000000000000001', '11', 'above'],
    ['10.0000000000000000000000000001', null, 'above'],
    ['10', null, 'unknown'],
  ])('of %s to %s with 10 is %s', (low, high, comparison) => expect(compareWithLimit({ low, high }, '10')).toBe(comparison));
});
