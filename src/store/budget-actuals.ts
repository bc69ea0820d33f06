/** What was billed, as budgets count it: worked out from the imported rows, and what is committed turned into it. */
import type { BudgetKey, BudgetSelector } from '../policy/budget.js';
import { billedServiceOf } from '../policy/budget-service.js';
import type { Decimal, Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

/** Three columns for `unnest`. */
export function keyColumns(keys: readonly BudgetKey[]): readonly [string[], string[], string[]] {
  return [keys.map(({ policyName }) => policyName), keys.map(({ ruleName }) => ruleName), keys.map(({ period }) => period)];
}

export interface BudgetToCount extends BudgetKey {
  /** Inclusive, and exclusive. */
  readonly from: Instant;
  readonly to: Instant;
  readonly selector: BudgetSelector;
}

export interface CountedBudget extends BudgetToCount {
  readonly actual: Decimal;
  /** Up to when billing data is in; null without any. */
  readonly actualUntil: Instant | null;
}

/**
 * What was billed for these budgets, by all rows of the bills there are. A charge counts in the period in which it began. The rows are
 * read once, however many budgets there are: charges that are alike to all of these are summed first, and every period begins with a
 * month. A million rows take a second or more: no lock that a request waits for may be held meanwhile.
 */
export async function readActuals(db: Db, budgets: readonly BudgetToCount[], at: Instant): Promise<readonly CountedBudget[]> {
  if (budgets.length === 0) return [];
  const services = budgets.map(({ selector }) => billedServiceOf(selector.service));
  const { rows } = await db.query<Pick<CountedBudget, 'actual' | 'actualUntil'>>(countingText(tagKeys(budgets)), [
    toTimestamp(Math.min(...budgets.map(({ from }) => from))),
    toTimestamp(Math.max(...budgets.map(({ to }) => to))),
    JSON.stringify(commonTags(budgets)),
    toTimestamp(at),
    budgets.map(({ from }) => toTimestamp(from)),
    budgets.map(({ to }) => toTimestamp(to)),
    budgets.map(({ selector }) => JSON.stringify(selector.tags)),
    budgets.map(({ selector }) => selector.account ?? null),
    services.map((service) => service && JSON.stringify(service.categories)),
    services.map((service) => service && service.like),
    ...tagKeys(budgets),
  ]);
  return rows.map((row, index) => ({ ...(budgets[index] as BudgetToCount), ...row }));
}

/** Charges are told apart by what the budgets select by, and by nothing else: a bill has nearly as many sets of tags as resources. */
function countingText(keys: readonly string[]): string {
  const values = keys.map((_, index) => `tags ->> $${index + 11}::text as tag_${index}, `).join('');
  const groups = Array.from({ length: keys.length + 4 }, (_, index) => index + 1).join(', ');
  const matches = keys.map((_, index) => `and (w.tags ->> $${index + 11} is null or w.tags ->> $${index + 11} = c.tag_${index})`).join(' ');
  return `with charges as materialized (
       select ${values}date_trunc('month', charge_start, 'UTC') as month, coalesce(sub_account, billing_account) as account,
         service_category as category, service_name as service, sum(cost) as cost
       from focus_rows where charge_start >= $1 and charge_start < $2 and tags @> $3 group by ${groups}
     ), used as materialized (
       select date_trunc('month', charge_start, 'UTC') as month, max(charge_end) as until
       from focus_rows where charge_start >= $1 and charge_start < $2 and charge_category = 'Usage' group by 1
     )
     select
       (select coalesce(sum(c.cost), 0) from charges c
        where c.month >= w.starts and c.month < w.ends ${matches} and (w.account is null or c.account = w.account)
          and (w.categories is null or w.categories ? c.category or c.category ilike w.service or c.service ilike w.service)) as actual,
       (select case when count(*) > 0 then least(max(u.until), w.ends, $4) end from used u
        where u.month >= w.starts and u.month < w.ends) as "actualUntil"
     from unnest($5::timestamptz[], $6::timestamptz[], $7::jsonb[], $8::text[], $9::jsonb[], $10::text[])
       with ordinality as w (starts, ends, tags, account, categories, service, place) order by w.place`;
}

/** The keys of the tags by which any of these selects. */
function tagKeys(budgets: readonly BudgetToCount[]): readonly string[] {
  return [...new Set(budgets.flatMap(({ selector }) => Object.keys(selector.tags)))].sort();
}

/** What a charge has to have to count for any of these: of one budget, all that it selects by. */
function commonTags([first, ...others]: readonly BudgetToCount[]): BudgetSelector['tags'] {
  const tags = Object.entries(first?.selector.tags ?? {});
  return Object.fromEntries(tags.filter(([key, value]) => others.every(({ selector }) => selector.tags[key] === value)));
}

/** Notes what was counted, and by which selector; rows that are missing are made. Called by who has ruled out that others count. */
export async function writeActuals(db: Db, counted: readonly CountedBudget[]): Promise<void> {
  await db.query(
    `insert into budgets (policy_name, rule_name, period, starts_at, ends_at, selector, actual, actual_until)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::numeric[], $8::timestamptz[])
     on conflict (policy_name, rule_name, period)
     do update set selector = excluded.selector, actual = excluded.actual, actual_until = excluded.actual_until`,
    [
      ...keyColumns(counted),
      counted.map(({ from }) => toTimestamp(from)),
      counted.map(({ to }) => toTimestamp(to)),
      counted.map(({ selector }) => JSON.stringify(selector)),
      counted.map(({ actual }) => actual),
      counted.map(({ actualUntil }) => toTimestamp(actualUntil)),
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
