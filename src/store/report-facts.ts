/** What the reports say of violations: samples, money, trends, the worst resources. Each is one statement over the scope. */
import type { CostFacts, OpenViolation, TrendFacts, Violator } from '../report/facts.js';
import type { SavingsGroup } from '../report/savings.js';
import type { Period, ReportScope } from '../report/scope.js';
import { type Db, toTimestamp } from './db.js';
import { LIVE, scopeValues, VIOLATION_IN_SCOPE } from './report-sql.js';

/** The ten open violations of each policy that are worst, and of those the oldest. */
export async function loadOpenViolations(db: Db, scope: ReportScope, at: number): Promise<readonly OpenViolation[]> {
  const { rows } = await db.query<OpenViolation>(
    `with ${LIVE}, ranked as (
       select live.*, row_number() over (
         partition by policy_name
         order by array_position(array['critical', 'high', 'medium', 'low'], severity), detected_at, resource_id, rule_name) as rank
       from live where open)
     select policy_name as "policyName", resource_id as "resourceId", resource_name as "resourceName", rule_name as "ruleName", message,
       severity, detected_at as "detectedAt"
     from ranked where rank <= 10 order by policy_name, rank`,
    scopeValues(scope, at),
  );
  return rows;
}

/**
 * Money of the open violations, exact, and of those remediated in the period. Violations add up, as in the source document: a resource
 * that violates two rules wastes its hourly cost under both.
 */
export async function loadCost(db: Db, scope: ReportScope, period: Period): Promise<CostFacts> {
  const { rows } = await db.query<CostFacts>(
    `with ${LIVE},
     open as (
       select count(*) as violations, sum(hourly_cost * extract(epoch from $1 - detected_at)) / 3600 as waste,
         sum(estimated_monthly_savings) as savings, count(*) filter (where hourly_cost is null) as without_cost,
         count(*) filter (where estimated_monthly_savings is null) as without_savings
       from live where open),
     realised as (
       select count(*) as violations, sum(estimated_monthly_savings) as savings from violations v
       where v.status = 'remediated' and v.closed_at >= $8 and v.closed_at <= $1 and ${VIOLATION_IN_SCOPE})
     select open.violations as "openViolations", coalesce(open.waste, 0) as "wasteToDate", coalesce(open.savings, 0) as "potentialMonthlySavings",
       open.without_cost as "withoutCost", open.without_savings as "withoutSavings",
       coalesce(realised.savings, 0) as "realisedMonthlySavings", realised.violations as "remediatedViolations"
     from open, realised`,
    [...scopeValues(scope, period.end), toTimestamp(period.start)],
  );
  return one(rows);
}

/** Counts episodes whose [detected, closed) touches the period, or the one of equal length before it. An open one is never closed. */
export async function loadTrends(db: Db, scope: ReportScope, period: Period): Promise<TrendFacts> {
  const { rows } = await db.query<TrendFacts>(
    `select count(*) filter (where v.closed_at is null or v.closed_at > $8) as current,
       count(*) filter (where v.detected_at < $8) as previous,
       count(*) filter (where v.detected_at >= $8) as detected,
       count(*) filter (where v.closed_at >= $8) as closed
     from violations v
     where v.detected_at <= $1 and (v.closed_at is null or v.closed_at > $9) and ${VIOLATION_IN_SCOPE}`,
    [...scopeValues(scope, period.end), toTimestamp(period.start), toTimestamp(period.start - (period.end - period.start))],
  );
  return one(rows);
}

/** The ten resources with the most open violations. */
export async function loadViolators(db: Db, scope: ReportScope, at: number): Promise<readonly Violator[]> {
  const { rows } = await db.query<Violator>(
    `with ${LIVE}, worst as (
       select resource, count(*) as violations, array_agg(distinct policy_name) as policies, sum(estimated_monthly_savings) as savings,
         max(resource_name) as name
       from live where open group by 1 order by 2 desc, 4 desc nulls last, 1 limit 10)
     select r.provider, r.account, r.type as "resourceType", r.id as "resourceId", r.name as "resourceName", r.team, r.owner,
       w.violations, w.policies, w.savings as "monthlySavings"
     from worst w join resources r on r.ctid = w.resource
     order by w.violations desc, w.savings desc nulls last, r.id, r.account, r.type, r.provider`,
    scopeValues(scope, at),
  );
  return rows;
}

const SAVINGS = `policy_name as "policyName", recommended_action as action, count(*) as violations,
  count(*) filter (where estimated_monthly_savings is null) as "withoutSavings", coalesce(sum(estimated_monthly_savings), 0) as monthly`;
const LARGEST_FIRST = 'group by 1, 2 order by monthly desc, 1, 2';

/** What ending the open violations would save a month. */
export async function loadPotentialSavings(db: Db, scope: ReportScope, at: number): Promise<readonly SavingsGroup[]> {
  const { rows } = await db.query<SavingsGroup>(
    `with ${LIVE} select ${SAVINGS} from live where open ${LARGEST_FIRST}`,
    scopeValues(scope, at),
  );
  return rows;
}

/** What the violations remediated in the period save a month. */
export async function loadRealisedSavings(db: Db, scope: ReportScope, period: Period): Promise<readonly SavingsGroup[]> {
  const { rows } = await db.query<SavingsGroup>(
    `select ${SAVINGS} from violations v
     where v.status = 'remediated' and v.closed_at >= $8 and v.closed_at <= $1 and ${VIOLATION_IN_SCOPE} ${LARGEST_FIRST}`,
    [...scopeValues(scope, period.end), toTimestamp(period.start)],
  );
  return rows;
}

function one<R>(rows: readonly R[]): R {
  const row = rows[0];
  if (row === undefined) throw new Error('an aggregate always answers one row');
  return row;
}
