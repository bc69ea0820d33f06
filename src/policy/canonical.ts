/** One text for equal values, so that hashes can be compared. */
import type { Policy } from './model.js';

/** JSON with sorted keys and no white space. Keys whose value is undefined are left out, as in `JSON.stringify`. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${entries.join(',')}}`;
}

function withoutTexts(rule: Policy['rules'][number]): object {
  const { description: _, ...rest } = rule;
  return 'requiredTags' in rule ? { ...rest, requiredTags: rule.requiredTags.map(({ description: __, ...tag }) => tag) } : rest;
}

/**
 * What of a policy can change a verdict, an action or a deadline, as canonical JSON. Two versions with equal input differ in
 * texts only, so the change is minor. The order of the rules decides nothing and is left out.
 */
export function rulesFingerprintInput(policy: Policy): string {
  const rules = [...policy.rules].sort((a, b) => (a.name < b.name ? -1 : 1)).map(withoutTexts);
  return canonicalJson({ namespace: policy.namespace ?? null, type: policy.type, rules });
}
