import type { Policy } from './model.js';
import { RULE_KINDS } from './rules/registry.js';

/** Something in a valid policy that may not be meant: not an error. */
export interface Hint {
  readonly ruleName: string;
  readonly message: string;
}

const STRICTEST = { deny: 'deny', needs_approval: 'ask for approval' } as const;

/** Points out a severity that turns a deny into a warning: below critical, the gate only warns unless the rule says `deny`. */
export function hintsFor(policy: Policy): readonly Hint[] {
  const { denial } = RULE_KINDS[policy.type];
  if (denial === null) return [];
  return policy.rules.flatMap((rule) => {
    const severity = rule.severity?.deploy;
    if (severity === undefined || severity === 'critical' || rule.enforcement?.deploy !== undefined) return [];
    const message = `severity \`${severity}\` makes the gate warn and not ${STRICTEST[denial]}; say \`enforcement: deny\` (or \`severity: { scan: ${severity} }\`) if it should ${STRICTEST[denial]}`;
    return [{ ruleName: rule.name, message }];
  });
}
