/** Billing periods of a bill that was read: they replace those of earlier imports. */
import type { ImportedPeriod } from '../policy/house-records.js';
import type { TimeSpan } from './budgets.js';
import type { Db } from './db.js';
import { LINE_COLUMNS } from './focus-row.js';

/** Where the rows of one import wait, seen by its connection only, until all of them are known to be good. */
export const STAGING = `create temporary table focus_staging on commit drop as select ${LINE_COLUMNS} from focus_rows limit 0`;

const LOCK = 7_206_411_930_414;

export interface Replacement {
  readonly periods: readonly ImportedPeriod[];
  /** When the charges began that are new or gone, by billing period. */
  readonly spans: readonly TimeSpan[];
  readonly notices: readonly string[];
}

interface PeriodRow extends ImportedPeriod {
  readonly firstCharge: number;
  readonly lastCharge: number;
}

/**
 * Puts the waiting rows in place of all rows of the same billing accounts and periods. Imports do this one after the other, from here
 * to their commit, so that of two with the same period the later one stands, whole.
 */
export async function replaceBillingPeriods(db: Db, importId: string): Promise<Replacement> {
  await db.query('select pg_advisory_xact_lock($1)', [LOCK]);
  await db.query(
    `create temporary table focus_periods on commit drop as
     select billing_account, billing_period_start, max(billing_period_end) as billing_period_end, count(*) as rows, sum(cost) as cost,
       min(charge_start) as first_charge, max(charge_start) as last_charge
     from focus_staging group by billing_account, billing_period_start`,
  );
  const { rows } = await db.query<PeriodRow>(
    `with gone as (
       delete from focus_rows r using focus_periods p
       where r.billing_account = p.billing_account and r.billing_period_start = p.billing_period_start
       returning r.billing_account, r.billing_period_start, r.charge_start
     ), counted as (
       select billing_account, billing_period_start, count(*) as rows, min(charge_start) as first_charge, max(charge_start) as last_charge
       from gone group by billing_account, billing_period_start
     )
     select p.billing_account as "billingAccount", p.billing_period_start as start, p.billing_period_end as "end", p.rows, p.cost,
       coalesce(c.rows, 0) as "replacedRows", least(p.first_charge, c.first_charge) as "firstCharge",
       greatest(p.last_charge, c.last_charge) as "lastCharge"
     from focus_periods p left join counted c using (billing_account, billing_period_start)
     order by p.billing_account, p.billing_period_start`,
  );
  await db.query(`insert into focus_rows (import_id, ${LINE_COLUMNS}) select $1, ${LINE_COLUMNS} from focus_staging`, [importId]);
  const periods = rows.map(toPeriod);
  return { periods, spans: spansOf(rows), notices: periods.flatMap(shrunk) };
}

function toPeriod({ billingAccount, start, end, rows, cost, replacedRows }: PeriodRow): ImportedPeriod {
  return { billingAccount, start, end, rows, cost, replacedRows };
}

/** One for all accounts of a month. */
function spansOf(rows: readonly PeriodRow[]): readonly TimeSpan[] {
  const spans = new Map<number, TimeSpan>();
  for (const { start, firstCharge, lastCharge } of rows) {
    const { from, to } = spans.get(start) ?? { from: firstCharge, to: lastCharge + 1 };
    spans.set(start, { from: Math.min(from, firstCharge), to: Math.max(to, lastCharge + 1) });
  }
  return [...spans.values()];
}

/** A stray row of another month would replace that whole month: it has to be seen. */
function shrunk({ billingAccount, start, rows, replacedRows }: ImportedPeriod): string[] {
  if (rows * 2 >= replacedRows) return [];
  const month = new Date(start).toISOString().slice(0, 10);
  return [`the billing period from ${month} of account \`${billingAccount}\` had ${replacedRows} rows and has ${rows} now`];
}
