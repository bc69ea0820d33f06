/** What was billed, as budgets count it: worked out from the imported rows, and what is committed turned into it. */
import { type BudgetKey, type BudgetSelector, budgetKey } from '../policy/budget.js';
import { matchGlob } from '../policy/match.js';
import type { Decimal, Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

/** Three columns for `unnest`. */
export function keyColumns(keys: readonly BudgetKey[]): readonly [string[], string[], string[]] {
  return [keys.map(({ policyName }) => policyName), keys.map(({ ruleName }) => ruleName), keys.map(({ period }) => period)];
}

/** Families of our resource types as a bill has them (FOCUS `ServiceCategory`). */
const SERVICE_CATEGORIES: Readonly<Record<string, string>> = {
  compute: 'Compute',
  storage: 'Storage',
  database: 'Databases',
  network: 'Networking',
};

/** The categories that a glob over resource types stands for, null for all of them. A bill tells families apart and no kinds within them. */
function categoriesOf(service: string | undefined): readonly string[] | null {
  if (service === undefined || service === '*') return null;
  const [family = ''] = service.split('/');
  return Object.entries(SERVICE_CATEGORIES).flatMap(([own, billed]) => (matchGlob(family, own) ? [billed] : []));
}

export interface BudgetToCount extends BudgetKey {
  /** Inclusive, and exclusive. */
  readonly from: Instant;
  readonly to: Instant;
  readonly selector: BudgetSelector;
}

export interface Actual extends BudgetKey {
  readonly actual: Decimal;
  /** Up to when billing data is in; null without any. */
  readonly actualUntil: Instant | null;
}

/**
 * What was billed for these budgets, by all rows of the bills there are. A charge counts in the period in which it began. The rows are
 * read once, however many budgets there are: charges that are alike to a budget are summed first, and every period begins with a month.
 */
export async function readActuals(db: Db, budgets: readonly BudgetToCount[], at: Instant): Promise<readonly Actual[]> {
  if (budgets.length === 0) return [];
  const { rows } = await db.query<Actual>(
    `with charges as materialized (
       select date_trunc('month', charge_start, 'UTC') as month, tags, coalesce(sub_account, billing_account) as account,
         service_category as category, sum(cost) as cost
       from focus_rows where charge_start >= $10 and charge_start < $11 and tags @> $12 group by 1, 2, 3, 4
     ), used as materialized (
       select date_trunc('month', charge_start, 'UTC') as month, max(charge_end) as until
       from focus_rows where charge_start >= $10 and charge_start < $11 and charge_category = 'Usage' group by 1
     )
     select w.policy as "policyName", w.rule as "ruleName", w.period,
       (select coalesce(sum(c.cost), 0) from charges c
        where c.month >= w.starts and c.month < w.ends and c.tags @> w.tags and (w.account is null or c.account = w.account)
          and (w.categories = 'null' or w.categories ? c.category)) as actual,
       (select case when count(*) > 0 then least(max(u.until), w.ends, $9) end from used u
        where u.month >= w.starts and u.month < w.ends) as "actualUntil"
     from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::jsonb[])
       as w (policy, rule, period, starts, ends, tags, account, categories)`,
    [
      ...keyColumns(budgets),
      budgets.map(({ from }) => toTimestamp(from)),
      budgets.map(({ to }) => toTimestamp(to)),
      budgets.map(({ selector }) => JSON.stringify(selector.tags)),
      budgets.map(({ selector }) => selector.account ?? null),
      budgets.map(({ selector }) => JSON.stringify(categoriesOf(selector.service))),
      toTimestamp(at),
      toTimestamp(Math.min(...budgets.map(({ from }) => from))),
      toTimestamp(Math.max(...budgets.map(({ to }) => to))),
      JSON.stringify(commonTags(budgets)),
    ],
  );
  return rows;
}

/** What a charge has to have to count for any of these: of one budget, all that it selects by. */
function commonTags([first, ...others]: readonly BudgetToCount[]): BudgetSelector['tags'] {
  const tags = Object.entries(first?.selector.tags ?? {});
  return Object.fromEntries(tags.filter(([key, value]) => others.every(({ selector }) => selector.tags[key] === value)));
}

/** Works out `actual` of these budgets, which are locked, and notes by which selector. Safe to repeat: what is counted is what is there. */
export async function countActuals(db: Db, budgets: readonly BudgetToCount[], at: Instant): Promise<void> {
  await writeActuals(db, budgets, await readActuals(db, budgets, at));
}

/** Notes what `readActuals` found for these budgets, which are locked, and by which selector. */
export async function writeActuals(db: Db, budgets: readonly BudgetToCount[], actuals: readonly Actual[]): Promise<void> {
  const selectors = new Map(budgets.map((budget) => [budgetKey(budget), JSON.stringify(budget.selector)]));
  await db.query(
    `update budgets b set actual = c.actual, actual_until = c.actual_until, selector = c.selector
     from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::timestamptz[], $6::jsonb[])
       as c (policy, rule, period, actual, actual_until, selector)
     where b.policy_name = c.policy and b.rule_name = c.rule and b.period = c.period`,
    [
      ...keyColumns(actuals),
      actuals.map(({ actual }) => actual),
      actuals.map(({ actualUntil }) => toTimestamp(actualUntil)),
      actuals.map((actual) => selectors.get(budgetKey(actual))),
    ],
  );
}

/**
 * Takes off what is committed on these budgets, which are locked, what the bill has by now. A commitment is for the time from its decision
 * to the end of the period; the share of that time which is billed has become actual. Billed is what a row of one of its resources says,
 * by id or name; where none names them, all data, once they reach `billedAfterMs` past the decision.
 */
export async function settleCommitted(db: Db, budgets: readonly BudgetKey[], billedAfterMs: number): Promise<void> {
  await db.query(
    `with promised as (
       select h.id, h.amount, h.taken_at, h.resources, b.starts_at, b.ends_at, b.actual_until
       from holds h
       join unnest($1::text[], $2::text[], $3::text[]) as k (policy, rule, period)
         on h.policy_name = k.policy and h.rule_name = k.rule and h.period = k.period
       join budgets b on b.policy_name = h.policy_name and b.rule_name = h.rule_name and b.period = h.period
       where h.status in ('committed', 'settled')
     ), named as (
       select p.id, p.starts_at, p.ends_at, p.taken_at, name from promised p cross join unnest(p.resources) as name
     ), billed as (
       select id, max(charge_end) as until from (
         select n.id, r.charge_end from named n join focus_rows r on r.resource_id = n.name
           and r.charge_start >= n.starts_at and r.charge_start < n.ends_at and r.charge_end > n.taken_at
         union all
         select n.id, r.charge_end from named n join focus_rows r on r.resource_name = n.name
           and r.charge_start >= n.starts_at and r.charge_start < n.ends_at and r.charge_end > n.taken_at
       ) as found group by id
     ), covered as (
       select p.id, p.amount, p.taken_at, p.ends_at, coalesce(f.until,
         case when p.actual_until >= p.taken_at + $4 * interval '1 millisecond' then p.actual_until end) as billed_until
       from promised p left join billed f on f.id = p.id
     ), shares as (
       select id, amount, case
         when billed_until is null or billed_until <= taken_at then 0
         when billed_until >= ends_at or ends_at <= taken_at then amount
         else round(amount * extract(epoch from billed_until - taken_at) / extract(epoch from ends_at - taken_at), 2) end as settled
       from covered
     )
     update holds h set settled = s.settled, status = case when s.settled = s.amount then 'settled' else 'committed' end
     from shares s where h.id = s.id and h.settled <> s.settled`,
    [...keyColumns(budgets), billedAfterMs],
  );
  await db.query(
    `update budgets b set committed = coalesce((select sum(h.amount - h.settled) from holds h where h.policy_name = b.policy_name
       and h.rule_name = b.rule_name and h.period = b.period and h.status = 'committed'), 0)
     from unnest($1::text[], $2::text[], $3::text[]) as k (policy, rule, period)
     where b.policy_name = k.policy and b.rule_name = k.rule and b.period = k.period`,
    keyColumns(budgets),
  );
}
