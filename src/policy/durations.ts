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
