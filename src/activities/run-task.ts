/** Run tasks of HCP Terraform: fetch the plan, judge it, call back. The token is read where it is used and appears in no input or result. */
import { cancellationSignal } from '@temporalio/activity';
import { describeError, TollgateError } from '../errors.js';
import { endOf, type RunTaskAnswer, type RunTaskEnd, type RunTaskRequest, type RunTaskResult } from '../policy/run-task.js';
import { type PlanDecision, runTaskResult, toRunTaskResult } from '../report/run-task-result.js';
import { endRunTask, getRunTask, getRunTaskToken, saveRunTaskAnswer } from '../store/run-tasks.js';
import { workflowIds } from '../workflows/messages.js';
import { runTaskStalled } from '../workflows/run-task-messages.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { isRetryable, withFailures } from './failure.js';
import { fetchPlan, type HcpCall, sendResult } from './run-task-http.js';

/** A plan, and who asks what about it. */
export interface PlanQuestion {
  /** As it came: not yet decoded. */
  readonly plan: Uint8Array;
  readonly requester: string | null;
  readonly dryRun: boolean;
  readonly idempotencyKey: string;
}

/** What run tasks need besides: a worker without it leaves them to others. */
export interface RunTaskDeps {
  /** Of the signatures; tokens are sealed with it. */
  readonly key: string;
  readonly origins: readonly string[];
  /** The gate itself: the decision is in the log when it answers. @throws invalid-input for what is no plan */
  readonly judge: (question: PlanQuestion) => Promise<PlanDecision>;
}

export function createRunTaskActivities(deps: Pick<ActivityDeps, 'pool' | 'temporal' | 'now' | 'log' | 'runTasks'>) {
  const { pool } = deps;
  return {
    /**
     * Judges the plan and keeps the result, once: a repeat after a killed worker answers what is kept, or asks the gate again under the
     * same idempotency key.
     */
    judgeRunTask: withFailures((id: string) =>
      alive(async () => {
        try {
          const { request, answer } = await getRunTask(pool, id);
          if (answer === null) await saveRunTaskAnswer(pool, id, await judge(deps, request));
        } catch (error) {
          await tellStalled(deps, id, error);
          throw error;
        }
      }),
    ),

    /** Keeps the failure that HCP is told, where nothing is kept yet. Safe to repeat. */
    failRunTask: withFailures(async (id: string, why: string) => {
      await saveRunTaskAnswer(pool, id, unjudged(`The plan could not be judged: ${why}`));
    }),

    /** Says that it goes on: HCP gives up on a task that is silent for ten minutes. Harmless to repeat. */
    reportRunTask: withFailures(async (id: string, message: string) => {
      const { request, endedAt } = await getRunTask(pool, id);
      if (endedAt === null) await call(deps, request, runTaskResult('running', message));
    }),

    /** Calls back with what is kept, and forgets the token. A repeat after that only answers how it ended. */
    finishRunTask: withFailures(async (id: string): Promise<RunTaskEnd | null> => {
      const record = await getRunTask(pool, id);
      if (record.endedAt === null && record.answer !== null) {
        await call(deps, record.request, record.answer.result);
        await endRunTask(pool, id, deps.now());
      }
      return endOf(record);
    }),

    /** Gives up: HCP takes no answer any more. Answers what it would have been told. Safe to repeat. */
    abandonRunTask: withFailures(async (id: string, why: string): Promise<RunTaskEnd | null> => {
      deps.log.warn({ run_task: id, why }, 'the result of a run task could not be delivered');
      await endRunTask(pool, id, deps.now());
      return endOf(await getRunTask(pool, id));
    }),
  };
}

type Deps = Parameters<typeof createRunTaskActivities>[0];

async function judge(deps: Deps, request: RunTaskRequest): Promise<RunTaskAnswer> {
  const { judge: ask } = configured(deps);
  if (request.planUrl === null) {
    return unjudged(`Stage ${request.stage} brings no plan to judge: set the run task to run in stage post-plan`);
  }
  const plan = await fetchPlan(request.planUrl, await hcpCall(deps, request));
  const decision = await ask({
    plan,
    requester: request.createdBy,
    dryRun: request.isSpeculative,
    idempotencyKey: `run-task/${request.runId}`,
  });
  return { result: toRunTaskResult(decision, request.takesOutcomes), decisionId: decision.decision_id };
}

function unjudged(why: string): RunTaskAnswer {
  return { result: runTaskResult('failed', why), decisionId: null };
}

async function call(deps: Deps, request: RunTaskRequest, result: RunTaskResult): Promise<void> {
  await sendResult(request.callbackUrl, result, await hcpCall(deps, request));
}

async function hcpCall(deps: Deps, { id }: RunTaskRequest): Promise<HcpCall> {
  const { key, origins } = configured(deps);
  return { token: await getRunTaskToken(deps.pool, id, key), origins, signal: cancellationSignal() };
}

const LONGEST_REASON = 500;

/** The workflow does not hear of a try that is followed by another. What keeps it from hearing this is no matter: the next try tells again. */
async function tellStalled({ temporal, log }: Deps, id: string, error: unknown): Promise<void> {
  if (cancellationSignal().aborted || (error instanceof TollgateError && !isRetryable(error.code))) return;
  const why = describeError(error).slice(0, LONGEST_REASON);
  try {
    await temporal.workflow.getHandle(workflowIds.runTask(id)).signal(runTaskStalled, why);
  } catch (unheard) {
    log.warn({ run_task: id, why, error: describeError(unheard) }, 'the workflow of a run task could not be told why it waits');
  }
}

/** Another worker may be configured, so this one's lack is no end. */
function configured({ runTasks }: Deps): RunTaskDeps {
  if (runTasks === undefined) throw new TollgateError('unavailable', 'this worker has no `TOLLGATE_RUN_TASK_HMAC_KEY`');
  return runTasks;
}
