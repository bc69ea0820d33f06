/** Every export is registered as a workflow: nothing else belongs here. */
export { scanCycle } from './scan-cycle.js';
