/** Crossings of thresholds: each is written once, for its period and the amount that the budget had then. */
import type { BudgetInPeriod, BudgetKey } from '../policy/budget.js';
import type { AlertThreshold, Decimal, Instant } from '../policy/model.js';
import { keyColumns } from './budget-actuals.js';
import { type Db, toTimestamp } from './db.js';

export interface Crossing extends BudgetKey, Pick<AlertThreshold, 'percent' | 'of' | 'action'> {
  /** The amount of the budget when it was crossed. */
  readonly budget: Decimal;
  readonly observed: Decimal;
  readonly crossedAt: Instant;
}

/** Writes crossings and answers those that are new: whoever gets one tells of it, in the same transaction. */
export async function insertCrossings(db: Db, crossings: readonly Crossing[]): Promise<readonly Crossing[]> {
  if (crossings.length === 0) return [];
  const { rows } = await db.query<Crossing>(
    `insert into budget_crossings (policy_name, rule_name, period, percent, of, action, budget, observed, crossed_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $9::timestamptz[])
     on conflict do nothing returning ${COLUMNS}`,
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
