/** The scores that are stored each day, so that history is true whatever happens to violations later. */
import type { PolicyTally, StoredScore } from '../report/facts.js';
import type { Period, ReportScope } from '../report/scope.js';
import { scoreOf, type Tally } from '../report/score.js';
import { type Db, toTimestamp } from './db.js';
import { type GroupTally, loadGroupTallies, loadPolicyTallies } from './report-scores.js';

/**
 * Stores today's (UTC) scores: over all, by team, account, region and policy. Called at the end of each scan, over the whole inventory
 * whatever the scan was of; the last one of a day stands. Safe to repeat.
 */
export async function recordScores(db: Db, at: number): Promise<void> {
  const groups = await loadGroupTallies(db, {}, at);
  const policies = await loadPolicyTallies(db, {}, at);
  // In one order for all, so that two scans that end together do not lock each other out.
  const scores = [...groups, ...policies.map(toScored)].sort((a, b) => compareKeys(`${a.kind} ${a.name}`, `${b.kind} ${b.name}`));
  const column = <T>(valueOf: (score: Scored) => T): T[] => scores.map(valueOf);
  await db.query(
    `insert into scores_daily as stored (day, scope_kind, scope_name, total, compliant, non_compliant, excepted, score, recorded_at)
     select ($1::timestamptz at time zone 'UTC')::date, s.*, $1::timestamptz
     from unnest($2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::int[], $8::numeric[]) s
     on conflict (day, scope_kind, scope_name) do update
     set total = excluded.total, compliant = excluded.compliant, non_compliant = excluded.non_compliant, excepted = excluded.excepted,
       score = excluded.score, recorded_at = excluded.recorded_at
     where stored.recorded_at <= excluded.recorded_at`,
    [
      toTimestamp(at),
      column(({ kind }) => kind),
      column(({ name }) => name),
      column(({ total }) => total),
      column(({ total, nonCompliant }) => total - nonCompliant),
      column(({ nonCompliant }) => nonCompliant),
      column(({ excepted }) => excepted),
      column(scoreOf),
    ],
  );
}

interface Scored extends Tally {
  readonly kind: GroupTally['kind'] | 'policy';
  readonly name: string;
}

function toScored({ policyName, ...tally }: PolicyTally): Scored {
  return { ...tally, kind: 'policy', name: policyName };
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : 1;
}

export interface ScoreHistory {
  /** As stored on the period's first day, else the last one before it; null without one, and for scopes that are not stored. */
  readonly atStart: number | null;
  /** One a day within the period. */
  readonly scores: readonly StoredScore[];
}

/** The stored scores of a scope. Stored are: everything, and each single team, account, region and policy. */
export async function loadScoreHistory(db: Db, scope: ReportScope, period: Period): Promise<ScoreHistory> {
  const stored = storedScope(scope);
  if (stored === null) return { atStart: null, scores: [] };
  const { rows } = await db.query<{ day: string; score: string; before: boolean }>(
    `with days as (select ($3::timestamptz at time zone 'UTC')::date as first, ($4::timestamptz at time zone 'UTC')::date as last)
     select to_char(s.day, 'YYYY-MM-DD') as day, s.score, s.day <= days.first as before
     from scores_daily s, days
     where s.scope_kind = $1 and s.scope_name = $2 and s.day <= days.last
       and s.day >= coalesce((select max(day) from scores_daily where scope_kind = $1 and scope_name = $2 and day <= days.first), days.first)
     order by s.day`,
    [...stored, toTimestamp(period.start), toTimestamp(period.end)],
  );
  const firstDay = new Date(period.start).toISOString().slice(0, 10);
  const start = rows.find(({ before }) => before);
  return {
    atStart: start === undefined ? null : Number(start.score),
    scores: rows.filter(({ day }) => day >= firstDay).map(({ day, score }) => ({ day, score: Number(score) })),
  };
}

const STORED_KINDS = ['team', 'account', 'region', 'policy'] as const;

function storedScope(scope: ReportScope): readonly [kind: string, name: string] | null {
  const given = Object.keys(scope);
  if (given.length === 0) return ['all', ''];
  const kind = STORED_KINDS.find((known) => known === given[0]);
  const name = kind === undefined ? undefined : scope[kind];
  return given.length === 1 && kind !== undefined && name !== undefined ? [kind, name] : null;
}
