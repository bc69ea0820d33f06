/** The parts that all report queries share. Their parameters are `$1` the instant and `$2` to `$7` the scope: see `scopeValues`. */
import type { ReportScope } from '../report/scope.js';
import { toTimestamp } from './db.js';

/** Values of `$1` to `$7`; null for what is not restricted. */
export function scopeValues(scope: ReportScope, at: number): readonly unknown[] {
  const { provider, account, region, team, types, policy } = scope;
  return [toTimestamp(at), provider ?? null, account ?? null, region ?? null, team ?? null, types ?? null, policy ?? null];
}

/** `row` is the alias of `resources` or `violations`, whose type column differs in name. */
function inScope(row: string, typeColumn: string): string {
  return `($2::text is null or ${row}.provider = $2) and ($3::text is null or ${row}.account = $3)
    and ($4::text is null or ${row}.region = $4) and ($5::text is null or ${row}.team = $5)
    and ($6::text[] is null or ${row}.${typeColumn} = any($6))`;
}

/** Violations `v` of the scope, whether their resource is still there or not. */
export const VIOLATION_IN_SCOPE = `${inScope('v', 'resource_type')} and ($7::text is null or v.policy_name = $7)`;

/** Resources `r` of the scope, whatever the policies, and whether they are still there or not. */
export const RESOURCE_MATCHES = inScope('r', 'type');

/** Those of them that are there. */
export const RESOURCE_IN_SCOPE = `r.gone_at is null and ${RESOURCE_MATCHES}`;

/** That exception `e` is in force at `$1`: the same rule as `exceptionStatus`. */
export const IN_FORCE = `e.status = 'approved' and (e.expires_at is null or e.expires_at > $1)
  and (e.cap_uses is null or e.used_uses < e.cap_uses) and (e.cap_money is null or e.used_money < e.cap_money)`;

/**
 * Common table `live`: the violations that live, on resources that are there. `open` is false while the violation's own exception,
 * that is one for this resource, policy and rule, is in force; whoever comes late to mark its end, the clock decides. `resource` names the
 * row of the resource within this statement: many times cheaper to group by than its key of four texts.
 */
export const LIVE = `live as (
  select v.provider, v.account, v.resource_type, v.resource_id, v.resource_name, v.policy_name, v.rule_name, v.message, v.severity,
    v.detected_at, v.hourly_cost, v.estimated_monthly_savings, v.recommended_action, v.exception_id,
    r.ctid as resource, r.team, r.owner, r.monthly_cost, r.applicable_policies, r.unknown_policies, e.id is null as open
  from violations v
  join resources r on r.provider = v.provider and r.account = v.account and r.type = v.resource_type and r.id = v.resource_id
  left join exceptions e on v.status = 'excepted' and e.id = v.exception_id and ${IN_FORCE}
  where v.closed_at is null and ${RESOURCE_IN_SCOPE} and ($7::text is null or v.policy_name = $7))`;
