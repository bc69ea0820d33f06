/** One text for equal values, so that hashes can be compared. */
import type { Policy } from './model.js';

/** JSON with sorted keys and no white space. Keys whose value is undefined are left out, as in `JSON.stringify`. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  return Array.isArray(value) ? canonicalList(value) : canonicalObject(value as Readonly<Record<string, unknown>>);
}

function canonicalList(items: readonly unknown[]): string {
  let text = '[';
  for (const item of items) text += `${text === '[' ? '' : ','}${canonicalJson(item ?? null)}`;
  return `${text}]`;
}

function canonicalObject(object: Readonly<Record<string, unknown>>): string {
  let text = '{';
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `${text}}`;
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
