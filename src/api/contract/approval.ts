import { z } from 'zod';
import type { ApprovalRecord, ApprovalStatus } from '../../policy/approval.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, policyName, principalId, prose, toWireInstant, wireObject, workflowLink } from './values.js';

const STATUSES = ['pending', 'approved', 'rejected', 'expired'] as const satisfies readonly ApprovalStatus[];

export const approvalQuery = wireObject({
  ...pageQuery,
  status: z.enum(STATUSES).optional(),
  policy: policyName.optional(),
  rule: policyName.optional(),
  requester: principalId.optional(),
  approver: principalId.optional(),
});

const LONGEST_WAIT_S = 60;

/** How long the answer may wait for a decision, ms inside. */
const wait = expecting(
  `a whole number of seconds from 1 to ${LONGEST_WAIT_S}, such as \`30s\``,
  z
    .string()
    .regex(/^\d{1,2}s$/)
    .refine((value) => Number.parseInt(value, 10) >= 1 && Number.parseInt(value, 10) <= LONGEST_WAIT_S)
    .transform((value) => Number.parseInt(value, 10) * 1_000),
);
export const waitQuery = wireObject({ wait: wait.optional() });

export const approveBody = wireObject({ comments: prose(4_000).nullish() }).optional();
export const rejectBody = wireObject({ reason: prose(4_000) });

export const approvalSchema = z
  .object({
    id: z.string(),
    status: z.enum(STATUSES),
    decision_id: z.string().meta({ description: 'The decision that asked first' }),
    policy_name: z.string(),
    policy_version: z.string(),
    rule_name: z.string(),
    requester: z.string(),
    requested_by: z.string(),
    resources: z.array(z.string()),
    reasons: z.array(z.string()),
    cost: z.object({ likely: z.string().nullable(), currency: z.string(), period: z.literal('month') }),
    approvers: z.array(z.string()).meta({ description: 'Who could decide when it was asked; worked out anew when somebody decides' }),
    requested_at: instant,
    expires_at: instant.meta({
      description: 'A pending one lapses then; an approved one is good until then; a rejected one stands until then',
    }),
    decided_by: z.string().nullable(),
    decided_at: instant.nullable(),
    comments: z.string().nullable(),
    workflow: workflowLink,
  })
  .meta({ id: 'Approval' });

export function toWireApproval(
  record: ApprovalRecord,
  { currency, workflow }: { readonly currency: string; readonly workflow: z.infer<typeof workflowLink> },
): z.infer<typeof approvalSchema> {
  return {
    id: record.id,
    status: record.status,
    decision_id: record.decisionId,
    policy_name: record.policyName,
    policy_version: record.policyVersion,
    rule_name: record.ruleName,
    requester: record.requester,
    requested_by: record.principal,
    resources: [...record.resources],
    reasons: [...record.reasons],
    cost: { likely: record.monthlyCost, currency, period: 'month' },
    approvers: [...record.approvers],
    requested_at: toWireInstant(record.requestedAt),
    expires_at: toWireInstant(record.expiresAt),
    decided_by: record.decidedBy,
    decided_at: toWireInstant(record.decidedAt),
    comments: record.comments,
    workflow,
  };
}
