/** Run tasks of HCP Terraform in the house's words. Types only. */
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

export interface RunTaskRecord {
  readonly request: RunTaskRequest;
  readonly result: RunTaskResult | null;
  readonly endedAt: Instant | null;
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
