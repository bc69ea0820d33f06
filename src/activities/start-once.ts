import { WorkflowExecutionAlreadyStartedError, type WorkflowStartOptions } from '@temporalio/client';
import type { ActivityDeps } from './deps.js';

type Options = Omit<WorkflowStartOptions, 'taskQueue' | 'workflowIdReusePolicy' | 'workflowIdConflictPolicy'>;

/** Starts a workflow, unless one with its id runs or has completed; one that failed gets a new run. True when it was started. Safe to repeat. */
export async function startOnce(
  { temporal, taskQueue }: Pick<ActivityDeps, 'temporal' | 'taskQueue'>,
  type: string,
  options: Options,
): Promise<boolean> {
  try {
    await temporal.workflow.start(type, { ...options, taskQueue, workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY' });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
