/** After bills were imported: what was billed becomes actual, and what was committed and is billed now is no longer counted twice. */
import { type BudgetInPeriod, type BudgetKey, budgetKey } from '../policy/budget.js';
import { budgetRulesOf, budgetsOf } from '../policy/budget-rules.js';
import { acts, crossingsOf } from '../policy/budget-thresholds.js';
import { type CompiledPolicies, compilePolicies } from '../policy/compile.js';
import { DAY } from '../policy/durations.js';
import type { Instant } from '../policy/model.js';
import { type BudgetToCount, readActuals, settleCommitted, writeActuals } from './budget-actuals.js';
import { countKey, stopCounting } from './budget-count.js';
import { insertCrossings } from './budget-crossings.js';
import { type BudgetStates, type BudgetToLock, inLockOrder, listStoredBudgets, lockBudgets, type TimeSpan } from './budgets.js';
import type { Db } from './db.js';
import { loadEnforcing } from './enforcing.js';

export interface SettleOptions {
  readonly at: Instant;
  /** `settings.budgets.billedAfterMs`. */
  readonly billedAfterMs: number;
}

/**
 * Call it in the transaction that imports or replaces a bill, after its rows are in, with its billing periods. Works out each budget
 * whose period shares that time: those of enforcing rules, and all that have a row. Answers them. Safe to repeat: what is counted is what
 * is there.
 */
export async function settleActuals(
  db: Db,
  periods: readonly TimeSpan[],
  { at, billedAfterMs }: SettleOptions,
): Promise<readonly BudgetKey[]> {
  const compiled = compilePolicies((await loadEnforcing(db)).policies);
  // Counted before the locks, since requests wait for these: no other import changes the rows meanwhile.
  const early = await readActuals(db, await listConcerned(db, compiled, periods), at);
  await stopCounting(db);
  // What others have counted meanwhile, they have counted without this bill.
  const budgets = await listConcerned(db, compiled, periods);
  const known = new Set(early.map(countKey));
  const late = await readActuals(
    db,
    budgets.filter((budget) => !known.has(countKey(budget))),
    at,
  );
  const wanted = new Set(budgets.map(countKey));
  // What was crossed before this bill acts too, whether or not a worker had come to see it.
  await noteCrossings(db, compiled, await lockBudgets(db, budgets, at), at);
  await writeActuals(db, inLockOrder([...early.filter((counted) => wanted.has(countKey(counted))), ...late]));
  await settleCommitted(db, budgets, billedAfterMs);
  await noteCrossings(db, compiled, await lockBudgets(db, budgets, at), at);
  return budgets.map(({ policyName, ruleName, period }) => ({ policyName, ruleName, period }));
}

/** The budgets whose numbers a bill of these periods may change. */
async function listConcerned(
  db: Db,
  compiled: CompiledPolicies,
  periods: readonly TimeSpan[],
): Promise<readonly (BudgetToCount & BudgetToLock)[]> {
  const enforcing = periods.flatMap((period) => budgetsDuring(compiled, period));
  const earlier = periods.map(({ from, to }) => ({ from: from - CORRECTED, to }));
  const stored = (await listStoredBudgets(db, earlier)).map((budget) => ({ ...budget, budget: '0' }));
  // Of two, the later one stays: a rule that enforces says how it is counted now.
  return inLockOrder([...stored, ...enforcing]);
}

/** Notes the thresholds that act on requests and are crossed now, in present periods: a correction that comes at once takes no block back. */
async function noteCrossings(db: Db, compiled: CompiledPolicies, states: BudgetStates, at: Instant): Promise<void> {
  const crossings = budgetRulesOf(compiled).flatMap((rule) => {
    const acting = rule.budget.alertThresholds.filter(acts);
    if (acting.length === 0) return [];
    return budgetsOf(rule, at).flatMap((budget) => {
      const state = states.get(budgetKey(budget));
      return state === undefined ? [] : crossingsOf(acting, budget, state, at);
    });
  });
  await insertCrossings(db, crossings);
}

/** A bill may correct charges that began so long before its billing period. */
const CORRECTED = 366 * DAY;

/** The shortest period is longer than this. */
const STEP = 20 * DAY;

/** All budgets of all rules whose period shares time with this one. */
function budgetsDuring(compiled: CompiledPolicies, { from, to }: TimeSpan): readonly BudgetInPeriod[] {
  const rules = budgetRulesOf(compiled);
  const found = new Map<string, BudgetInPeriod>();
  const moments = [...stepsBetween(from, to), to - 1];
  for (const at of moments) for (const rule of rules) for (const budget of budgetsOf(rule, at)) found.set(budgetKey(budget), budget);
  return [...found.values()];
}

function stepsBetween(from: Instant, to: Instant): readonly Instant[] {
  const count = Math.max(1, Math.ceil((to - from) / STEP));
  return Array.from({ length: count }, (_, index) => from + index * STEP);
}
