/** Run tasks of HCP Terraform in the house's words. Pure. */
import type { Instant } from './model.js';

/** What is kept of a request; its token is kept apart. Plain JSON. */
export interface RunTaskRequest {
  /** `taskrs-…`, HCP's id of the result that it waits for. */
  readonly id: string;
  /** `post_plan`, `pre_apply` …; only stages behind the plan bring one. */
  readonly stage: string;
  readonly callbackUrl: string;
  readonly planUrl: string | null;
  readonly runId: string;
  readonly createdBy: string | null;
  /** A plan that can never be applied. */
  readonly isSpeculative: boolean;
  /** Whether HCP shows single outcomes. */
  readonly takesOutcomes: boolean;
  /** `organization/workspace`, for people. */
  readonly workspace: string;
}

/** The last callback's body, as HCP wants it (JSON:API). */
export interface RunTaskResult {
  readonly data: {
    readonly type: 'task-results';
    readonly attributes: { readonly status: 'running' | 'passed' | 'failed'; readonly message: string };
    readonly relationships?: { readonly outcomes: { readonly data: readonly RunTaskOutcome[] } };
  };
}

export interface RunTaskOutcome {
  readonly type: 'task-result-outcomes';
  readonly attributes: {
    readonly 'outcome-id': string;
    readonly description: string;
    readonly tags: Readonly<Record<string, readonly { readonly label: string; readonly level?: 'none' | 'info' | 'warning' | 'error' }[]>>;
    /** Markdown. */
    readonly body: string;
  };
}

/** What is kept for the last callback. */
export interface RunTaskAnswer {
  readonly result: RunTaskResult;
  /** Null where nothing was judged. */
  readonly decisionId: string | null;
}

export interface RunTaskRecord {
  readonly request: RunTaskRequest;
  readonly answer: RunTaskAnswer | null;
  readonly endedAt: Instant | null;
}

/** How a run task ended, for its workflow. */
export interface RunTaskEnd {
  /** HCP is told `failed` also of a stage that brings nothing to judge. `judged`: of a worker from before this was told. */
  readonly outcome: 'passed' | 'failed' | 'nothing_to_judge' | 'undelivered' | 'judged';
  readonly decisionId: string | null;
  /** What HCP shows, or would show had it taken it: the counts, and the decision. */
  readonly message: string;
}

/** Of a run task whose answer is kept; null before. */
export function endOf({ request, answer }: RunTaskRecord): RunTaskEnd | null {
  if (answer === null) return null;
  const { status, message } = answer.result.data.attributes;
  const told = status === 'passed' ? 'passed' : 'failed';
  return { outcome: request.planUrl === null ? 'nothing_to_judge' : told, decisionId: answer.decisionId, message };
}

/** What its workflow is started with. The row is written before; it holds the request and, sealed, the token. */
export interface RunTaskInput {
  readonly id: string;
  /** When it is too late to judge, and what is left of the time is for calling back. */
  readonly judgeUntil: Instant;
  /** HCP takes no answer after it. */
  readonly endsAt: Instant;
  readonly progressEveryMs: number;
  /** A worker that is silent for so long is taken for dead. */
  readonly heartbeatMs: number;
}
