import { z } from 'zod';
import { POLICY_STATUSES, type PolicyRecord } from '../../policy/house-records.js';
import { POLICY_TYPES } from '../../policy/model.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, instantInput, json, policyName, principalId, prose, toWireInstant, wireObject, workflowLink } from './values.js';

/** A policy document as JSON, or YAML text within JSON; it is checked by the policy parser, with places. */
export const policyContent = expecting(
  'a policy document: an object, or YAML text',
  z.union([z.record(z.string(), json), z.string().min(1).max(500_000)]),
);

/** `application/yaml` bodies arrive as `{ content: <text> }`. */
export const createPolicyRequest = wireObject({ content: policyContent, description: prose(2_000).nullish() }).meta({ id: 'CreatePolicy' });
export const addVersionRequest = wireObject({
  content: policyContent,
  change_type: z.enum(['minor', 'major']),
  change_summary: prose(2_000),
}).meta({ id: 'AddPolicyVersion' });
export const submitRequest = wireObject({ reviewers: expecting('a list of 1 to 50 principals', z.array(principalId).min(1).max(50)) });
export const reviewRequest = wireObject({ verdict: z.enum(['approve', 'request-changes']), comments: prose(4_000).nullish() });
export const activateRequest = wireObject({ effective_at: instantInput.nullish() }).optional();
export const deprecateRequest = wireObject({ deprecation_date: instantInput, reason: prose(4_000), replacement: policyName.nullish() });

export const policyQuery = wireObject({
  ...pageQuery,
  status: z.enum(POLICY_STATUSES).optional(),
  type: z.enum(POLICY_TYPES).optional(),
  enforcing: expecting(
    '`true` or `false`',
    z.enum(['true', 'false']).transform((word) => word === 'true'),
  ).optional(),
});

const versionSchema = z
  .object({
    version: z.string(),
    status: z.enum([...POLICY_STATUSES, 'superseded']),
    created_at: instant,
    created_by: z.string(),
    change_type: z.enum(['minor', 'major']),
    change_summary: z.string(),
    content_hash: z.string(),
  })
  .meta({ id: 'PolicyVersion' });
export const versionsSchema = z.object({ items: z.array(versionSchema), next: z.null() });

const policyKeys = {
  name: z.string(),
  status: z.enum(POLICY_STATUSES),
  type: z.enum(POLICY_TYPES),
  namespace: z.string().nullable(),
  active_version: z.string().nullable(),
  current_version: z.string(),
  description: z.string().nullable(),
  created_by: z.string(),
  created_at: instant,
  updated_by: z.string(),
  updated_at: instant,
  reviewers: z.array(z.string()),
  approvals: z.array(z.object({ approved_by: z.string(), approved_at: instant, comments: z.string().nullable() })),
  effective_at: instant.nullable(),
  deprecation: z.object({ date: instant, reason: z.string(), replacement: z.string().nullable() }).nullable(),
  open_violations: z.int(),
  versions: z.array(versionSchema),
  workflow: workflowLink,
};
export const policySchema = z.object(policyKeys).meta({ id: 'Policy' });
/** One policy also shows the document of its current version. */
export const policyWithContent = z.object({ ...policyKeys, content: z.record(z.string(), json) }).meta({ id: 'PolicyWithContent' });

export function toWirePolicy(policy: PolicyRecord, workflow: z.infer<typeof workflowLink>): z.infer<typeof policySchema> {
  return {
    name: policy.name,
    status: policy.status,
    type: policy.type,
    namespace: policy.namespace,
    active_version: policy.activeVersion,
    current_version: policy.currentVersion,
    description: policy.description,
    created_by: policy.createdBy,
    created_at: toWireInstant(policy.createdAt),
    updated_by: policy.updatedBy,
    updated_at: toWireInstant(policy.updatedAt),
    reviewers: [...policy.reviewers],
    approvals: policy.approvals.map(({ approvedBy, approvedAt, comments }) => ({
      approved_by: approvedBy,
      approved_at: toWireInstant(approvedAt),
      comments,
    })),
    effective_at: toWireInstant(policy.effectiveAt),
    deprecation: policy.deprecation && { ...policy.deprecation, date: toWireInstant(policy.deprecation.date) },
    open_violations: policy.openViolations,
    versions: toWireVersions(policy),
    workflow,
  };
}

export function toWireVersions(policy: PolicyRecord): z.infer<typeof versionSchema>[] {
  return policy.versions.map((version) => ({
    version: version.version,
    status: version.status,
    created_at: toWireInstant(version.createdAt),
    created_by: version.createdBy,
    change_type: version.changeType,
    change_summary: version.changeSummary,
    content_hash: version.contentHash,
  }));
}
