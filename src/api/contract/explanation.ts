import { z } from 'zod';
import type { Explanation, RuleExplanation } from '../../policy/explain.js';
import type { Resource } from '../../policy/model.js';
import { nameOf } from './answer.js';
import { effectSchema } from './evaluate.js';

const ruleSchema = z.object({
  rule_name: z.string(),
  applies: z.enum(['yes', 'no', 'unknown']),
  reason: z.string().meta({ description: 'Why it applies, or not: `resource type compute/instance is not database/*`' }),
  verdict: z.enum(['compliant', 'violating', 'excepted', 'not-applicable', 'unknown', 'error']),
  failed: z.array(z.object({ path: z.string(), effect: effectSchema, message: z.string() })),
  unknowns: z.array(z.object({ path: z.string(), reason: z.string() })),
  exception_id: z.string().nullable(),
  approved: z.boolean(),
  note: z.string().nullable(),
});

export const explanationSchema = z
  .object({
    resources: z.array(
      z.object({
        resource_id: z.string(),
        resource_type: z.string(),
        policies: z.array(z.object({ policy_name: z.string(), policy_version: z.string(), rules: z.array(ruleSchema) })),
      }),
    ),
    left_off: z.number().meta({ description: 'Resources of the request that are not explained here: ask for one by `?resource=`' }),
    missing: z.string().nullable().meta({ description: 'Why there is no explanation, where there is none' }),
  })
  .meta({ id: 'Explanation' });
type WireExplanation = z.infer<typeof explanationSchema>;

export function noExplanation(reason: string): WireExplanation {
  return { resources: [], left_off: 0, missing: reason };
}

/** Every policy and rule is named, also where it does not apply. */
const MOST_RESOURCES = 20;

/** Of the resource of that name, else of the first ones. */
export function toWireExplanation(explanation: Explanation, resources: readonly Resource[], name: string | undefined): WireExplanation {
  const indexes = [...resources.keys()].filter((index) => name === undefined || nameOf(resources, index) === name);
  const shown = indexes.slice(0, MOST_RESOURCES);
  return {
    resources: shown.map((index) => ({
      resource_id: nameOf(resources, index),
      resource_type: resources[index]?.type ?? '',
      policies: byPolicy(explanation.ofResource(index)),
    })),
    left_off: indexes.length - shown.length,
    missing: null,
  };
}

/** Rules come in the order of their policies. */
function byPolicy(rules: readonly RuleExplanation[]): WireExplanation['resources'][number]['policies'] {
  const policies: WireExplanation['resources'][number]['policies'] = [];
  for (const explained of rules) {
    const { policyName, policyVersion } = explained.rule;
    const last = policies.at(-1);
    if (last?.policy_name === policyName) last.rules.push(toWireRule(explained));
    else policies.push({ policy_name: policyName, policy_version: policyVersion, rules: [toWireRule(explained)] });
  }
  return policies;
}

function toWireRule({
  rule,
  applies,
  reason,
  verdict,
  failed,
  unknowns,
  exceptionId,
  approved,
  note,
}: RuleExplanation): z.infer<typeof ruleSchema> {
  return {
    rule_name: rule.ruleName,
    applies,
    reason,
    verdict,
    failed: failed.map(({ path, effect, message }) => ({ path, effect, message })),
    unknowns: unknowns.map(({ path, reason: why }) => ({ path, reason: why })),
    exception_id: exceptionId,
    approved,
    note,
  };
}
