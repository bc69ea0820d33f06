/** All rule types; a type that is missing here does not compile. */
import type { PolicyType } from '../model.js';
import type { RuleKind } from './check.js';
import { approvalRequirement, budgetLimit, schedule } from './not-yet-evaluated.js';
import { orphan } from './orphan.js';
import { resourceLimit } from './resource-limit.js';
import { tagRequirement } from './tag-requirement.js';
import { utilization } from './utilization.js';

export const RULE_KINDS: { readonly [T in PolicyType]: RuleKind<T> } = {
  ResourceLimit: resourceLimit,
  TagRequirement: tagRequirement,
  BudgetLimit: budgetLimit,
  ApprovalRequirement: approvalRequirement,
  Schedule: schedule,
  Utilization: utilization,
  Orphan: orphan,
};
