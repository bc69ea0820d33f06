import type { Resource } from '../policy/model.js';

/** Each with what it cost a month before, by its address; what was not there before stays new. */
export function withPrevious(now: readonly Resource[], before: readonly Resource[]): readonly Resource[] {
  const earlier = new Map(before.map(({ address, cost }) => [address, cost.monthly]));
  return now.map((each) => (earlier.has(each.address) ? { ...each, previousMonthly: earlier.get(each.address) ?? null } : each));
}
