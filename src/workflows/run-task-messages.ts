/** What crosses Temporal for run tasks. What starts one is `RunTaskInput` in `policy/run-task.ts`. */
import { defineSignal } from '@temporalio/workflow';

/** A try to judge the plan has failed, and the next follows: why, in words. */
export const runTaskStalled = defineSignal<[string]>('runTaskStalled');
