/** Scores, levels and directions: the arithmetic that every report shares (SPEC §9). */

/** Resources by where they stand. `excepted` ones (violating, but permitted) are among the compliant. */
export interface Tally {
  readonly total: number;
  /** With at least one open violation. */
  readonly nonCompliant: number;
  /** With excepted violations and no open one. */
  readonly excepted: number;
}

export type Level = 'compliant' | 'partial' | 'non_compliant';
export type StatusWord = 'good' | 'warning' | 'critical';
export type ScoreTrend = 'up' | 'down' | 'stable';
export type Direction = 'improving' | 'declining' | 'stable';

const COMPLIANT_FROM = 95;
const PARTIAL_FROM = 80;
/** A change of violations by no more than this many percent is no change. */
const STABLE_WITHIN_PERCENT = 5;

/** Percent to two decimals, half-up; of nothing it is 100. */
export function percentOf(part: number, total: number): number {
  return total === 0 ? 100 : Math.round((part * 10_000) / total) / 100;
}

export function scoreOf(tally: Tally): number {
  return percentOf(tally.total - tally.nonCompliant, tally.total);
}

/** Of the score as shown, so that nobody reads 95 beside `partial`. */
export function levelOf(score: number): Level {
  if (score >= COMPLIANT_FROM) return 'compliant';
  return score >= PARTIAL_FROM ? 'partial' : 'non_compliant';
}

const WORDS: Readonly<Record<Level, StatusWord>> = { compliant: 'good', partial: 'warning', non_compliant: 'critical' };

/** The word of a scan's summary. */
export function statusWordOf(score: number): StatusWord {
  return WORDS[levelOf(score)];
}

/** Null for a score that was not stored then: stable. */
export function scoreTrend(now: number, then: number | null): ScoreTrend {
  if (then === null || now === then) return 'stable';
  return now > then ? 'up' : 'down';
}

/** How a number of violations changed, in percent to two decimals; from none to some is 100. */
export function changePercent(current: number, previous: number): number {
  if (previous === 0) return current === 0 ? 0 : 100;
  return Math.round(((current - previous) * 10_000) / previous) / 100;
}

export function directionOf(percent: number): Direction {
  if (percent < -STABLE_WITHIN_PERCENT) return 'improving';
  return percent > STABLE_WITHIN_PERCENT ? 'declining' : 'stable';
}
