/** A run task of HCP Terraform, from its receipt to its callback. HCP waits: it hears something every few minutes, and the end before its limit. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { createRunTaskActivities } from '../activities/run-task.js';
import { MINUTE, SECOND } from '../policy/durations.js';
import type { RunTaskInput } from '../policy/run-task.js';

export type RunTaskOutcome = 'judged' | 'failed' | 'undelivered';

export async function runTask({ id, judgeUntil, endsAt, progressEveryMs, heartbeatMs }: RunTaskInput): Promise<RunTaskOutcome> {
  const retry = { initialInterval: SECOND, maximumInterval: 30 * SECOND };
  type Activities = ReturnType<typeof createRunTaskActivities>;
  const { judgeRunTask } = proxyActivities<Activities>({
    startToCloseTimeout: 5 * MINUTE,
    scheduleToCloseTimeout: msUntil(judgeUntil),
    heartbeatTimeout: heartbeatMs,
    retry,
  });
  const { reportRunTask } = proxyActivities<Activities>({ startToCloseTimeout: MINUTE, retry: { maximumAttempts: 3 } });
  const { failRunTask, abandonRunTask } = proxyActivities<Activities>({ startToCloseTimeout: MINUTE, retry });

  let failure: unknown;
  let isJudged = false;
  const judging = judgeRunTask.executeWithOptions({ summary: 'fetch the plan and judge it' }, [id]).then(
    () => void (isJudged = true),
    (error: unknown) => {
      failure = error;
      isJudged = true;
    },
  );
  setCurrentDetails('**judging** the plan');
  await CancellationScope.nonCancellable(async () => {
    while (!(await condition(() => isJudged, progressEveryMs))) {
      // The next one, or the result, makes up for one that is lost.
      await reportRunTask(id, 'Tollgate is still judging the plan').catch(() => {});
    }
    await judging;
    if (failure !== undefined) await failRunTask(id, wordsOf(failure));
  });
  return deliver();

  /** Also for a cancelled workflow: HCP waits for it. */
  function deliver(): Promise<RunTaskOutcome> {
    return CancellationScope.nonCancellable(async () => {
      const { finishRunTask } = proxyActivities<Activities>({
        startToCloseTimeout: MINUTE,
        scheduleToCloseTimeout: Math.max(MINUTE, msUntil(endsAt)),
        retry,
      });
      setCurrentDetails('**calling back**');
      try {
        await finishRunTask.executeWithOptions({ summary: 'call back with the result' }, [id]);
      } catch (error) {
        await abandonRunTask(id, wordsOf(error));
        return 'undelivered';
      }
      return failure === undefined ? 'judged' : 'failed';
    });
  }
}

function msUntil(instant: number): number {
  return Math.max(1, instant - Date.now());
}

/** The innermost words: those around it name parts of Temporal. */
function wordsOf(error: unknown): string {
  if (error instanceof ActivityFailure) return wordsOf(error.cause);
  if (error instanceof ApplicationFailure) return error.message;
  if (error instanceof TimeoutFailure) return error.cause === undefined ? 'it took too long' : `it took too long: ${wordsOf(error.cause)}`;
  return isCancellation(error) ? 'an operator cancelled it' : 'for a reason that is in the workflow';
}
