import { describe, expect, it } from 'vitest';
import { DAY, formatDuration, HOUR, MINUTE, parseDuration, SECOND, waitingLength } from '../../src/policy/durations.js';

describe('durations', () => {
  it.each([
    ['7d', 7 * DAY],
    ['24h', DAY],
    ['30m', 30 * MINUTE],
    ['90s', 90 * SECOND],
    ['2w', 14 * DAY],
    ['0h', 0],
    ['7 days', 7 * DAY],
    ['1 hour', HOUR],
    ['7', undefined],
    ['-1d', undefined],
    ['1.5h', undefined],
    ['1h30m', undefined],
    ['', undefined],
    ['7x', undefined],
  ])('reads %j as %j ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    [7 * DAY - 1, '6 days 23 hours'],
    [7 * DAY, '7 days'],
    [DAY + HOUR + MINUTE, '1 day 1 hour'],
    [DAY + MINUTE, '1 day'],
    [90 * SECOND, '1 minute 30 seconds'],
    [999, '0 seconds'],
    [-5, '0 seconds'],
    [SECOND, '1 second'],
  ])('tells %d ms as %j', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('divides a waiting length by the acceleration', () => {
    expect(waitingLength(14 * DAY, 3_600)).toBe(336 * SECOND);
    expect(waitingLength(DAY, 1)).toBe(DAY);
  });
});
