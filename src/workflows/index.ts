/** Every export is registered as a workflow: nothing else belongs here. */
export { scanCycle } from './scan-cycle.js';
export { exception } from './exception.js';
export { policyLifecycle } from './policy-lifecycle.js';
export { noticeDelivery } from './notice-delivery.js';
export { remediation } from './remediation.js';
