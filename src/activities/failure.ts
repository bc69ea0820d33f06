/** Errors as Temporal sees them: the code is the failure's type, and decides whether the activity is tried again. */
import { ApplicationFailure } from '@temporalio/activity';
import { describeError, type ErrorCode, TollgateError } from '../errors.js';

const RETRYABLE: Readonly<Record<ErrorCode, boolean>> = {
  'invalid-input': false,
  unauthenticated: false,
  forbidden: false,
  'not-found': false,
  conflict: false,
  ambiguous: false,
  'too-large': false,
  'rate-limited': true,
  unavailable: true,
  throttled: true,
  'provider-refused': false,
  'provider-unreachable': true,
  'invalid-policy': false,
  'invalid-configuration': false,
  internal: true,
};

export function isRetryable(code: ErrorCode): boolean {
  return RETRYABLE[code];
}

/** Our own errors with their code as type; anything else is as it was, and is tried again. */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof TollgateError)) return error;
  const { code, message } = error;
  return ApplicationFailure.create({ message, type: code, nonRetryable: !RETRYABLE[code], details: [describeError(error)], cause: error });
}

type Work<A extends readonly unknown[], R> = (...input: A) => Promise<R>;

/** An activity whose `TollgateError`s become failures with a type. */
export function withFailures<A extends readonly unknown[], R>(work: Work<A, R>): Work<A, R> {
  return async (...input) => {
    try {
      return await work(...input);
    } catch (error) {
      throw toFailure(error);
    }
  };
}
