import { z } from 'zod';
import { ACTIONS, ENFORCEMENTS, SEVERITIES } from '../../policy/model.js';
import type { ViolationRecord, ViolationStatus } from '../../policy/records.js';
import type { ActionParameters, FailedCheck } from '../../policy/verdict.js';
import { pageQuery } from './page.js';
import { instant, json, policyName, text, toWireInstant, wireObject } from './values.js';

const STATUSES = ['open', 'excepted', 'resolved', 'remediated', 'closed'] as const satisfies readonly ViolationStatus[];

export const violationQuery = wireObject({
  ...pageQuery,
  status: z.enum(STATUSES).optional(),
  policy: policyName.optional(),
  rule: policyName.optional(),
  severity: z.enum(SEVERITIES).optional(),
  team: text(256).optional(),
  account: text(128).optional(),
  resource: text(2_048).optional(),
});

const checkSchema = z
  .object({
    path: z.string(),
    observed: json,
    limit: json,
    message: z.string(),
    fix: z.object({ set: z.record(z.string(), json), text: z.string() }).nullable(),
  })
  .meta({ id: 'FailedCheck' });

export const actionParameters = z
  .object({
    target_type: z.string(),
    tags: z.record(z.string(), z.string()),
    missing_tags: z.array(z.string()),
    act_on_managed: z.boolean(),
  })
  .partial()
  .meta({ id: 'ActionParameters' });

export const violationSchema = z
  .object({
    id: z.string(),
    episode: z.int(),
    status: z.enum(STATUSES),
    resource: z.object({
      id: z.string(),
      type: z.string(),
      name: z.string().nullable(),
      provider: z.string(),
      account: z.string(),
      region: z.string().nullable(),
      tags: z.record(z.string(), z.string()),
    }),
    policy_name: z.string(),
    policy_version: z.string(),
    rule_name: z.string(),
    severity: z.enum(SEVERITIES),
    enforcement: z.enum(ENFORCEMENTS),
    message: z.string(),
    checks: z.array(checkSchema),
    recommended_action: z.enum(ACTIONS),
    action_parameters: actionParameters,
    estimated_monthly_savings: z.string().nullable(),
    hourly_cost: z.string().nullable(),
    currency: z.string(),
    team: z.string(),
    owner: z.string().nullable(),
    detected_at: instant,
    last_seen_at: instant,
    closed_at: instant.nullable(),
    close_reason: z.string().nullable(),
    remediation_id: z.string().nullable(),
    exception_id: z.string().nullable(),
  })
  .meta({ id: 'Violation' });

export function toWireViolation(violation: ViolationRecord, currency: string): z.infer<typeof violationSchema> {
  const { resource } = violation;
  return {
    id: violation.id,
    episode: violation.episode,
    status: violation.status,
    resource: { ...resource, provider: violation.provider, tags: { ...resource.tags } },
    policy_name: violation.policyName,
    policy_version: violation.policyVersion,
    rule_name: violation.ruleName,
    severity: violation.severity,
    enforcement: violation.enforcement,
    message: violation.message,
    checks: violation.checks.map(toWireCheck),
    recommended_action: violation.recommendedAction,
    action_parameters: toWireParameters(violation.actionParameters),
    estimated_monthly_savings: violation.estimatedMonthlySavings,
    hourly_cost: violation.hourlyCost,
    currency,
    team: violation.team,
    owner: violation.owner,
    detected_at: toWireInstant(violation.detectedAt),
    last_seen_at: toWireInstant(violation.lastSeenAt),
    closed_at: toWireInstant(violation.closedAt),
    close_reason: violation.closeReason,
    remediation_id: violation.remediationId,
    exception_id: violation.exceptionId,
  };
}

function toWireCheck({ path, observed, limit, message, fix }: FailedCheck): z.infer<typeof checkSchema> {
  return { path, observed, limit, message, fix: fix && { set: { ...fix.set }, text: fix.text } };
}

export function toWireParameters(parameters: ActionParameters): z.infer<typeof actionParameters> {
  const { targetType, tags, missingTags, actOnManaged } = parameters;
  return {
    ...(targetType === undefined ? {} : { target_type: targetType }),
    ...(tags === undefined ? {} : { tags: { ...tags } }),
    ...(missingTags === undefined ? {} : { missing_tags: [...missingTags] }),
    ...(actOnManaged === undefined ? {} : { act_on_managed: actOnManaged }),
  };
}
