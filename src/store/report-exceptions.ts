/** What the exceptions report counts. */
import { DAY } from '../policy/durations.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { ExceptionsFacts } from '../report/exceptions.js';
import type { ReportScope } from '../report/scope.js';
import { type Db, toTimestamp } from './db.js';
import { EXCEPTION_COLUMNS, type ExceptionRow, toExceptionRecord } from './exception-row.js';
import { IN_FORCE, LIVE, scopeValues } from './report-sql.js';

const EXPIRING_WITHIN_MS = 7 * DAY;

/** Which exceptions a scope holds: those of its policy, and those for its account. An exception for no one account is in every account. */
const IN_SCOPE = `($2::text is null or e.policy_name = $2) and ($3::text is null or coalesce(e.target ->> 'account', $3) = $3)`;

export type ExceptionScope = Pick<ReportScope, 'policy' | 'account'>;

const values = (scope: ExceptionScope, at: number) => [toTimestamp(at), scope.policy ?? null, scope.account ?? null];

/** By the status that holds at `at`, whether or not its end has been stored. */
export async function loadExceptionCounts(db: Db, scope: ExceptionScope, at: number): Promise<ExceptionsFacts['counts']> {
  const { rows } = await db.query<ExceptionsFacts['counts'][number]>(
    `select case when e.status = 'approved' and not (${IN_FORCE}) then 'expired' else e.status end as status,
       e.policy_name as "policyName", e.type, count(*) as count
     from exceptions e where ${IN_SCOPE} group by 1, 2, 3 order by 1, 2, 3`,
    values(scope, at),
  );
  return rows;
}

/** In force, with an end within 7 days; the next to end first. */
export function loadExpiringSoon(db: Db, scope: ExceptionScope, at: number): Promise<readonly ExceptionRecord[]> {
  return inForce(db, scope, at, { condition: 'e.expires_at <= $4', order: 'e.expires_at', until: at + EXPIRING_WITHIN_MS });
}

/** In force, with a review that is due; the longest overdue first. */
export function loadNeedingReview(db: Db, scope: ExceptionScope, at: number): Promise<readonly ExceptionRecord[]> {
  return inForce(db, scope, at, { condition: 'e.review_due_at <= $4', order: 'e.review_due_at', until: at });
}

interface Wanted {
  readonly condition: string;
  readonly order: string;
  /** `$4` */
  readonly until: number;
}

async function inForce(
  db: Db,
  scope: ExceptionScope,
  at: number,
  { condition, order, until }: Wanted,
): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e where ${IN_FORCE} and ${IN_SCOPE} and ${condition} order by ${order}, e.id`,
    [...values(scope, at), toTimestamp(until)],
  );
  return rows.map(toExceptionRecord);
}

type ExceptedCost = Pick<ExceptionsFacts, 'monthlyCost' | 'monthlySavings' | 'resources' | 'resourcesWithoutCost'>;

/** What the resources cost that violate by permission, each counted once, and what ending those violations would save. */
export async function loadExceptedCost(db: Db, scope: ExceptionScope, at: number): Promise<ExceptedCost> {
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
