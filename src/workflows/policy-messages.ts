/** What crosses Temporal for the lifecycle of policies. */
import { defineUpdate } from '@temporalio/workflow';
import type { ChangeType, PolicyRecord } from '../policy/house-records.js';
import type { ByPrincipal } from './messages.js';

/** Every update of a policy starts its workflow when none runs; the first activity reads the policy from the database. */
export interface PolicyLifecycleInput {
  readonly name: string;
}
/** `content` is a policy document as JSON, parsed and valid. */
export interface CreatePolicy extends ByPrincipal {
  readonly content: { readonly [key: string]: unknown };
  readonly description: string | null;
}
export interface AddPolicyVersion extends ByPrincipal {
  readonly content: { readonly [key: string]: unknown };
  readonly changeType: ChangeType;
  readonly changeSummary: string;
}
export interface SubmitPolicy extends ByPrincipal {
  readonly reviewers: readonly string[];
}
export interface ReviewPolicy extends ByPrincipal {
  readonly verdict: 'approve' | 'request-changes';
  readonly comments: string | null;
}
export interface ActivatePolicy extends ByPrincipal {
  /** Null is now. */
  readonly effectiveAt: number | null;
}
export interface DeprecatePolicy extends ByPrincipal {
  readonly date: number;
  readonly reason: string;
  readonly replacement: string | null;
}
export const createPolicy = defineUpdate<PolicyRecord, [CreatePolicy]>('createPolicy');
export const addPolicyVersion = defineUpdate<PolicyRecord, [AddPolicyVersion]>('addPolicyVersion');
export const submitPolicy = defineUpdate<PolicyRecord, [SubmitPolicy]>('submitPolicy');
export const reviewPolicy = defineUpdate<PolicyRecord, [ReviewPolicy]>('reviewPolicy');
export const activatePolicy = defineUpdate<PolicyRecord, [ActivatePolicy]>('activatePolicy');
export const deprecatePolicy = defineUpdate<PolicyRecord, [DeprecatePolicy]>('deprecatePolicy');
export const archivePolicy = defineUpdate<PolicyRecord, [ByPrincipal]>('archivePolicy');
