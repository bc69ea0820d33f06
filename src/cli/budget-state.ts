import type { WireBudget } from '../api/contract/budget.js';
import { add, compare } from '../policy/money.js';

type Budget = Pick<WireBudget, 'to' | 'actual' | 'committed' | 'forecast' | 'thresholds'>;
type Threshold = Budget['thresholds'][number];

/** The strictest first. */
const STATES = [
  ['block-new-resources', 'blocked'],
  ['require-approval', 'needs approval'],
] as const;

/** What a budget does to requests that add cost: `blocked until 2026-12-01 (100% crossed 2026-11-22)`; `-` for nothing. */
export function stateOf(budget: Budget): string {
  for (const [action, word] of STATES) {
    const acting = budget.thresholds.find((each) => each.action === action && (each.crossed_at !== null || isCrossedNow(budget, each)));
    if (acting !== undefined) return `${word} until ${budget.to.slice(0, 10)} (${whyOf(acting)})`;
  }
  return '-';
}

/** The gate does not wait until a crossing is noted. */
function isCrossedNow({ actual, committed, forecast }: Budget, { of, amount }: Threshold): boolean {
  const observed = of === 'actual' ? add(actual, committed) : (forecast ?? '0');
  return compare(observed, '0') > 0 && compare(observed, amount) >= 0;
}

function whyOf({ of, percent, crossed_at: at }: Threshold): string {
  return `${of === 'forecast' ? 'forecast: ' : ''}${percent}% crossed${at === null ? '' : ` ${at.slice(0, 10)}`}`;
}
