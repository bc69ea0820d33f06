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

/** Logs uses and counts them. Safe to repeat. In a transaction with what used them; it does not look at caps: see `lockUsesLeft`. */
export async function recordExceptionUses(db: Db, uses: readonly ExceptionUse[]): Promise<void> {
  // Locked in the order of ids, so that two of these never wait for each other.
  await db.query(
    `with used as (
       select id from exceptions where id = any($1::text[]) order by id for update
     ), logged as (
       insert into exception_uses (exception_id, key, at, used_by)
       select u.exception_id, u.key, u.at, u.used_by
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as u (exception_id, key, at, used_by)
       join used on used.id = u.exception_id
       on conflict do nothing returning exception_id
     )
     update exceptions e set used_uses = e.used_uses + fresh.count
     from (select exception_id, count(*) as count from logged group by exception_id) fresh where e.id = fresh.exception_id`,
    [uses.map((use) => use.exceptionId), uses.map((use) => use.key), uses.map((use) => toTimestamp(use.at)), uses.map((use) => use.usedBy)],
  );
}

/** How many uses a request may make of exceptions with a cap, as read under their locks. */
export interface UsesLeft {
  /** By exception: what the cap leaves, and those of these uses that were logged before, which a repeat may make again. */
  for(uses: readonly ExceptionUse[]): ReadonlyMap<string, number>;
  /** Counts uses for those that come after; they are logged by `recordExceptionUses`. Answers the exceptions that are used up by them. */
  make(uses: readonly ExceptionUse[]): readonly string[];
}

/** Locks the exceptions of these uses that have a cap, in the order of ids, until the transaction ends. */
export async function lockUsesLeft(db: Db, uses: readonly ExceptionUse[]): Promise<UsesLeft> {
  if (uses.length === 0) return { for: () => new Map(), make: () => [] };
  const { rows } = await db.query<{ id: string; left: number; logged: readonly string[] }>(
    `select id, cap_uses - used_uses as left,
       array (select key from exception_uses where exception_id = exceptions.id and key = any ($2)) as logged
     from exceptions where id = any ($1) and cap_uses is not null order by id for update`,
    [uses.map(({ exceptionId }) => exceptionId), uses.map(({ key }) => key)],
  );
  const left = new Map(rows.map((row) => [row.id, row.left]));
  const logged = new Map(rows.map((row) => [row.id, new Set(row.logged)]));
  return {
    for(wanted) {
      const again = (id: string) => wanted.filter((use) => use.exceptionId === id && logged.get(id)?.has(use.key) === true).length;
      return new Map([...left].map(([id, count]) => [id, count + again(id)]));
    },
    make(made) {
      const fresh = made.filter(({ exceptionId: id, key }) => left.has(id) && logged.get(id)?.has(key) === false);
      for (const { exceptionId: id, key } of fresh) {
        logged.get(id)?.add(key);
        left.set(id, (left.get(id) ?? 0) - 1);
      }
      return [...new Set(fresh.map(({ exceptionId }) => exceptionId))].filter((id) => left.get(id) === 0);
    },
  };
}
