/** Counts of destructive acts, done and due, per policy and team, and the releases by which a person lets a batch go over the limit. */
import type { BlastRadiusCounts, Breach, ScopeCount } from '../policy/blast-radius.js';
import type { Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

const DESTRUCTIVE = `action in ('stop_instance', 'resize_instance', 'terminate_instance', 'delete_volume', 'delete_address', 'delete_snapshot')`;
// What observe mode only tells about is never done, so it does not use up the limit of what is.
const ACTED_OR_DUE = `${DESTRUCTIVE} and not dry_run and
  (acted_at > $2::timestamptz - $3::double precision * interval '1 ms'
   or (closed_at is null and acted_at is null and act_at <= $2::timestamptz + $3::double precision * interval '1 ms'))`;

export interface BlastRadiusQuestion {
  readonly policyName: string;
  readonly team: string;
  readonly at: Instant;
  /** The window looked back over and ahead. */
  readonly windowMs: number;
  /** The hour of the money limit; shorter on a demonstration clock. */
  readonly hourMs: number;
}

/** Counts for the gate: acts of the last window plus those due in the next, so that a breach is seen before the first acts. */
export async function countBlastRadius(db: Db, question: BlastRadiusQuestion): Promise<BlastRadiusCounts> {
  return {
    policy: await countScope(db, 'policy_name', question.policyName, question),
    team: await countScope(db, 'team', question.team, question),
    moneyPerHour: await countMoney(db, question),
  };
}

const APPLICABLE = {
  policy_name: `select count(*) as n from resources where gone_at is null and applicable_policies @> array[(select id from policies where name = $1)]`,
  team: `select count(*) as n from resources where gone_at is null and team = $1 and applicable_policies <> '{}'`,
} as const;

async function countScope(db: Db, column: keyof typeof APPLICABLE, name: string, question: BlastRadiusQuestion): Promise<ScopeCount> {
  const acting = await db.query<{ n: number }>(`select count(*) as n from remediations where ${column} = $1 and ${ACTED_OR_DUE}`, [
    name,
    toTimestamp(question.at),
    question.windowMs,
  ]);
  const applicable = await db.query<{ n: number }>(APPLICABLE[column], [name]);
  return { name, acting: acting.rows[0]?.n ?? 0, applicable: applicable.rows[0]?.n ?? 0 };
}

async function countMoney(db: Db, question: BlastRadiusQuestion): Promise<string> {
  const { rows } = await db.query<{ total: string }>(
    `select coalesce(sum(v.estimated_monthly_savings), 0) as total
     from (select violation_id from remediations where $1 = '' and ${ACTED_OR_DUE}) r join violations v on v.id = r.violation_id`,
    ['', toTimestamp(question.at), question.hourMs],
  );
  return rows[0]?.total ?? '0';
}

export interface BatchRelease {
  readonly breaches: readonly Breach[];
  readonly releasedBy: string;
  readonly at: Instant;
  readonly windowMs: number;
}

/** Lets all that wait or come due within the window now go over the limits that are breached; what joins later is counted anew. Answers their ids. */
export async function releaseBatch(db: Db, release: BatchRelease): Promise<readonly string[]> {
  const released = new Set<string>();
  for (const { scope } of release.breaches) {
    const ids = await dueInScope(db, scope, release);
    await db.query('insert into blast_radius_releases (scope, released_by, released_at, remediation_ids) values ($1, $2, $3, $4)', [
      scope,
      release.releasedBy,
      toTimestamp(release.at),
      ids,
    ]);
    for (const id of ids) released.add(id);
  }
  return [...released];
}

async function dueInScope(db: Db, scope: string, release: BatchRelease): Promise<string[]> {
  const where = scope.startsWith('policy:') ? 'policy_name = $1' : scope.startsWith('team:') ? 'team = $1' : `$1 = 'money'`;
  const { rows } = await db.query<{ id: string }>(
    `select id from remediations where ${where} and ${DESTRUCTIVE} and not dry_run and closed_at is null and acted_at is null
       and act_at <= $2::timestamptz + $3::double precision * interval '1 ms' order by id`,
    [scope.slice(scope.indexOf(':') + 1), toTimestamp(release.at), release.windowMs],
  );
  return rows.map((row) => row.id);
}

export interface ReleaseRecord {
  readonly scope: string;
  readonly remediationIds: readonly string[];
}

/** The releases under which this remediation may go over a limit, one a scope: the last. A release holds for those it names, however long they take. */
export async function releasesOf(db: Db, remediationId: string): Promise<readonly ReleaseRecord[]> {
  const { rows } = await db.query<{ scope: string; remediation_ids: readonly string[] }>(
    `select distinct on (scope) scope, remediation_ids from blast_radius_releases where remediation_ids @> array[$1::text]
     order by scope, id desc`,
    [remediationId],
  );
  return rows.map((row) => ({ scope: row.scope, remediationIds: row.remediation_ids }));
}
