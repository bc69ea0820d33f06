/** `policy/rule`: names a rule in a set of policies, for maps. */
export function ruleKey(policyName: string, ruleName: string): string {
  return `${policyName}/${ruleName}`;
}
