import type { Instant } from '../policy/model.js';
import { type Db, type Pool, toTimestamp, transaction } from './db.js';

/** One use of an exception by the gate. */
export interface ExceptionUse {
  readonly exceptionId: string;
  /** Unique among the uses of the exception, such as the decision's id and the resource: a repeat counts once. */
  readonly key: string;
  readonly usedBy: string;
  readonly at: Instant;
}

interface Counted {
  readonly id: string;
  /** Uses that were not logged before. */
  readonly fresh: number;
  /** Uses left under the cap, below 0 when it is overrun; null without a cap. */
  readonly left: number | null;
}

/** Logs uses and counts them. Safe to repeat. In a transaction with what used them; it does not look at caps: see `takeUses`. */
export async function recordExceptionUses(db: Db, uses: readonly ExceptionUse[]): Promise<readonly Counted[]> {
  // Locked in the order of ids, so that two of these never wait for each other.
  const { rows } = await db.query<Counted>(
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
     from (select exception_id, count(*) as count from logged group by exception_id) fresh where e.id = fresh.exception_id
     returning e.id, fresh.count as fresh, e.cap_uses - e.used_uses as left`,
    [uses.map((use) => use.exceptionId), uses.map((use) => use.key), uses.map((use) => toTimestamp(use.at)), uses.map((use) => use.usedBy)],
  );
  return rows;
}

export interface TakenUses {
  /** Exceptions whose cap would be overrun, and how many of these uses each has left; empty when all were taken. */
  readonly short: ReadonlyMap<string, number>;
  /** Exceptions whose cap is used up by these uses. */
  readonly exhausted: readonly string[];
}

/** Takes all of these uses, or none when that would overrun a cap. Those among them that were logged before are not taken again, and count as left. */
export async function takeUses(pool: Pool, uses: readonly ExceptionUse[]): Promise<TakenUses> {
  const wanted = (id: string) => new Set(uses.filter(({ exceptionId }) => exceptionId === id).map(({ key }) => key)).size;
  try {
    return await transaction(pool, async (db) => {
      const counted = await recordExceptionUses(db, uses);
      const overrun = counted.filter(({ left }) => left !== null && left < 0);
      if (overrun.length > 0) throw new Overrun(new Map(overrun.map(({ id, left }) => [id, wanted(id) + (left ?? 0)])));
      return { short: new Map(), exhausted: counted.filter(({ left }) => left === 0).map(({ id }) => id) };
    });
  } catch (error) {
    if (error instanceof Overrun) return { short: error.left, exhausted: [] };
    throw error;
  }
}

/** Rolls the transaction back. */
class Overrun extends Error {
  readonly left: ReadonlyMap<string, number>;

  constructor(left: ReadonlyMap<string, number>) {
    super('the cap of an exception is used up');
    this.left = left;
  }
}
