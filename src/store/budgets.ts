/** The money of budgets: running totals that change only under their row's lock, together with the holds that they are made of. */
import { type BudgetInPeriod, type BudgetKey, type BudgetSelector, type BudgetState, budgetKey } from '../policy/budget.js';
import { canonicalJson } from '../policy/canonical.js';
import type { Instant, Json } from '../policy/model.js';
import { type BudgetToCount, countActuals, keyColumns, readActuals } from './budget-actuals.js';
import { type Db, toTimestamp } from './db.js';

/** What is needed of a budget to find its row, or make it. */
export interface BudgetToLock extends Pick<BudgetInPeriod, 'policyName' | 'ruleName' | 'period' | 'budget' | 'from' | 'to'> {
  /** Null leaves it as it is stored: for a budget that has a row. */
  readonly selector: BudgetSelector | null;
}

export type BudgetToMake = BudgetToLock & { readonly selector: BudgetSelector };

/** By `budgetKey`. */
export type BudgetStates = ReadonlyMap<string, BudgetState>;

/**
 * Locks these budgets until the transaction ends and answers their states: rows that are missing are made, holds whose time is over are
 * given back. Locks are taken in one order, so that any number of these may run at once and never wait for each other in a circle.
 */
export async function lockBudgets(db: Db, budgets: readonly BudgetToLock[], at: Instant): Promise<BudgetStates> {
  const wanted = inLockOrder(budgets);
  if (wanted.length === 0) return new Map();
  const selected = wanted.filter(isSelected);
  const made = new Set((await makeMissing(db, selected)).map(budgetKey));
  const rows = await lockRows(db, wanted, at);
  const stored = new Map(rows.map((row) => [budgetKey(row), canonicalJson(row.selector)]));
  const stale = selected.filter(
    (budget) => made.has(budgetKey(budget)) || stored.get(budgetKey(budget)) !== canonicalJson(budget.selector),
  );
  if (stale.length > 0) await countActuals(db, stale, at);
  const due = rows.filter((row) => row.due);
  if (due.length > 0) await expireHolds(db, due, at);
  const states = stale.length + due.length === 0 ? rows : await lockRows(db, wanted, at);
  return new Map(states.map((row) => [budgetKey(row), toState(row)]));
}

