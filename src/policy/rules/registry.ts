/** All rule types; a type that is missing here does not compile. */
import type { PolicyType } from '../model.js';
import { approvalRequirement } from './approval-requirement.js';
import { budgetLimit } from './budget-limit.js';
import type { RuleKind } from './check.js';
import { orphan } from './orphan.js';
import { resourceLimit } from './resource-limit.js';
import { schedule } from './schedule.js';
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
