import { createApprovalActivities } from './approval.js';
import { createBudgetActivities } from './budget-watch.js';
import type { ActivityDeps } from './deps.js';
import { createExceptionActivities } from './exception.js';
import { createNoticeActivities } from './notices.js';
import { createPolicyActivities } from './policy-lifecycle.js';
import { createRemediationActivities } from './remediation.js';
import { createRunTaskActivities } from './run-task.js';
import { createScanActivities } from './scan.js';

/** All activities of a worker. */
export function createActivities(deps: ActivityDeps) {
  return {
    ...createNoticeActivities(deps),
    ...createPolicyActivities(deps),
    ...createApprovalActivities(deps),
    ...createBudgetActivities(deps),
    ...createExceptionActivities(deps),
    ...createRemediationActivities(deps),
    ...createRunTaskActivities(deps),
    ...createScanActivities(deps),
  };
}
