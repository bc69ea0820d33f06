import { createHash } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Pool } from '../store/db.js';
import { beginIdempotent, finishIdempotent, hashBody, type IdempotencyScope, releaseIdempotent } from '../store/idempotency.js';
import { PROBLEM_TYPE, statusOfError, toProblem } from './problem.js';
import type { Call, Reply } from './route.js';

const KEY = /^[\x21-\x7e]{1,200}$/;

/** The scope of a call with an `Idempotency-Key`, undefined for one without. @throws invalid-input for an unusable key */
export function toScope(key: string | undefined, call: Omit<IdempotencyScope, 'key'>): IdempotencyScope | undefined {
  if (key === undefined) return undefined;
  if (!KEY.test(key)) {
    const problems = [{ path: 'Idempotency-Key', message: 'expected 1 to 200 visible ASCII characters' }];
    throw new TollgateError('invalid-input', '1 problem in the headers', { problems });
  }
  return { ...call, key };
}

/**
 * What makes a repeat the same call to the rest of the house. The ids of a keyed call come from the key itself, so that a repeat
 * after a lost answer, or by another process, makes nothing twice.
 */
export function onceOf(scope: IdempotencyScope | undefined, requestId: string): Pick<Call, 'onceKey' | 'newId'> {
  if (scope === undefined) return { onceKey: requestId, newId };
  const digest = createHash('sha256')
    .update(JSON.stringify([scope.principal, scope.method, scope.path, scope.key]))
    .digest('hex');
  return { onceKey: digest, newId: (prefix) => `${prefix}_${toUuid(digest)}` };
}

/** The digest as a UUID of version 8, which is for such uses. */
function toUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export interface KeyedCall {
  readonly pool: Pool;
  readonly scope: IdempotencyScope;
  readonly rawBody: Uint8Array;
  readonly requestId: string;
  readonly at: number;
}

/** Runs a call once per key: a repeat gets the first answer, a refusal too. What is not final (202, 429, 5xx) is judged anew. */
export async function runOnce(call: KeyedCall, run: () => Promise<Reply>): Promise<Reply> {
  const { pool, scope } = call;
  const outcome = await beginIdempotent(pool, scope, hashBody(call.rawBody), call.at);
  if (outcome.kind === 'repeat') return fromKept(outcome.status, outcome.response);
  if (outcome.kind === 'other-body') throw new TollgateError('conflict', 'this `Idempotency-Key` was used with another body');
  if (outcome.kind === 'in-progress')
    throw new TollgateError('conflict', 'the first request with this `Idempotency-Key` is still under way; try again');
  try {
    const reply = await run();
    if (reply.pending === true) await releaseIdempotent(pool, scope);
    else await finishIdempotent(pool, scope, reply.status, toKept(reply));
    return reply;
  } catch (error) {
    await keepRefusal(call, error);
    throw error;
  }
}

/** Best effort: a key that could not be freed is free again after a minute. */
async function keepRefusal({ pool, scope, requestId }: KeyedCall, error: unknown): Promise<void> {
  const status = statusOfError(error);
  const isFinal = status < 500 && status !== 429;
  const problem = { body: toProblem(error, requestId), headers: { 'content-type': PROBLEM_TYPE } };
  const kept = isFinal ? finishIdempotent(pool, scope, status, JSON.stringify(problem)) : releaseIdempotent(pool, scope);
  await kept.catch(() => {});
}

interface Kept {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function toKept({ body, bodyForRepeats, headers }: Reply): string {
  const kept: Kept = { body: bodyForRepeats ?? body, ...(headers === undefined ? {} : { headers }) };
  return JSON.stringify(kept);
}

function fromKept(status: number, text: string): Reply {
  const { body, headers } = JSON.parse(text) as Kept;
  return { status, body, headers: { ...headers, 'idempotency-replayed': 'true' } };
}
