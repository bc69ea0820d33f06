/** The money of budgets: running totals that change only under their row's lock, together with the holds that they are made of. */
import { type BudgetInPeriod, type BudgetKey, type BudgetSelector, type BudgetState, budgetKey } from '../policy/budget.js';
import type { Instant } from '../policy/model.js';
import { type BudgetToCount, keyColumns, readActuals } from './budget-actuals.js';
import { type Db, toTimestamp } from './db.js';

/** What is needed of a budget to find its row. */
export interface BudgetToLock extends Pick<BudgetInPeriod, 'policyName' | 'ruleName' | 'period' | 'budget' | 'from' | 'to'> {
  /** By which its `actual` has to be counted; null where that does not matter. */
  readonly selector: BudgetSelector | null;
}

/** By `budgetKey`. */
export type BudgetStates = ReadonlyMap<string, BudgetState>;

/**
 * Locks these budgets until the transaction ends and answers the states of those that are counted; the others, `budget-count.ts` counts
 * before, since that takes long. Holds whose time is over are given back. Locks are taken in one order, so that any number of these may
 * run at once and never wait for each other in a circle.
 */
export async function lockBudgets(db: Db, budgets: readonly BudgetToLock[], at: Instant): Promise<BudgetStates> {
  const wanted = inLockOrder(budgets);
  if (wanted.length === 0) return new Map();
  const rows = await lockRows(db, wanted, at);
  const due = rows.filter((row) => row.due);
  if (due.length === 0) return toStates(rows);
  await expireHolds(db, due, at);
  return toStates(await lockRows(db, wanted, at));
}

/** As `lockBudgets`, for a look: nothing is locked or changed. What is not counted yet is counted for this answer alone. */
export async function readBudgets(db: Db, budgets: readonly BudgetInPeriod[], at: Instant): Promise<BudgetStates> {
  const rows = await readRows(db, budgets, at);
  const states = new Map(toStates(rows));
  const money = new Map(rows.map((row) => [budgetKey(row), row]));
  const uncounted = budgets.filter((budget) => !states.has(budgetKey(budget)));
  for (const counted of await readActuals(db, uncounted, at)) {
    const { committed, held, crossed } = money.get(budgetKey(counted)) ?? NO_MONEY;
    states.set(budgetKey(counted), { ...counted, committed, held, crossed });
  }
  return states;
}

const NO_MONEY = { committed: '0', held: '0', crossed: [] } as const;

/** Adds to the totals of budgets that are locked. */
export async function addToTotals(
  db: Db,
  changes: readonly (BudgetKey & { readonly held: string; readonly committed: string })[],
): Promise<void> {
  if (changes.length === 0) return;
  await db.query(
    `update budgets b set held = b.held + c.held, committed = b.committed + c.committed
     from (select policy, rule, period, sum(held) as held, sum(committed) as committed
           from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[]) as u (policy, rule, period, held, committed)
           group by policy, rule, period) c
     where b.policy_name = c.policy and b.rule_name = c.rule and b.period = c.period`,
    [...keyColumns(changes), changes.map(({ held }) => held), changes.map(({ committed }) => committed)],
  );
}

/** Notes holds whose time is over, of budgets that are locked. */
async function expireHolds(db: Db, keys: readonly BudgetKey[], at: Instant): Promise<void> {
  await db.query(
    `with due as (
       update holds h set status = 'expired', closed_at = h.expires_at, close_reason = 'expired'
       from unnest($1::text[], $2::text[], $3::text[]) as k (policy, rule, period)
       where h.policy_name = k.policy and h.rule_name = k.rule and h.period = k.period and h.status = 'held' and h.expires_at <= $4
       returning h.policy_name, h.rule_name, h.period, h.amount
     )
     update budgets b set held = b.held - d.amount
     from (select policy_name, rule_name, period, sum(amount) as amount from due group by 1, 2, 3) d
     where b.policy_name = d.policy_name and b.rule_name = d.rule_name and b.period = d.period`,
    [...keyColumns(keys), toTimestamp(at)],
  );
}

