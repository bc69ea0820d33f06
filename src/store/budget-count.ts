/**
 * What was billed of a budget, counted for the first time or by a new selector. That reads all charges of its period, which may take
 * seconds: it is done in a transaction of its own, under no lock that a request waits for.
 */
import { budgetKey } from '../policy/budget.js';
import { canonicalJson } from '../policy/canonical.js';
import type { Instant } from '../policy/model.js';
import { type BudgetToCount, keyColumns, readActuals, writeActuals } from './budget-actuals.js';
import { inLockOrder } from './budgets.js';
import { type Db, type Pool, transaction } from './db.js';

const COUNTING = 7_206_411_930_415;

/**
 * Until its transaction ends nobody counts, and what was counted before is there to be seen: for an import, whose rows who counts now
 * does not see. Taken before the locks of budgets, never after.
 */
export async function stopCounting(db: Db): Promise<void> {
  await db.query('select pg_advisory_xact_lock($1)', [COUNTING]);
}

const counts = new WeakMap<Pool, Map<string, Promise<void>>>();

/** Counts those of these budgets that are not counted yet. However many ask at once for the same one, it is counted once. */
export async function countBudgets(pool: Pool, budgets: readonly BudgetToCount[], at: Instant): Promise<void> {
  const running = counts.get(pool) ?? new Map<string, Promise<void>>();
  counts.set(pool, running);
  const fresh = budgets.filter((budget) => !running.has(countKey(budget)));
  if (fresh.length > 0) {
    const done = transaction(pool, (db) => count(db, fresh, at)).finally(() => {
      for (const budget of fresh) running.delete(countKey(budget));
    });
    for (const budget of fresh) running.set(countKey(budget), done);
  }
  await Promise.all(budgets.map((budget) => running.get(countKey(budget)) as Promise<void>));
}

/** Names what is counted. */
export function countKey(budget: BudgetToCount): string {
  return `${budgetKey(budget)} ${canonicalJson(budget.selector)}`;
}

async function count(db: Db, budgets: readonly BudgetToCount[], at: Instant): Promise<void> {
  await db.query('select pg_advisory_xact_lock_shared($1)', [COUNTING]);
  const uncounted = await findUncounted(db, inLockOrder(budgets));
  if (uncounted.length > 0) await writeActuals(db, await readActuals(db, uncounted, at));
}

/** Those that have no row, or are counted by another selector. */
async function findUncounted(db: Db, budgets: readonly BudgetToCount[]): Promise<readonly BudgetToCount[]> {
  const { rows } = await db.query<{ place: number }>(
    `select k.place from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]) with ordinality as k (policy, rule, period, selector, place)
     where not exists (select 1 from budgets b where b.policy_name = k.policy and b.rule_name = k.rule and b.period = k.period
       and b.selector = k.selector)
     order by k.place`,
    [...keyColumns(budgets), budgets.map(({ selector }) => JSON.stringify(selector))],
  );
  return rows.map(({ place }) => budgets[place - 1] as BudgetToCount);
}
