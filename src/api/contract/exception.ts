import { z } from 'zod';
import type { ExceptionRequest } from '../../policy/exception-request.js';
import type {
  ExceptionClosedReason,
  ExceptionConditions,
  ExceptionRecord,
  ExceptionStatus,
  ExceptionTarget,
  ExceptionType,
} from '../../policy/records.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import {
  days,
  decimal,
  instant,
  instantInput,
  policyName,
  principalId,
  prose,
  tags,
  text,
  toWireInstant,
  wireObject,
  workflowLink,
} from './values.js';

const TYPES = ['temporary', 'permanent', 'conditional'] as const satisfies readonly ExceptionType[];
const STATUSES = ['pending', 'approved', 'rejected', 'expired', 'revoked', 'lapsed'] as const satisfies readonly ExceptionStatus[];
const CLOSED_REASONS = [
  'duration',
  'cap',
  'resource_gone',
  'compliant',
  'no_answer',
  'withdrawn',
  'rejected',
  'revoked',
] as const satisfies readonly ExceptionClosedReason[];

const planned = wireObject({
  type: text(200),
  account: text(128),
  namespace: text(256),
  name: text(256).nullish(),
  address: text(2_048).nullish(),
});

const termKeys = {
  type: z.enum(TYPES),
  justification: prose(4_000),
  duration_days: days.nullish().meta({ description: 'Counted from the approval' }),
  expires_at: instantInput.nullish(),
  conditions: wireObject({ tags: tags.optional(), monthly_cost_below: decimal.optional(), state: text(64).optional() }).optional(),
  caps: wireObject({
    money: decimal.nullish(),
    uses: expecting('a positive whole number', z.int().positive().max(1_000_000_000)).nullish(),
  }).optional(),
  review_interval_days: expecting('a whole number of days from 1 to 3650', z.int().min(1).max(3_650)).nullish(),
};

/** `POST /v1/violations/{id}/exception`: what the violation does not say itself. */
export const exceptionTerms = wireObject(termKeys).meta({ id: 'ExceptionTerms' });
export type ExceptionTerms = z.output<typeof exceptionTerms>;

/** For an existing resource (`resource_id`, `account`), a planned one (`resource`) or all that carry some tags (`selector`). */
export const exceptionRequest = wireObject({
  resource_id: text(2_048).nullish(),
  account: text(128).nullish(),
  resource_type: text(200).nullish().meta({ description: 'Of `resource_id`, where several types have it' }),
  resource: planned.nullish(),
  selector: wireObject({ tags }).nullish(),
  policy_name: policyName,
  rule_name: policyName,
  ...termKeys,
}).meta({ id: 'ExceptionRequest' });

export function toExceptionRequest(request: z.output<typeof exceptionRequest>): ExceptionRequest {
  const { resource } = request;
  return {
    resourceId: request.resource_id ?? null,
    account: request.account ?? null,
    resourceType: request.resource_type ?? null,
    resource: resource ? { ...resource, name: resource.name ?? null, address: resource.address ?? null } : null,
    selector: request.selector ?? null,
    policyName: request.policy_name,
    ruleName: request.rule_name,
    ...toTerms(request),
  };
}

type Terms = Pick<ExceptionRequest, 'type' | 'justification' | 'durationDays' | 'expiresAt' | 'conditions' | 'caps' | 'reviewIntervalDays'>;

export function toTerms(terms: ExceptionTerms): Terms {
  return {
    type: terms.type,
    justification: terms.justification,
    durationDays: terms.duration_days ?? null,
    expiresAt: terms.expires_at ?? null,
    conditions: toConditions(terms.conditions),
    caps: { money: terms.caps?.money ?? null, uses: terms.caps?.uses ?? null },
    reviewIntervalDays: terms.review_interval_days ?? null,
  };
}

function toConditions(conditions: ExceptionTerms['conditions']): ExceptionConditions {
  const { tags: wanted, monthly_cost_below: below, state } = conditions ?? {};
  return {
    ...(wanted === undefined ? {} : { tags: wanted }),
    ...(below === undefined ? {} : { monthlyCostBelow: below }),
    ...(state === undefined ? {} : { state }),
  };
}

export const approveRequest = wireObject({ comments: prose(4_000).nullish() }).optional();
export const reasonRequest = wireObject({ reason: prose(4_000) });
export const reviewRequest = wireObject({ outcome: z.enum(['renew', 'revoke']), comments: prose(4_000).nullish() });