/** INVARIANT: the one order in which rows are made and locked. */
export function inLockOrder<B extends BudgetKey>(budgets: readonly B[]): readonly B[] {
  const byKey = new Map(budgets.map((budget) => [budgetKey(budget), budget]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, budget]) => budget);
}

interface BudgetRow extends BudgetState {
  /** What was billed is counted by the selector that is asked for. */
  readonly counted: boolean;
  /** Some of its holds are over and not noted yet. */
  readonly due: boolean;
}

const COLUMNS = `b.policy_name as "policyName", b.rule_name as "ruleName", b.period, b.actual, b.actual_until as "actualUntil", b.committed,
  coalesce(b.selector = k.selector, true) as counted,
  coalesce((select json_agg(json_build_object('percent', c.percent, 'of', c.of, 'action', c.action)) from budget_crossings c
    where c.policy_name = b.policy_name and c.rule_name = b.rule_name and c.period = b.period and c.budget = k.budget
      and c.action <> 'notify'), '[]') as crossed`;
const OF_KEYS = `from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::jsonb[])
    with ordinality as k (policy, rule, period, budget, selector, place)
  join budgets b on b.policy_name = k.policy and b.rule_name = k.rule and b.period = k.period`;
const DUE = `from holds h where h.policy_name = b.policy_name and h.rule_name = b.rule_name and h.period = b.period and h.status = 'held'
  and h.expires_at <= $6`;

function valuesOf(budgets: readonly BudgetToLock[], at: Instant): readonly unknown[] {
  const selectors = budgets.map(({ selector }) => (selector === null ? null : JSON.stringify(selector)));
  return [...keyColumns(budgets), budgets.map(({ budget }) => budget), selectors, toTimestamp(at)];
}

async function lockRows(db: Db, budgets: readonly BudgetToLock[], at: Instant): Promise<readonly BudgetRow[]> {
  const { rows } = await db.query<BudgetRow>(
    `select ${COLUMNS}, b.held, exists (select 1 ${DUE}) as due ${OF_KEYS} order by k.place for no key update of b`,
    valuesOf(budgets, at),
  );
  return rows;
}

async function readRows(db: Db, budgets: readonly BudgetToLock[], at: Instant): Promise<readonly BudgetRow[]> {
  const { rows } = await db.query<BudgetRow>(
    `select ${COLUMNS}, b.held - coalesce((select sum(h.amount) ${DUE}), 0) as held, false as due ${OF_KEYS} order by k.place`,
    valuesOf(budgets, at),
  );
  return rows;
}

function toStates(rows: readonly BudgetRow[]): BudgetStates {
  return new Map(rows.filter(({ counted }) => counted).map((row) => [budgetKey(row), toState(row)]));
}

function toState({ policyName, ruleName, period, actual, committed, held, actualUntil, crossed }: BudgetRow): BudgetState {
  return { policyName, ruleName, period, actual, committed, held, actualUntil, crossed };
}

/** The rules that have a budget in a period which is not over. */
export async function listBudgetRules(db: Db, at: Instant): Promise<readonly Pick<BudgetKey, 'policyName' | 'ruleName'>[]> {
  const { rows } = await db.query<Pick<BudgetKey, 'policyName' | 'ruleName'>>(
    'select distinct policy_name as "policyName", rule_name as "ruleName" from budgets where ends_at > $1 order by 1, 2',
    [toTimestamp(at)],
  );
  return rows;
}

/** The budgets that have a row and a period that shares time with one of these, as they are counted. */
export async function listStoredBudgets(db: Db, periods: readonly TimeSpan[]): Promise<readonly BudgetToCount[]> {
  const { rows } = await db.query<BudgetToCount>(
    `select b.policy_name as "policyName", b.rule_name as "ruleName", b.period, b.starts_at as "from", b.ends_at as "to", b.selector
     from budgets b where exists (select 1 from unnest($1::timestamptz[], $2::timestamptz[]) as p (starts, ends)
       where b.starts_at < p.ends and b.ends_at > p.starts)`,
    [periods.map(({ from }) => toTimestamp(from)), periods.map(({ to }) => toTimestamp(to))],
  );
  return rows;
}

/** Inclusive, and exclusive. */
export interface TimeSpan {
  readonly from: Instant;
  readonly to: Instant;
}
