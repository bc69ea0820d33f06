import {
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ErrorCode, type Problem, TollgateError } from '../errors.js';
import { REFUSALS, type RefusalType } from '../workflows/messages.js';
import type { Reply } from './route.js';
import { isTemporalAway, requireTemporal, type TemporalAccess, temporalAway } from './temporal-access.js';

/** What became of an update: its answer, or not known yet (it may still happen), or its workflow had ended before. */
export type Outcome<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'pending' } | { readonly kind: 'closed' };

/** How long a caller waits for a worker before it is told 202. */
export const UPDATE_DEADLINE_MS = 5_000;

const REFUSAL_CODES: { readonly [T in RefusalType]: ErrorCode } = {
  WrongState: 'conflict',
  NotAllowed: 'forbidden',
  Invalid: 'invalid-input',
  Unknown: 'not-found',
};
const refusalTypes: ReadonlySet<string> = new Set(Object.values(REFUSALS));

/**
 * Sends an update and waits at most five seconds for its outcome. Send it with an `updateId`, so that a repeat gets the first outcome.
 * @throws the refusal of the workflow (`conflict`, `forbidden`, `invalid-input`, `not-found`); `unavailable` when Temporal is away or
 * the workflow is stuck on a fault of the worker
 */
export async function askWorkflow<T>(access: TemporalAccess, send: () => Promise<T>, deadlineMs = UPDATE_DEADLINE_MS): Promise<Outcome<T>> {
  await requireTemporal(access);
  try {
    return { kind: 'answered', value: await access.client.withDeadline(Date.now() + deadlineMs, send) };
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) throw refusal(error.cause);
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'closed' };
    if (isDeadline(error)) {
      if (await isTemporalAway(access)) throw temporalAway(access.address, error);
      return { kind: 'pending' };
    }
    throw toServiceProblem(access, error);
  }
}

function refusal(failure: ApplicationFailure): TollgateError {
  const type = failure.type ?? '';
  if (!refusalTypes.has(type)) return new TollgateError('internal', `the workflow failed: ${failure.message}`, { cause: failure });
  return new TollgateError(REFUSAL_CODES[type as RefusalType], failure.message, { problems: problemsIn(failure) });
}

function problemsIn(failure: ApplicationFailure): readonly Problem[] {
  const [problems] = failure.details ?? [];
  return failure.type === REFUSALS.invalid && Array.isArray(problems) ? (problems as Problem[]) : [];
}

const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;

function grpcCode(error: unknown): number | undefined {
  return error instanceof ServiceError && isGrpcServiceError(error.cause) ? error.cause.code : undefined;
}

function isDeadline(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcCode(error) === DEADLINE_EXCEEDED;
}

function toServiceProblem(access: TemporalAccess, error: unknown): unknown {
  const code = grpcCode(error);
  if (code === UNAVAILABLE) return temporalAway(access.address, error);
  if (code === FAILED_PRECONDITION) {
    return new TollgateError('unavailable', 'the workflow is stuck on a fault of its worker; an operator sees it in Temporal UI', {
      cause: error,
    });
  }
  return error;
}

/** 202: no worker has answered yet, and it may still happen. */
export function pendingReply(location: string, workflow: { readonly id: string; readonly url: string | null }): Reply {
  const message = 'no worker has answered yet; repeat the request with its Idempotency-Key for the outcome';
  return { status: 202, headers: { location }, body: { status: 'pending', message, workflow }, pending: true, workflowId: workflow.id };
}
