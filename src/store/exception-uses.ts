import type { Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

/** One use of an exception by the gate. */
export interface ExceptionUse {
  readonly exceptionId: string;
  /** Unique among the uses of the exception, such as the decision's id and the resource: a repeat counts once. */
  readonly key: string;
  readonly usedBy: string;
  readonly at: Instant;
}

/** Logs uses and counts them towards the cap on uses. Safe to repeat. In a transaction with what used them. */
export async function recordExceptionUses(db: Db, uses: readonly ExceptionUse[]): Promise<void> {
  await db.query(
    `with logged as (
       insert into exception_uses (exception_id, key, at, used_by)
       select u.exception_id, u.key, u.at, u.used_by
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as u (exception_id, key, at, used_by)
       join exceptions e on e.id = u.exception_id
       on conflict do nothing returning exception_id
     )
     update exceptions e set used_uses = e.used_uses + used.count
     from (select exception_id, count(*) as count from logged group by exception_id) used where e.id = used.exception_id`,
    [uses.map((use) => use.exceptionId), uses.map((use) => use.key), uses.map((use) => toTimestamp(use.at)), uses.map((use) => use.usedBy)],
  );
}
