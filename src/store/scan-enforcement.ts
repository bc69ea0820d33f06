/** What follows from a reconciled scan: whom to tell, what to start, and what exceptions have used up. */
import type { Enforcement, Severity } from '../policy/model.js';
import { type Db, type Pool, toTimestamp, transaction } from './db.js';

export interface Candidate {
  readonly id: string;
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  readonly graceMs: number | null;
}

/** Open violations that a scan saw and that have no remediation, in the order of their ids, from behind `after`. */
export async function listWithoutRemediation(db: Db, scanId: string, after: string, limit: number): Promise<readonly Candidate[]> {
  const { rows } = await db.query<Candidate>(
    `select id, severity, enforcement, grace_ms as "graceMs" from violations
     where last_scan_id = $1 and status = 'open' and remediation_id is null and id > $2 order by id limit $3`,
    [scanId, after, limit],
  );
  return rows;
}

export interface EndedRemediation {
  readonly id: string;
  readonly result: 'resolved' | 'excepted' | 'policy_archived';
  readonly reason: string | null;
}

/** Remediations that still wait although their violation has ended, whoever ended it, in the order of their ids, from behind `after`. */
export async function listEndedRemediations(db: Db, after: string, limit: number): Promise<readonly EndedRemediation[]> {
  const { rows } = await db.query<EndedRemediation>(
    `select m.id, v.close_reason as reason,
       case when v.status = 'excepted' then 'excepted' when v.close_reason = 'policy_archived' then 'policy_archived' else 'resolved' end as result
     from remediations m join violations v on v.id = m.violation_id
     where m.closed_at is null and m.phase not in ('acting', 'verifying', 'undo_window') and v.status in ('resolved', 'excepted', 'closed')
       and m.id > $1 order by m.id limit $2`,
    [after, limit],
  );
  return rows;
}

/** Closes remediations that live and have no workflow to do it, with their timeline; those that are closed stay as they are. In a transaction. */
export async function closeAbandoned(
  db: Db,
  ids: readonly string[],
  end: { readonly result: EndedRemediation['result']; readonly message: string },
  at: number,
): Promise<void> {
  await db.query(
    `with closed as (
       update remediations set phase = 'closed', waiting_for = null, result = $2, result_message = $3, closed_at = $4, updated_at = $4
       where id = any ($1) and closed_at is null returning id
     )
     insert into remediation_events (remediation_id, key, at, event, details)
     select id, 'abandoned', $4, 'closed', jsonb_build_object('result', $2::text, 'message', $3::text) from closed on conflict do nothing`,
    [ids, end.result, end.message, toTimestamp(at)],
  );
}

