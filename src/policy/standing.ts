/** How the verdicts of several rules add up, for scores (SPEC §9). */
import type { ScanVerdict, Verdict } from './verdict.js';

/** Where a resource stands under one policy. The first three are applicable and count in the rate; `unknown` is outside it. */
export type Standing = 'violating' | 'excepted' | 'compliant' | 'unknown';

/** Strictest first: one violated rule makes the policy violated. */
const ORDER: readonly Standing[] = ['violating', 'excepted', 'compliant', 'unknown'];

/** An error counts as unknown; what does not apply has no standing. */
function standingOf(verdict: Verdict): Standing | null {
  if (verdict === 'not-applicable') return null;
  return verdict === 'error' ? 'unknown' : verdict;
}

/** Whether a resource counts under a policy: a rule gave `compliant`, `violating` or `excepted`. */
export function isApplicable(standing: Standing): boolean {
  return standing !== 'unknown';
}

/** The standing of one resource by policy name; a policy that does not apply to it is absent. */
export function standingsByPolicy(verdicts: readonly ScanVerdict[]): ReadonlyMap<string, Standing> {
  const standings = new Map<string, Standing>();
  for (const { policyName, verdict } of verdicts) {
    const standing = standingOf(verdict);
    const known = standings.get(policyName);
    if (standing !== null && (known === undefined || ORDER.indexOf(standing) < ORDER.indexOf(known))) standings.set(policyName, standing);
  }
  return standings;
}