export const exceptionQuery = wireObject({
  ...pageQuery,
  status: z.enum(STATUSES).optional(),
  type: z.enum(TYPES).optional(),
  policy: policyName.optional(),
  rule: policyName.optional(),
  resource: text(2_048).optional(),
  requested_by: principalId.optional(),
  approver: principalId.optional(),
});

const nullableText = z.string().nullable();

export const exceptionSchema = z
  .object({
    id: z.string(),
    type: z.enum(TYPES),
    status: z.enum(STATUSES),
    resource_id: nullableText,
    account: nullableText,
    resource_type: nullableText,
    resource: z
      .object({ type: z.string(), account: z.string(), namespace: z.string(), name: nullableText, address: nullableText })
      .nullable(),
    selector: z.object({ tags: z.record(z.string(), z.string()), account: nullableText }).nullable(),
    policy_name: z.string(),
    rule_name: z.string(),
    justification: z.string(),
    duration_days: z.number().nullable(),
    conditions: z.object({ tags: z.record(z.string(), z.string()), monthly_cost_below: z.string(), state: z.string() }).partial(),
    caps: z.object({ money: nullableText, uses: z.int().nullable() }),
    used: z.object({ money: z.string(), uses: z.int() }),
    currency: z.string(),
    review_interval_days: z.int().nullable(),
    requested_by: z.string(),
    requested_at: instant,
    approvers: z.array(z.string()),
    approved_by: nullableText,
    approved_at: instant.nullable(),
    expires_at: instant.nullable(),
    review_due_at: instant.nullable(),
    last_reviewed_at: instant.nullable(),
    closed_reason: z.enum(CLOSED_REASONS).nullable(),
    closed_at: instant.nullable(),
    comments: nullableText,
    workflow: workflowLink,
  })
  .meta({ id: 'Exception' });

export interface ExceptionFacts {
  readonly currency: string;
  readonly workflow: z.infer<typeof workflowLink>;
}

export function toWireException(exception: ExceptionRecord, { currency, workflow }: ExceptionFacts): z.infer<typeof exceptionSchema> {
  return {
    id: exception.id,
    type: exception.type,
    status: exception.status,
    ...toWireTarget(exception.target),
    policy_name: exception.policyName,
    rule_name: exception.ruleName,
    justification: exception.justification,
    duration_days: exception.durationDays,
    conditions: toWireConditions(exception.conditions),
    caps: { ...exception.caps },
    used: { ...exception.used },
    currency,
    review_interval_days: exception.reviewIntervalDays,
    requested_by: exception.requestedBy,
    requested_at: toWireInstant(exception.requestedAt),
    approvers: [...exception.approvers],
    approved_by: exception.approvedBy,
    approved_at: toWireInstant(exception.approvedAt),
    expires_at: toWireInstant(exception.expiresAt),
    review_due_at: toWireInstant(exception.reviewDueAt),
    last_reviewed_at: toWireInstant(exception.lastReviewedAt),
    closed_reason: exception.closedReason,
    closed_at: toWireInstant(exception.closedAt),
    comments: exception.comments,
    workflow,
  };
}

type WireTarget = Pick<z.infer<typeof exceptionSchema>, 'resource_id' | 'account' | 'resource_type' | 'resource' | 'selector'>;
const NO_TARGET: WireTarget = { resource_id: null, account: null, resource_type: null, resource: null, selector: null };

function toWireTarget(target: ExceptionTarget): WireTarget {
  switch (target.kind) {
    case 'resource':
      return { ...NO_TARGET, resource_id: target.resourceId, account: target.account, resource_type: target.resourceType };
    case 'planned': {
      const { kind: _, ...resource } = target;
      return { ...NO_TARGET, resource };
    }
    case 'selector':
      return { ...NO_TARGET, selector: { tags: { ...target.tags }, account: target.account } };
    default:
      return target satisfies never;
  }
}

function toWireConditions({ tags: wanted, monthlyCostBelow, state }: ExceptionConditions): z.infer<typeof exceptionSchema>['conditions'] {
  return {
    ...(wanted === undefined ? {} : { tags: { ...wanted } }),
    ...(monthlyCostBelow === undefined ? {} : { monthly_cost_below: monthlyCostBelow }),
    ...(state === undefined ? {} : { state }),
  };
}
