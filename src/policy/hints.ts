import type { Policy } from './model.js';

/** Something in a valid policy that may not be meant: not an error. */
export interface Hint {
  readonly ruleName: string;
  readonly message: string;
}

/** Points out a severity that turns a deny into a warning: below critical, the gate only warns unless the rule says `deny`. */
export function hintsFor(policy: Policy): readonly Hint[] {
  return policy.rules.flatMap((rule) => {
    const severity = rule.severity?.deploy;
    if (severity === undefined || severity === 'critical' || rule.enforcement?.deploy !== undefined) return [];
    const message = `severity \`${severity}\` makes the gate warn and not deny; say \`enforcement: deny\` (or \`severity: { scan: ${severity} }\`) if it should deny`;
    return [{ ruleName: rule.name, message }];
  });
}