/** As `lockBudgets`, for a look: nothing is locked, made or changed. */
export async function readBudgets(db: Db, budgets: readonly BudgetToMake[], at: Instant): Promise<BudgetStates> {
  const rows = await readRows(db, inLockOrder(budgets), at);
  const states = new Map(rows.map((row) => [budgetKey(row), toState({ ...row, held: row.unexpired })]));
  const stored = new Map(rows.map((row) => [budgetKey(row), canonicalJson(row.selector)]));
  const stale = budgets.filter((budget) => stored.get(budgetKey(budget)) !== canonicalJson(budget.selector));
  for (const actual of await readActuals(db, stale, at)) {
    const state = states.get(budgetKey(actual)) ?? NO_MONEY;
    states.set(budgetKey(actual), { ...state, ...actual });
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
function inLockOrder(budgets: readonly BudgetToLock[]): readonly BudgetToLock[] {
  const byKey = new Map(budgets.map((budget) => [budgetKey(budget), budget]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, budget]) => budget);
}

function isSelected(budget: BudgetToLock): budget is BudgetToMake {
  return budget.selector !== null;
}

async function makeMissing(db: Db, budgets: readonly BudgetToMake[]): Promise<readonly BudgetKey[]> {
  const { rows } = await db.query<BudgetKey>(
    `insert into budgets (policy_name, rule_name, period, starts_at, ends_at, selector)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
     on conflict (policy_name, rule_name, period) do nothing
     returning policy_name as "policyName", rule_name as "ruleName", period`,
    [
      ...keyColumns(budgets),
      budgets.map(({ from }) => toTimestamp(from)),
      budgets.map(({ to }) => toTimestamp(to)),
      budgets.map(({ selector }) => JSON.stringify(selector)),
    ],
  );
  return rows;
}

interface BudgetRow extends Omit<BudgetState, 'crossed'> {
  readonly selector: Json;
  readonly crossed: BudgetState['crossed'];
  /** Some of its holds are over and not noted yet. */
  readonly due: boolean;
}

const COLUMNS = `b.policy_name as "policyName", b.rule_name as "ruleName", b.period, b.actual, b.actual_until as "actualUntil", b.committed, b.held,
  b.selector,
  coalesce((select json_agg(json_build_object('percent', c.percent, 'of', c.of, 'action', c.action)) from budget_crossings c
    where c.policy_name = b.policy_name and c.rule_name = b.rule_name and c.period = b.period and c.budget = k.budget
      and c.action <> 'notify'), '[]') as crossed`;
const OF_KEYS = `from unnest($1::text[], $2::text[], $3::text[], $4::numeric[]) with ordinality as k (policy, rule, period, budget, place)
  join budgets b on b.policy_name = k.policy and b.rule_name = k.rule and b.period = k.period`;
const DUE = `from holds h where h.policy_name = b.policy_name and h.rule_name = b.rule_name and h.period = b.period and h.status = 'held'
  and h.expires_at <= $5`;

async function lockRows(db: Db, budgets: readonly BudgetToLock[], at: Instant): Promise<readonly BudgetRow[]> {
  const { rows } = await db.query<BudgetRow>(
    `select ${COLUMNS}, exists (select 1 ${DUE}) as due ${OF_KEYS} order by k.place for no key update of b`,
    [...keyColumns(budgets), budgets.map(({ budget }) => budget), toTimestamp(at)],
  );
  return rows;
}

async function readRows(
  db: Db,
  budgets: readonly BudgetToLock[],
  at: Instant,
): Promise<readonly (BudgetRow & { readonly unexpired: string })[]> {
  const { rows } = await db.query<BudgetRow & { readonly unexpired: string }>(
    `select ${COLUMNS}, false as due, b.held - coalesce((select sum(h.amount) ${DUE}), 0) as unexpired ${OF_KEYS} order by k.place`,
    [...keyColumns(budgets), budgets.map(({ budget }) => budget), toTimestamp(at)],
  );
  return rows;
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

/** What is needed to count these budgets, as it is stored. */
export async function readSelectors(db: Db, keys: readonly BudgetKey[]): Promise<readonly BudgetToCount[]> {
  const { rows } = await db.query<BudgetToCount>(
    `select b.policy_name as "policyName", b.rule_name as "ruleName", b.period, b.starts_at as "from", b.ends_at as "to", b.selector
     from unnest($1::text[], $2::text[], $3::text[]) as k (policy, rule, period)
     join budgets b on b.policy_name = k.policy and b.rule_name = k.rule and b.period = k.period`,
    keyColumns(keys),
  );
  return rows;
}

/** The budgets that have a row and a period that shares time with one of these. */
export async function listStoredBudgets(db: Db, periods: readonly TimeSpan[]): Promise<readonly BudgetToLock[]> {
  const { rows } = await db.query<Omit<BudgetToLock, 'selector' | 'budget'>>(
    `select distinct b.policy_name as "policyName", b.rule_name as "ruleName", b.period, b.starts_at as "from", b.ends_at as "to"
     from unnest($1::timestamptz[], $2::timestamptz[]) as p (starts, ends)
     join budgets b on b.starts_at < p.ends and b.ends_at > p.starts`,
    [periods.map(({ from }) => toTimestamp(from)), periods.map(({ to }) => toTimestamp(to))],
  );
  return rows.map((row) => ({ ...row, budget: '0', selector: null }));
}

/** Inclusive, and exclusive. */
export interface TimeSpan {
  readonly from: Instant;
  readonly to: Instant;
}
