/** Bills become actual, commitments turn into it, and each threshold is told of once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { watchBudgets } from '../../src/activities/budget-watches.js';
import { budgetSchema } from '../../src/api/contract/budget.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { pageOf } from '../../src/api/contract/page.js';
import { periodAt } from '../../src/policy/budget-period.js';
import { touchedBudgets } from '../../src/policy/budget-rules.js';
import { DAY } from '../../src/policy/durations.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { settleActuals } from '../../src/store/budget-settle.js';
import { readBudgets } from '../../src/store/budgets.js';
import { toTimestamp, transaction } from '../../src/store/db.js';
import { listNotices } from '../../src/store/outbox.js';
import { type BudgetWatchInput, budgetChanged } from '../../src/workflows/budget-messages.js';
import { SA_PHASE, WORKFLOWS, workflowIds } from '../../src/workflows/messages.js';
import { createWorld, read, until, type World } from '../api/world.js';
import { recordHistory } from '../support/histories.js';
import { budgetPolicy, compiledOf, costing, totalsOf, wrongTotals } from './budgets.js';

const BILLED_AFTER = 3 * DAY;
const { period, from, to } = periodAt('yearly', Date.now());
/** Half of the year, as a bill and as a commitment see it. */
const MIDDLE = from + Math.round((to - from) / 2);

const THRESHOLDS = [
  '{ percent: 50, action: notify }',
  '{ percent: 60, of: forecast, action: notify, channels: ["slack:#alpha"] }',
  '{ percent: 90, action: block-new-resources }',
].join(', ');
const POLICY = budgetPolicy({
  a: `{ yearly: 1000, alertThresholds: [${THRESHOLDS}] }`,
  b: '{ yearly: 1000 }',
});

let world: World;
beforeAll(async () => {
  world = await createWorld({ policies: parsePolicies(POLICY, 'test.yaml').documents });
  await world.database.pool.query(
    `insert into focus_imports (id, status, currency, cost_column, created_by, started_at, seen_at)
     values ('imp_1', 'completed', 'USD', 'EffectiveCost', 'test', now(), now())`,
  );
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('truncate budgets, holds, budget_crossings, focus_rows');
});

interface Charge {
  readonly cost: string;
  readonly tags?: object;
  readonly start?: number;
  readonly end?: number;
  readonly resource?: string | null;
  readonly account?: string;
  readonly category?: string;
  readonly service?: string;
}

async function bill(charges: readonly Charge[], at = to): Promise<void> {
  await transaction(world.database.pool, async (db) => {
    for (const {
      cost,
      tags = { team: 'a' },
      start = from,
      end = from + DAY,
      resource = null,
      account = '1',
      category = 'Compute',
      service = 'Amazon Elastic Compute Cloud',
    } of charges) {
      await db.query(
        `insert into focus_rows (import_id, billing_account, billing_period_start, billing_period_end, charge_start, charge_end, cost, sub_account,
           resource_id, service_category, charge_category, tags, service_name)
         values ('imp_1', 'payer', $1, $2, $3, $4, $5, $6, $7, $8, 'Usage', $9, $10)`,
        [...[from, to, start, end].map((time) => toTimestamp(time)), cost, account, resource, category, JSON.stringify(tags), service],
      );
    }
    await settleActuals(db, [{ from, to }], { at, billedAfterMs: BILLED_AFTER });
  });
}

const actualOf = async (rule: string) => Number((await totalsOf(world.database.pool, rule, period))?.actual);

describe('actual', () => {
  test('is what the bill has for the selector in the period, credits taken off, each import counted anew', async () => {
    await bill([
      { cost: '100.10' },
      { cost: '-0.10' },
      { cost: '7', tags: { team: 'b', more: 'x' } },
      { cost: '1000', tags: { team: 'c' } },
      { cost: '5', start: from - 1 },
      { cost: '6', start: to },
    ]);
    expect([await actualOf('a'), await actualOf('b')]).toEqual([100, 7]);
    await world.database.pool.query('truncate focus_rows');
    await bill([{ cost: '3' }]);
    expect([await actualOf('a'), await actualOf('b')]).toEqual([3, 0]);
  });

  test('of a new budget, or of one whose selector has changed, is counted when it is first asked for', async () => {
    await bill([
      { cost: '3', tags: { team: 'z' } },
      { cost: '4', tags: { team: 'z' }, account: '2', category: 'Storage' },
      { cost: '50', tags: {} },
    ]);
    const select = async (selector: string) => {
      const compiled = compiledOf(budgetPolicy({ a: '{ yearly: 1000 }' }).replace('{ tags: { team: a } }', selector));
      const touched = touchedBudgets(compiled, [costing('1', { account: '2', type: 'storage/volume', tags: { team: 'z' } })], from);
      const { pool } = world.database;
      return [...(await readBudgets(pool, touched, to)).values()].map(({ actual }) => Number(actual));
    };
    expect(await select('{ tags: { team: z } }')).toEqual([7]);
    expect(await select('{ tags: { team: z }, account: "2" }')).toEqual([4]);
    expect(await select('{ tags: {}, service: storage/* }')).toEqual([4]);
    expect(await select('{ tags: {} }')).toEqual([57]);
    expect(await select('{ service: storage }')).toEqual([4]);
    expect(await select('{ service: STORAGE }')).toEqual([4]);
    expect(await select('{ service: Amazon Elastic Compute Cloud }')).toEqual([57]);
    expect(await select('{ service: amazon elastic*, account: "2" }')).toEqual([4]);
  });
});

