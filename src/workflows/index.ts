/** Every export is registered as a workflow: nothing else belongs here. */

export { approval } from './approval.js';
export { budgetWatch } from './budget-watch.js';
export { exception } from './exception.js';
export { noticeDelivery } from './notice-delivery.js';
export { policyLifecycle } from './policy-lifecycle.js';
export { remediation } from './remediation.js';
export { runTask } from './run-task.js';
export { scanCycle } from './scan-cycle.js';
