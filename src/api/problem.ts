import type { ErrorRequestHandler, Request, Response } from 'express';
import { describeError, type ErrorCode, type Problem, TollgateError } from '../errors.js';
import { isRefusedValue } from '../store/db.js';
import type { ApiLog } from './deps.js';

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
  if (isEncodingProblem(error)) {
    return problem('unsupported-media-type', 'This content type is not taken here', 415, error.message, requestId, []);
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

const ENCODING_PROBLEMS: ReadonlySet<unknown> = new Set(['charset.unsupported', 'encoding.unsupported']);

function asTollgateError(error: unknown): TollgateError | undefined {
  if (error instanceof TollgateError) return error;
  if (isDatabaseAway(error)) return new TollgateError('unavailable', 'the database cannot be reached', { cause: error });
  // A net: each one is a check that is missing.
  if (isRefusedValue(error)) return new TollgateError('invalid-input', 'a value is one that the database cannot hold', { cause: error });
  if (error instanceof URIError) return new TollgateError('invalid-input', 'the path is not validly percent-encoded');
  return fromBodyParser(error);
}

function isEncodingProblem(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && ENCODING_PROBLEMS.has(error.type);
}

/** Errors of Express' body parsers carry `expose` and a `type` such as `entity.parse.failed`. */
function fromBodyParser(error: unknown): TollgateError | undefined {
  if (!(error instanceof Error) || !('expose' in error) || error.expose !== true || !('type' in error)) return undefined;
  if (error.type === 'entity.too.large') return new TollgateError('too-large', 'the request body is larger than this route takes');
  if (error.type === 'entity.parse.failed') return new TollgateError('invalid-input', `the request body is not JSON: ${error.message}`);
  return new TollgateError('invalid-input', `the request body cannot be read: ${error.message}`);
}

const AWAY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
// Class 08 is a broken connection, 57P01 to 57P03 a server that stops or starts, 53300 one that has no connection left.
const AWAY_SQLSTATE = /^(08...|57P0[123]|53300)$/;
const AWAY_WORDS =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|connection is closed/i;

/** Whether a query failed because the database was not there, rather than because of the query. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error) || error instanceof TollgateError) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return AWAY_CODES.has(code) || AWAY_SQLSTATE.test(code) || AWAY_WORDS.test(error.message);
}

/** The one place that answers with a problem. */
export function answerProblem(res: Response, error: unknown, log: ApiLog): void {
  const requestId = String(res.locals['requestId']);
  const details = toProblem(error, requestId);
  if (details.status >= 500 || isRefusedValue(error))
    log.error({ requestId, problem: details.type, error: describeError(error), stack: stackOf(error) }, 'request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  if (error instanceof HttpProblem) res.set(error.headers);
  if (details.status === 401) res.set('www-authenticate', 'Bearer realm="tollgate"');
  if (details.status === 503) res.set('retry-after', '1');
  res.status(details.status).type('application/problem+json').send(JSON.stringify(details));
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof TollgateError) ? error.stack : undefined;
}

/** Express knows an error handler by its four parameters. */
export function problemHandler(log: ApiLog): ErrorRequestHandler {
  return (error: unknown, _req: Request, res: Response, _next) => answerProblem(res, error, log);
}