describe('what is committed', () => {
  async function committed(name: string, takenAt: number): Promise<void> {
    await bill([]);
    await world.database.pool.query(
      `insert into holds (id, policy_name, rule_name, period, amount, status, decision_id, principal, requester, resources, taken_at, expires_at)
       values ($1, 'budgets', 'b', $2, 100, 'committed', 'dec_1', 'p', 'p', array[$3], $4, $4)`,
      [`hold_${name}`, period, name, toTimestamp(takenAt)],
    );
  }
  const left = async () => (await totalsOf(world.database.pool, 'b', period))?.committed;
  const other = { tags: { team: 'b' }, cost: '1' };

  test('turns into actual as its resource is billed, by the share of its time, and is never counted twice', async () => {
    await committed('i-1', from);
    await bill([]);
    expect(await left()).toBe('100');
    await bill([{ ...other, resource: 'i-1', end: MIDDLE }]);
    expect(await left()).toBe('50.00');
    await bill([{ ...other, resource: 'i-1', start: MIDDLE, end: to }]);
    expect(await left()).toBe('0');
    expect(await wrongTotals(world.database.pool)).toEqual([]);
  });

  test('and by age where no row names its resource', async () => {
    await committed('i-2', MIDDLE);
    await bill([{ ...other, resource: 'i-9', end: MIDDLE + BILLED_AFTER - 1 }]);
    expect(await left()).toBe('100');
    await bill([{ ...other, resource: 'i-9', start: MIDDLE, end: MIDDLE + Math.round((to - MIDDLE) / 4) }]);
    expect(await left()).toBe('75.00');
  });

  test('is committed again where an import is replaced by one that has less', async () => {
    await committed('i-3', from);
    await bill([{ ...other, resource: 'i-3', end: to }]);
    expect(await left()).toBe('0');
    await world.database.pool.query('truncate focus_rows');
    await bill([]);
    expect(await left()).toBe('100');
  });
});

