/** The `Idempotency-Key` header of mutations: one answer per key and body, for 24 h, scoped to principal, method and path. */
import { createHash } from 'node:crypto';
import { DAY, MINUTE } from '../policy/durations.js';
import type { Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

export interface IdempotencyScope {
  readonly principal: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly key: string;
}

export type IdempotencyOutcome =
  /** The caller goes on, and then calls `finishIdempotent` or `releaseIdempotent`. */
  | { readonly kind: 'first' }
  /** The same request was answered: give this answer again. */
  | { readonly kind: 'repeat'; readonly status: number; readonly response: string }
  /** The key was used with another body: 409. */
  | { readonly kind: 'other-body' }
  /** The same request is under way: 409, try again. */
  | { readonly kind: 'in-progress' };

const KEPT_MS = DAY;
/** A first call that has not ended after this long died with its process; the next one takes its place. */
const ABANDONED_MS = MINUTE;

export function hashBody(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Claims the key for this request, or says what became of an earlier one. Of concurrent calls exactly one is `first`. */
export async function beginIdempotent(db: Db, scope: IdempotencyScope, bodyHash: string, at: Instant): Promise<IdempotencyOutcome> {
  await deleteExpired(db, at);
  const claimed = await db.query(
    `insert into idempotency_keys as known (principal, method, path, key, body_hash, created_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (principal, method, path, key) do update
       set body_hash = excluded.body_hash, status = null, response = null, created_at = excluded.created_at
       where known.created_at <= $8 or (known.status is null and known.body_hash = excluded.body_hash and known.created_at <= $7)
     returning key`,
    [...parts(scope), bodyHash, toTimestamp(at), toTimestamp(at - ABANDONED_MS), toTimestamp(at - KEPT_MS)],
  );
  return claimed.rows.length === 1 ? { kind: 'first' } : earlierOutcome(db, scope, bodyHash);
}

async function earlierOutcome(db: Db, scope: IdempotencyScope, bodyHash: string): Promise<IdempotencyOutcome> {
  const { rows } = await db.query<{ bodyHash: string; status: number | null; response: string | null }>(
    `select body_hash as "bodyHash", status, response from idempotency_keys where ${SCOPE}`,
    parts(scope),
  );
  const row = rows[0];
  // It was released between the two statements: as if it were still under way, a repeat will be the first.
  if (row === undefined) return { kind: 'in-progress' };
  if (row.bodyHash !== bodyHash) return { kind: 'other-body' };
  return row.status === null ? { kind: 'in-progress' } : { kind: 'repeat', status: row.status, response: row.response ?? '' };
}

/** Keeps the answer for repeats. */
export async function finishIdempotent(db: Db, scope: IdempotencyScope, status: number, response: string): Promise<void> {
  await db.query(`update idempotency_keys set status = $5, response = $6 where ${SCOPE}`, [...parts(scope), status, response]);
}

/** Frees the key: for answers that are not final (202, 5xx), so that a repeat is judged anew and gives the outcome. */
export async function releaseIdempotent(db: Db, scope: IdempotencyScope): Promise<void> {
  await db.query(`delete from idempotency_keys where ${SCOPE} and status is null`, parts(scope));
}

const SCOPE = 'principal = $1 and method = $2 and path = $3 and key = $4';

/** A row of the index holds less than 2.7 kB: longer paths stand there by their hash. */
const LONGEST_PATH = 500;

function parts({ principal, method, path, key }: IdempotencyScope): readonly string[] {
  return [principal, method, path.length > LONGEST_PATH ? `sha256:${hashBody(path)}` : path, key];
}

async function deleteExpired(db: Db, at: Instant): Promise<void> {
  // Rows that somebody else is deleting are left to them: no waiting, no deadlock.
  await db.query(
    `delete from idempotency_keys where (principal, method, path, key) in (
       select principal, method, path, key from idempotency_keys where created_at <= $1 limit 1000 for update skip locked)`,
    [toTimestamp(at - KEPT_MS)],
  );
}
