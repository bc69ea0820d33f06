/** A run task of HCP Terraform, from its receipt to its callback. HCP waits: it hears something every few minutes, and the end before its limit. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  TimeoutFailure,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createRunTaskActivities } from '../activities/run-task.js';
import { MINUTE, SECOND } from '../policy/durations.js';
import { code } from '../policy/markdown.js';
import type { RunTaskEnd, RunTaskInput } from '../policy/run-task.js';
import { SA_DEADLINE, SA_PHASE } from './messages.js';
import { runTaskStalled } from './run-task-messages.js';

export async function runTask({ id, judgeUntil, endsAt, progressEveryMs, heartbeatMs }: RunTaskInput): Promise<RunTaskEnd> {
  const show = createShow();
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
  let progress = 'Tollgate is still judging the plan';
  setHandler(runTaskStalled, (why) => {
    if (isJudged) return;
    progress = `Tollgate cannot judge the plan yet: ${why}`;
    show({ phase: 'stalled', deadline: judgeUntil, details: `the plan cannot be judged yet, it is tried again: ${why}` });
  });
  show({ phase: 'judging', deadline: judgeUntil, details: 'the plan is fetched and judged' });
  const judging = judgeRunTask.executeWithOptions({ summary: 'fetch the plan and judge it' }, [id]).then(
    () => void (isJudged = true),
    (error: unknown) => {
      failure = error;
      isJudged = true;
    },
  );
  await CancellationScope.nonCancellable(async () => {
    while (!(await condition(() => isJudged, progressEveryMs, { summary: 'then HCP Terraform is told that it goes on' }))) {
      // The next one, or the result, makes up for one that is lost.
      await reportRunTask.executeWithOptions({ summary: 'say that it goes on' }, [id, progress]).catch(() => {});
    }
    await judging;
    if (failure !== undefined) await failRunTask.executeWithOptions({ summary: 'keep why it was not judged' }, [id, wordsOf(failure)]);
  });
  const end = await deliver();
  show({ phase: end.outcome, deadline: null, details: detailsOf(end) });
  return end;

  /** Also for a cancelled workflow: HCP waits for it. */
  function deliver(): Promise<RunTaskEnd> {
    return CancellationScope.nonCancellable(async () => {
      const { finishRunTask } = proxyActivities<Activities>({
        startToCloseTimeout: MINUTE,
        scheduleToCloseTimeout: Math.max(MINUTE, msUntil(endsAt)),
        retry,
      });
      show({ phase: 'calling_back', deadline: endsAt, details: 'HCP Terraform is told the result' });
      try {
        return (await finishRunTask.executeWithOptions({ summary: 'call back with the result' }, [id])) ?? UNTOLD;
      } catch (error) {
        const why = wordsOf(error);
        const end = await abandonRunTask.executeWithOptions({ summary: 'give up calling back' }, [id, why]);
        return { ...(end ?? UNTOLD), outcome: 'undelivered' };
      }
    });
  }
}

/** INVARIANT: never taken but for what an earlier release called back. */
const UNTOLD: RunTaskEnd = { outcome: 'judged', decisionId: null, message: 'passed or failed' };

interface Shown {
  readonly phase: 'judging' | 'stalled' | 'calling_back' | RunTaskEnd['outcome'];
  /** When the phase is given up. */
  readonly deadline: number | null;
  readonly details: string;
}

/** Tells Temporal's UI and its search of what changed, and of nothing else. A run task that began before it told the search goes on as it was. */
function createShow(): (now: Shown) => void {
  const isSearchable = patched('run-task-search-attributes');
  let shown: Shown['phase'] | undefined;
  return ({ phase, deadline, details }) => {
    if (isSearchable && phase !== shown) {
      const attribute = { key: SA_DEADLINE, value: deadline === null ? null : new Date(deadline) };
      upsertSearchAttributes([{ key: SA_PHASE, value: phase }, attribute]);
    }
    shown = phase;
    const next = deadline === null ? '' : `\n\ngiven up at ${new Date(deadline).toISOString()}`;
    setCurrentDetails(`**${phase}**: ${details}${next}`);
  };
}

const ENDS: { readonly [O in RunTaskEnd['outcome']]: string } = {
  passed: 'HCP Terraform was told that it passed',
  failed: 'HCP Terraform was told that it failed',
  nothing_to_judge: 'HCP Terraform was told that it failed, since there is nothing to judge',
  undelivered: 'HCP Terraform took no answer; it would have been told',
  judged: 'HCP Terraform was told',
};

function detailsOf({ outcome, message }: RunTaskEnd): string {
  return `${ENDS[outcome]}: ${code(message)}`;
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