describe('a threshold', () => {
  const id = workflowIds.budget('budgets', 'a');
  const handle = () => world.client.workflow.getHandle(id);
  const notices = async () =>
    (await listNotices(world.database.pool, id)).map(({ stage, recipient }) => `${stage.split(':').slice(2, 4).join(' ')} ${recipient}`);
  const looks = async () => {
    const { events } = await handle().fetchHistory();
    return (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes).length;
  };
  async function changed(): Promise<void> {
    const before = await looks();
    await handle().signal(budgetChanged);
    await until(looks, (count) => count > before);
  }
  const details = async () => (await handle().query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
  const phase = async () => (await handle().describe()).typedSearchAttributes.get(SA_PHASE);
  const ask = async () =>
    read(
      decisionSchema,
      await world.ask('POST', '/v1/evaluate', {
        as: 'deployer',
        body: { type: 'compute/instance', name: 'web', account: '1', namespace: 'x', tags: { team: 'a' }, cost: { monthly: '1' } },
      }),
    );

  test('is told once for its crossing and period, blocks until the amount is raised, and its watch ends with the rule', {
    timeout: 60_000,
  }, async () => {
    const input: BudgetWatchInput = { policyName: 'budgets', ruleName: 'a', gatherMs: 10, lookEveryMs: 3_600_000 };
    await world.client.workflow.start(WORKFLOWS.budgetWatch, { taskQueue: 'tollgate', workflowId: id, args: [input] });
    await until(looks, (count) => count > 0);
    expect(await notices()).toEqual([]);

    // Billed up to the middle: twice as much is the forecast.
    await bill([{ cost: '499.99', start: from, end: Math.min(MIDDLE, Date.now() - DAY) }]);
    await changed();
    expect(await notices()).toEqual(['forecast 60 slack:#alpha']);
    await bill([{ cost: '0.01' }]);
    await changed();
    await changed();
    expect((await notices()).sort()).toEqual(['actual 50 finops@company.com', 'forecast 60 slack:#alpha']);
    expect(await ask()).toMatchObject({ decision: 'allow' });

    await bill([{ cost: '400' }]);
    await changed();
    expect(await notices()).toHaveLength(3);
    await until(phase, (shown) => shown === 'blocked');
    await bill([{ cost: '-800' }]);
    expect(await ask()).toMatchObject({ decision: 'deny', violations: [{ path: 'budget.yearly' }] });
    await changed();
    // What was crossed is told beside the money that no longer says so.
    const moment = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC';
    const end = `${new Date(to).toISOString().slice(0, 10)}, or until the budget is raised`;
    expect((await details()).split('\n\n')).toEqual([
      '`budgets/a` is **blocked**',
      expect.stringMatching(
        new RegExp(
          `^blocked since ${moment}: 90% crossed, with 900.00 of 1000.00 USD spent or committed then; new resources are denied until ${end}$`,
        ),
      ),
      expect.stringMatching(new RegExp(`^${period}: 100.00 billed, 0.00 committed, \\d+\\.\\d\\d held of 1000.00 USD$`)),
      expect.stringMatching(new RegExp(`^told on ${moment}: 50% crossed, with 500.00 of 1000.00 USD spent or committed then$`)),
      expect.stringMatching(new RegExp(`^told on ${moment}: 60% crossed, with \\d+\\.\\d\\d of 1000.00 USD forecast then$`)),
    ]);
    expect(await notices()).toHaveLength(3);
    const { items } = read(pageOf(budgetSchema), await world.ask('GET', '/v1/budgets'));
    expect(items[0]?.thresholds.map(({ crossed_at: at }) => at === null)).toEqual([false, false, false]);

    const raised = compiledOf(POLICY.replace('yearly: 1000, alert', 'yearly: 1001, alert'));
    const touched = touchedBudgets(raised, [costing('1')], Date.now());
    expect([...(await readBudgets(world.database.pool, touched, Date.now())).values()].map(({ crossed }) => crossed)).toEqual([[]]);

    await world.database.pool.query(`update policies set active_version = null where name = 'budgets'`);
    await handle().signal(budgetChanged);
    expect(await handle().result()).toBe(3);
    await recordHistory(world.client, id, 'budget-watched');
    await world.database.pool.query(`update policies set active_version = '1.0.0' where name = 'budgets'`);
  });

  test('that acts is noted with the bill that crosses it: a correction before its watch looks takes nothing back, and it is told once', {
    timeout: 60_000,
  }, async () => {
    await world.database.pool.query('truncate outbox cascade');
    await bill([{ cost: '900' }], Date.now());
    await bill([{ cost: '-899' }], Date.now());
    expect(await ask()).toMatchObject({ decision: 'deny', violations: [{ path: 'budget.yearly' }] });
    expect(await notices()).toEqual([]);
    const input: BudgetWatchInput = { policyName: 'budgets', ruleName: 'a', gatherMs: 10, lookEveryMs: 3_600_000 };
    await world.client.workflow.start(WORKFLOWS.budgetWatch, { taskQueue: 'tollgate', workflowId: id, args: [input] });
    await until(notices, (told) => told.length > 0);
    await changed();
    expect(await notices()).toEqual(['actual 90 finops@company.com']);
    await handle().terminate();
  });

  test('is watched for each rule of an enforcing policy; the watch of one that no longer enforces ends', { timeout: 60_000 }, async () => {
    const deps = { pool: world.database.pool, temporal: world.client, taskQueue: 'tollgate', now: Date.now };
    expect(await watchBudgets(deps)).toBe(2);
    const other = world.client.workflow.getHandle(workflowIds.budget('budgets', 'b'));
    expect((await other.describe()).status.name).toBe('RUNNING');
    expect(await watchBudgets(deps, 'budgets')).toBe(2);
    await until(
      async () => (await world.database.pool.query('select 1 from budgets')).rowCount,
      (count) => count === 2,
    );
    await world.database.pool.query(`update policies set active_version = null where name = 'budgets'`);
    expect(await watchBudgets(deps, 'budgets')).toBe(0);
    await Promise.all([other.result(), handle().result()]);
  });
});
