/** What the exceptions report counts. */
import { DAY } from '../policy/durations.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { ExceptionsFacts } from '../report/exceptions.js';
import type { Period, ReportScope } from '../report/scope.js';
import { type Db, toTimestamp } from './db.js';
import { EXCEPTION_COLUMNS, type ExceptionRow, toExceptionRecord } from './exception-row.js';
import { IN_FORCE, LIVE, RESOURCE_MATCHES, scopeValues, VIOLATION_IN_SCOPE } from './report-sql.js';

const EXPIRING_WITHIN_MS = 7 * DAY;

/**
 * Which exceptions `e` a scope holds: those of its policy; those for its account, an exception for no one account being in every one;
 * of a provider, region, team or type those whose resource is there, or that permit a violation there.
 */
const IN_SCOPE = `($7::text is null or e.policy_name = $7) and ($3::text is null or coalesce(e.target ->> 'account', $3) = $3)
  and (($2::text is null and $4::text is null and $5::text is null and $6::text[] is null)
    or exists (select from resources r where r.id = e.target ->> 'resourceId' and r.account = e.target ->> 'account'
      and r.type = coalesce(e.target ->> 'resourceType', r.type) and ${RESOURCE_MATCHES})
    or exists (select from violations v where v.exception_id = e.id and v.closed_at is null and ${VIOLATION_IN_SCOPE}))`;

/** That the life of `e`, from its request to its end, touches the period that begins at `$8`. */
const IN_PERIOD = `e.requested_at <= $1 and coalesce(case e.status when 'approved' then e.expires_at when 'pending' then e.lapses_at else e.closed_at end, $1) >= $8`;

/** Those that lived in the period, by the status that holds at its end, whether or not an exception's end has been stored. */
export async function loadExceptionCounts(db: Db, scope: ReportScope, period: Period): Promise<ExceptionsFacts['counts']> {
  const { rows } = await db.query<ExceptionsFacts['counts'][number]>(
    `select case when e.status = 'approved' and not (${IN_FORCE}) then 'expired'
         when e.status = 'pending' and e.lapses_at <= $1 then 'lapsed' else e.status end as status,
       e.policy_name as "policyName", e.type, count(*) as count
     from exceptions e where ${IN_SCOPE} and ${IN_PERIOD} group by 1, 2, 3 order by 1, 2, 3`,
    [...scopeValues(scope, period.end), toTimestamp(period.start)],
  );
  return rows;
}

/** In force, with an end within 7 days; the next to end first. */
export function loadExpiringSoon(db: Db, scope: ReportScope, at: number): Promise<readonly ExceptionRecord[]> {
  return inForce(db, scope, at, { condition: 'e.expires_at <= $8', order: 'e.expires_at', until: at + EXPIRING_WITHIN_MS });
}

/** In force, with a review that is due; the longest overdue first. */
export function loadNeedingReview(db: Db, scope: ReportScope, at: number): Promise<readonly ExceptionRecord[]> {
  return inForce(db, scope, at, { condition: 'e.review_due_at <= $8', order: 'e.review_due_at', until: at });
}

interface Wanted {
  readonly condition: string;
  readonly order: string;
  /** `$8` */
  readonly until: number;
}

async function inForce(db: Db, scope: ReportScope, at: number, { condition, order, until }: Wanted): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e where ${IN_FORCE} and ${IN_SCOPE} and ${condition} order by ${order}, e.id`,
    [...scopeValues(scope, at), toTimestamp(until)],
  );
  return rows.map(toExceptionRecord);
}

type ExceptedCost = Pick<ExceptionsFacts, 'monthlyCost' | 'monthlySavings' | 'resources' | 'resourcesWithoutCost'>;

/** What the resources cost that violate by permission, each counted once, and what ending those violations would save. */
export async function loadExceptedCost(db: Db, scope: ReportScope, at: number): Promise<ExceptedCost> {
  const { rows } = await db.query<ExceptedCost>(
    `with ${LIVE}, excepted as (
       select max(monthly_cost) as monthly_cost, sum(estimated_monthly_savings) as savings from live where not open
       group by resource)
     select coalesce(sum(monthly_cost), 0) as "monthlyCost", coalesce(sum(savings), 0) as "monthlySavings", count(*) as resources,
       count(*) filter (where monthly_cost is null) as "resourcesWithoutCost"
     from excepted`,
    scopeValues(scope, at),
  );
  return rows[0] ?? { monthlyCost: '0', monthlySavings: '0', resources: 0, resourcesWithoutCost: 0 };
}
