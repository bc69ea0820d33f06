/** Crossings of thresholds: each is written once, for its period and the amount that the budget had then. */
import type { BudgetInPeriod, BudgetKey } from '../policy/budget.js';
import type { Crossing } from '../policy/budget-thresholds.js';
import { keyColumns } from './budget-actuals.js';
import { type Db, toTimestamp } from './db.js';

/** Writes crossings that are new, for budgets that are locked; somebody has to tell of them: `takeUntold`. */
export async function insertCrossings(db: Db, crossings: readonly Crossing[]): Promise<void> {
  if (crossings.length === 0) return;
  await db.query(
    `insert into budget_crossings (policy_name, rule_name, period, percent, of, action, budget, observed, crossed_at, told)
     select c.*, false from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $9::timestamptz[]) as c
     on conflict do nothing`,
    [
      ...keyColumns(crossings),
      crossings.map(({ percent }) => percent),
      crossings.map(({ of }) => of),
      crossings.map(({ action }) => action),
      crossings.map(({ budget }) => budget),
      crossings.map(({ observed }) => observed),
      crossings.map(({ crossedAt }) => toTimestamp(crossedAt)),
    ],
  );
}

/** Those that nobody has told of yet, for the amounts that the budgets have now: whoever takes them tells of them, in the same transaction. */
export async function takeUntold(
  db: Db,
  budgets: readonly Pick<BudgetInPeriod, keyof BudgetKey | 'budget'>[],
): Promise<readonly Crossing[]> {
  const { rows } = await db.query<Crossing>(
    `update budget_crossings set told = true
     where not told and (policy_name, rule_name, period, budget) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::numeric[]))
     returning ${COLUMNS}`,
    [...keyColumns(budgets), budgets.map(({ budget }) => budget)],
  );
  return rows;
}

/** Those of these periods, for the amounts that the budgets have now. */
export async function listCrossings(
  db: Db,
  budgets: readonly Pick<BudgetInPeriod, keyof BudgetKey | 'budget'>[],
): Promise<readonly Crossing[]> {
  const { rows } = await db.query<Crossing>(
    `select ${COLUMNS} from budget_crossings
     where (policy_name, rule_name, period, budget) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::numeric[]))
     order by crossed_at, percent`,
    [...keyColumns(budgets), budgets.map(({ budget }) => budget)],
  );
  return rows;
}

const COLUMNS = `policy_name as "policyName", rule_name as "ruleName", period, percent::float8 as percent, of, action, budget, observed,
  crossed_at as "crossedAt"`;
