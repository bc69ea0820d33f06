/**
 * The one error class of the house. `code` is stable and decides the HTTP status (`api/problem.ts`) and whether an activity is
 * retried (`activities/failure.ts`); the words are for people. Message style: lower case, no full stop, user input in backticks.
 */
export const ERROR_CODES = [
  'invalid-input',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'ambiguous',
  'too-large',
  'rate-limited',
  'unavailable',
  'throttled',
  'provider-refused',
  'provider-unreachable',
  'invalid-policy',
  'invalid-configuration',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** One of several problems with an input; `path` is a wire path or a place in a file (`policies/limits.yaml:14:9`). */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export class TollgateError extends Error {
  override readonly name = 'TollgateError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { readonly problems?: readonly Problem[]; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** The message of anything thrown, its causes joined by colons. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
