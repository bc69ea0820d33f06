/** Lengths of time, in ms, and the one function that shrinks waiting lengths for the demonstration clock (SPEC §13). */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A month is 730 hours for estimates. */
export const HOURS_PER_MONTH = 730;

/**
 * Divides a waiting length by the installation's acceleration, once, where it becomes a workflow's input or an absolute time.
 * Never for times a caller gives, wall-clock windows, facts, holds, tokens, retries, timeouts or retention.
 */
export function waitingLength(ms: number, acceleration: number): number {
  return Math.round(ms / acceleration);
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };
const NAMED_UNITS: readonly (readonly [string, number])[] = [
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
  ['second', SECOND],
];

/** `7d`, `24h`, `30m`, `90s`, `2w` in ms; undefined for anything else. Zero is allowed: `0h` is no grace at all. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})\s*(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)$/.exec(text.trim());
  const unit = UNITS[match?.[2]?.charAt(0) ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** For people, in its two largest units: `6 days 23 hours`, `45 seconds`; less than a second is `0 seconds`. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / SECOND)) * SECOND;
  const first = NAMED_UNITS.findIndex(([, length]) => rest >= length);
  if (first === -1) return '0 seconds';
  const words: string[] = [];
  for (const [name, length] of NAMED_UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) words.push(`${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return words.join(' ');
}
