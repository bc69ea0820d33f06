/** Counts of resources by where they stand: over the whole scope, by team, account, region and policy. */
import type { PolicyTally, TeamTally } from '../report/facts.js';
import type { ReportScope } from '../report/scope.js';
import type { Tally } from '../report/score.js';
import type { Db } from './db.js';
import { LIVE, RESOURCE_IN_SCOPE, scopeValues } from './report-sql.js';

export interface GroupTally extends Tally {
  readonly kind: 'all' | 'team' | 'account' | 'region';
  /** Empty for `all`. */
  readonly name: string;
  readonly openViolations: number;
}

/** Each resource counts once in each kind of group; one without a region is in no region. `all` is always there. */
export async function loadGroupTallies(db: Db, scope: ReportScope, at: number): Promise<readonly GroupTally[]> {
  const { rows } = await db.query<GroupTally>(
    `with ${LIVE}, flagged as (
       select resource, count(*) filter (where open) as open_violations from live group by 1)
     select case grouping(r.team, r.account, r.region) when 7 then 'all' when 3 then 'team' when 5 then 'account' else 'region' end as kind,
       coalesce(r.team, r.account, r.region, '') as name,
       count(r.id) as total,
       count(*) filter (where f.open_violations > 0) as "nonCompliant",
       count(*) filter (where f.open_violations = 0) as excepted,
       coalesce(sum(f.open_violations), 0)::bigint as "openViolations"
     from resources r
     left join flagged f on f.resource = r.ctid
     where ${RESOURCE_IN_SCOPE}
       and ($7::text is null or f.resource is not null or (select id from policies where name = $7) = any(r.applicable_policies))
     group by grouping sets ((), (r.team), (r.account), (r.region))
     having grouping(r.region) = 1 or r.region is not null`,
    scopeValues(scope, at),
  );
  return rows;
}

/** The tally of the whole scope among the groups. */
export function overallOf(groups: readonly GroupTally[]): Tally {
  return groups.find(({ kind }) => kind === 'all') ?? { total: 0, nonCompliant: 0, excepted: 0 };
}

export function teamsOf(groups: readonly GroupTally[]): readonly TeamTally[] {
  return groups.filter(({ kind }) => kind === 'team').map(({ name, ...tally }) => ({ ...tally, team: name }));
}

/**
 * Every enforcing policy, over the resources that it applies to. A resource with a live violation counts as one of them also while the
 * last scan could not judge it; one that is unknown is counted apart.
 */
export async function loadPolicyTallies(db: Db, scope: ReportScope, at: number): Promise<readonly PolicyTally[]> {
  const { rows } = await db.query<PolicyTally>(
    `with ${LIVE},
     -- Few combinations of policies cover a whole fleet: they are taken apart once each, and not once per resource.
     judged as (
       select r.applicable_policies, r.unknown_policies, count(*) as resources from resources r where ${RESOURCE_IN_SCOPE} group by 1, 2),
     applicable as (select policy_id, sum(resources)::bigint as resources from judged, unnest(applicable_policies) as policy_id group by 1),
     unknown as (
       select policy_id, sum(resources)::bigint as resources from judged, unnest(unknown_policies) as policy_id
       where policy_id <> all(applicable_policies) group by 1),
     flagged as (
       select l.policy_name, bool_or(l.open) as open, bool_or(p.id <> all(l.applicable_policies)) as unjudged,
         bool_or(p.id <> all(l.applicable_policies) and p.id = any(l.unknown_policies)) as unknown
       from live l join policies p on p.name = l.policy_name
       group by l.policy_name, l.resource),
     violating as (
       select policy_name, count(*) filter (where open) as open, count(*) filter (where not open) as excepted,
         count(*) filter (where unjudged) as unjudged, count(*) filter (where unknown) as unknown
       from flagged group by 1)
     select p.name as "policyName",
       coalesce(a.resources, 0) + coalesce(v.unjudged, 0) as total,
       coalesce(v.open, 0) as "nonCompliant",
       coalesce(v.excepted, 0) as excepted,
       coalesce(u.resources, 0) - coalesce(v.unknown, 0) as unknown
     from policies p
     left join applicable a on a.policy_id = p.id
     left join unknown u on u.policy_id = p.id
     left join violating v on v.policy_name = p.name
     where p.active_version is not null and ($7::text is null or p.name = $7)`,
    scopeValues(scope, at),
  );
  return rows;
}
