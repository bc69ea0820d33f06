import { describeError, type ErrorCode, type Problem, TollgateError } from '../errors.js';
import { isDatabaseAway, isRefusedValue } from '../store/db.js';
import type { ApiLog } from './deps.js';
import type { Exchange } from './exchange.js';

/** The wire's problem details (RFC 9457). `instance` is the request id, which the log carries too. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly errors: readonly Problem[];
}

const STATUSES: { readonly [C in ErrorCode]: { readonly status: number; readonly title: string } } = {
  'invalid-input': { status: 400, title: 'The request is not valid' },
  'invalid-policy': { status: 400, title: 'The policy is not valid' },
  unauthenticated: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'This principal may not do this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The present state does not allow it' },
  ambiguous: { status: 409, title: 'The id names more than one thing' },
  'too-large': { status: 413, title: 'The request is too large' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'provider-refused': { status: 502, title: 'The provider refused' },
  'provider-unreachable': { status: 503, title: 'The provider cannot be reached' },
  throttled: { status: 503, title: 'The provider asks to slow down' },
  unavailable: { status: 503, title: 'A part that this needs is away' },
  'invalid-configuration': { status: 500, title: 'Something went wrong' },
  internal: { status: 500, title: 'Something went wrong' },
};

/** Problems of HTTP itself, which no other part of the house speaks of. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, type: string, title: string, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.type = type;
    this.title = title;
    this.headers = headers;
  }
}

/** The status that `toProblem` gives. */
export function statusOfError(error: unknown): number {
  return toProblem(error, '').status;
}

/** The problem that anything thrown is told as. What nobody foresaw is a generic 500: its words stay in the log. */
export function toProblem(error: unknown, requestId: string): ProblemDetails {
  if (error instanceof HttpProblem) {
    return problem(error.type, error.title, error.status, error.message, requestId, []);
  }
  const known = asTollgateError(error);
  if (known === undefined || STATUSES[known.code].status === 500) {
    return problem('internal', STATUSES.internal.title, 500, `an unforeseen error, logged under \`${requestId}\``, requestId, []);
  }
  const { status, title } = STATUSES[known.code];
  return problem(known.code, title, status, known.message, requestId, known.problems);
}

function problem(
  type: string,
  title: string,
  status: number,
  detail: string,
  instance: string,
  errors: readonly Problem[],
): ProblemDetails {
  return { type: `/problems/${type}`, title, status, detail, instance, errors };
}

function asTollgateError(error: unknown): TollgateError | undefined {
  if (error instanceof TollgateError) return error;
  if (isDatabaseAway(error)) return new TollgateError('unavailable', 'the database cannot be reached', { cause: error });
  // A net: each one is a check that is missing.
  if (isRefusedValue(error)) return new TollgateError('invalid-input', 'a value is one that the database cannot hold', { cause: error });
  if (error instanceof URIError) return new TollgateError('invalid-input', 'the path is not validly percent-encoded');
  return undefined;
}

/** The one place that answers with a problem. */
export function answerProblem(exchange: Exchange, error: unknown, log: ApiLog): void {
  const { requestId, res } = exchange;
  const details = toProblem(error, requestId);
  if (isBrokenOff(exchange, error, details.status)) {
    log.info({ requestId, path: exchange.path, principal: exchange.principal }, 'the request body broke off');
    res.destroy();
    return;
  }
  if (details.status >= 500 || isRefusedValue(error))
    log.error({ requestId, problem: details.type, error: describeError(error), stack: stackOf(error) }, 'request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  exchange.send(details.status, { ...headersOf(error, details.status), 'content-type': PROBLEM_TYPE }, JSON.stringify(details));
}

/** Whether the caller is gone in the middle of its body, and that is all: nobody is left to be answered. */
function isBrokenOff({ req }: Exchange, error: unknown, status: number): boolean {
  return req.errored !== null && (status < 500 || isCausedBy(error, req.errored));
}

function isCausedBy(error: unknown, cause: Error): boolean {
  return error === cause || (error instanceof Error && isCausedBy(error.cause, cause));
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

function headersOf(error: unknown, status: number): Readonly<Record<string, string>> {
  if (error instanceof HttpProblem) return error.headers;
  if (status === 401) return { 'www-authenticate': 'Bearer realm="tollgate"' };
  return status === 503 ? { 'retry-after': '1' } : {};
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof TollgateError) ? error.stack : undefined;
}