/** How many remediations this scan has begun: of violations that it saw last, opened since it started. */
export async function countStarted(db: Db, scanId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from scans s join violations v on v.last_scan_id = s.id join remediations m on m.violation_id = v.id
     where s.id = $1 and m.created_at >= s.started_at`,
    [scanId],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Counts what resources have cost under their exceptions since it was last counted, and logs one use of each for this scan. A cost that is
 * not known counts nothing. Safe to repeat: a scan counts once.
 */
export async function accrueExceptionCosts(pool: Pool, scanId: string, at: number): Promise<void> {
  await transaction(pool, async (db) => {
    // INVARIANT: exceptions are locked before violations, as by whoever moves one; in the order of ids, so that no two wait for each other.
    await db.query(
      `select id from exceptions where id in (select exception_id from violations where last_scan_id = $1 and status = 'excepted')
       order by id for update`,
      [scanId],
    );
    await db.query(
      `with due as (
         select id, exception_id,
           round(hourly_cost * extract(epoch from $2::timestamptz - coalesce(accrued_until, detected_at)) / 3600, 6) as money
         from violations where last_scan_id = $1 and status = 'excepted' and exception_id is not null for update
       ), logged as (
         insert into exception_uses (exception_id, key, at, used_by, money)
         select due.exception_id, $1 || ':' || due.id, $2, 'system:scan', money from due join exceptions e on e.id = due.exception_id
         on conflict do nothing returning exception_id, key, money
       ), counted as (
         update violations v set accrued_until = $2 from logged where logged.key = $1 || ':' || v.id
       )
       update exceptions e set used_money = e.used_money + used.money
       from (select exception_id, sum(money) as money from logged where money > 0 group by exception_id) used
       where e.id = used.exception_id`,
      [scanId, toTimestamp(at)],
    );
  });
}

/** Since when the resource of an exception has been compliant, as far as this scan saw it; not known is neither. */
export async function noteCompliance(db: Db, scanId: string, at: number): Promise<void> {
  await db.query(
    `update exceptions e set compliant_since = case when seen.violating then null else coalesce(e.compliant_since, $2) end
     from (
       select e.id, bool_or(v.id is not null) as violating, bool_or(p.id = any (r.unknown_policies)) as unknown
       from ${EXCEPTED_RESOURCES}
       left join policies p on p.name = e.policy_name
       left join violations v on v.closed_at is null and v.provider = r.provider and v.account = r.account and v.resource_type = r.type
         and v.resource_id = r.id and v.policy_name = e.policy_name and v.rule_name = e.rule_name
       where e.status = 'approved' and r.last_scan_id = $1 and r.gone_at is null
       group by e.id
     ) seen
     where e.id = seen.id and (seen.violating or seen.unknown is not true) and seen.violating = (e.compliant_since is not null)`,
    [scanId, toTimestamp(at)],
  );
}

const EXCEPTED_RESOURCES = `exceptions e join resources r on e.target->>'kind' = 'resource' and r.id = e.target->>'resourceId'
  and r.account = e.target->>'account' and r.type = coalesce(e.target->>'resourceType', r.type)`;

export interface EndingException {
  readonly workflowId: string;
  readonly reason: 'cap' | 'resource_gone' | 'compliant';
}

/** Approved exceptions that have come to their end by themselves: their resource is gone, compliant since before `compliantBefore`, or a cap is used up. */
export async function listEndingExceptions(db: Db, compliantBefore: number): Promise<readonly EndingException[]> {
  const { rows } = await db.query<EndingException>(
    `select workflow_id as "workflowId",
       case when used_money >= cap_money or used_uses >= cap_uses then 'cap' when gone.id is not null then 'resource_gone' else 'compliant' end as reason
     from exceptions e
     left join (select e.id from ${EXCEPTED_RESOURCES} where e.status = 'approved' group by e.id having bool_and(r.gone_at is not null)) gone
       using (id)
     where e.status = 'approved'
       and (used_money >= cap_money or used_uses >= cap_uses or gone.id is not null or compliant_since <= $1)
     order by id`,
    [toTimestamp(compliantBefore)],
  );
  return rows;
}

export interface CapUse {
  readonly id: string;
  readonly stage: 'cap-half' | 'cap-near';
}

/** Approved exceptions that have used up 50 % or 80 % of a cap, the greater of both, and whose notice of that is not written yet. */
export async function listCapsToTell(db: Db): Promise<readonly CapUse[]> {
  const { rows } = await db.query<CapUse>(
    `select used.id, used.stage
     from (
       select id, case when greatest(used_money / nullif(cap_money, 0), used_uses::numeric / nullif(cap_uses, 0)) >= 0.8 then 'cap-near' else 'cap-half' end as stage
       from exceptions
       where status = 'approved' and greatest(used_money / nullif(cap_money, 0), used_uses::numeric / nullif(cap_uses, 0)) >= 0.5
         and not (coalesce(used_money >= cap_money, false) or coalesce(used_uses >= cap_uses, false))
     ) used
     where not exists (select from outbox o where o.subject = used.id and o.stage = used.stage) order by used.id`,
  );
  return rows;
}

/**
 * What autovacuum would do a minute later. A first scan fills these tables from nothing, and the scores and reports that are computed at once
 * would be planned for empty ones: minutes in place of a second for 100,000 resources.
 */
export async function refreshStatistics(db: Db): Promise<void> {
  await db.query('analyze resources, violations');
}
