import { describe, expect, test } from 'vitest';
import { changePercent, directionOf, levelOf, percentOf, scoreOf, scoreTrend, statusWordOf } from '../../src/report/score.js';

describe('scores', () => {
  test.each([
    [0, 0, 100],
    [0, 3, 0],
    [3, 3, 100],
    [1, 3, 33.33],
    [2, 3, 66.67],
    // 12.345 exactly: half goes up.
    [2469, 20_000, 12.35],
    [99_999, 100_000, 100],
    [99_994, 100_000, 99.99],
  ])('%i of %i is %f %%', (part, total, percent) => expect(percentOf(part, total)).toBe(percent));

  test('excepted resources are among the compliant', () => {
    expect(scoreOf({ total: 4, nonCompliant: 1, excepted: 2 })).toBe(75);
  });

  test.each([
    [100, 'compliant', 'good'],
    [95, 'compliant', 'good'],
    [94.99, 'partial', 'warning'],
    [80, 'partial', 'warning'],
    [79.99, 'non_compliant', 'critical'],
    [0, 'non_compliant', 'critical'],
  ])('%f is %s and %s', (score, level, word) => {
    expect([levelOf(score), statusWordOf(score)]).toEqual([level, word]);
  });

  test('the trend is up, down or stable, and stable without a stored score', () => {
    expect([scoreTrend(80.01, 80), scoreTrend(79.99, 80), scoreTrend(80, 80), scoreTrend(80, null)]).toEqual([
      'up',
      'down',
      'stable',
      'stable',
    ]);
  });
});

describe('a change in the number of violations', () => {
  test.each([
    [0, 0, 0, 'stable'],
    [3, 0, 100, 'declining'],
    [0, 3, -100, 'improving'],
    [105, 100, 5, 'stable'],
    [106, 100, 6, 'declining'],
    [95, 100, -5, 'stable'],
    [94, 100, -6, 'improving'],
    [10_501, 10_000, 5.01, 'declining'],
    [4, 3, 33.33, 'declining'],
  ])('from %2$i to %1$i', (current, previous, percent, direction) => {
    expect(changePercent(current, previous)).toBe(percent);
    expect(directionOf(percent)).toBe(direction);
  });
});
