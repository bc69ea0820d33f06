/** The gate over HTTP: however many ask at once, whatever dies in between, no budget is exceeded and no cent is lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { budgetDetailSchema, budgetSchema, holdSchema } from '../../src/api/contract/budget.js';
import { decisionSchema, type WireDecision } from '../../src/api/contract/evaluate.js';
import { pageOf } from '../../src/api/contract/page.js';
import { freePort } from '../../src/local/processes.js';
import { periodAt, prorate } from '../../src/policy/budget-period.js';
import { HOUR } from '../../src/policy/durations.js';
import { divide, multiply, sum } from '../../src/policy/money.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { createWorld, read, readProblem, until, type World } from '../api/world.js';
import { createDatabaseProxy } from '../support/database-proxy.js';
import { budgetPolicy, wrongTotals } from './budgets.js';

const REQUESTS = 1_000;
const ROOM = 400;
/** What each request takes of the year, to the cent, now and for the next minutes. */
const AMOUNT = '1.37';
const { period, to } = periodAt('yearly', Date.now());
const MONTHLY = divide(multiply(AMOUNT, String(730 * HOUR)), String(to - Date.now()), 6);

let world: World;
beforeAll(async () => {
  const policies = parsePolicies(
    [
      budgetPolicy({ a: `{ yearly: "${multiply(AMOUNT, String(ROOM))}" }` }),
      budgetPolicy({ strict: '{ yearly: 1000 }' }, 'strict').replace('name: strict,', 'name: strict, onUnknown: deny,'),
    ].join('\n---\n'),
    'test.yaml',
  );
  world = await createWorld({ worker: false, policies: policies.documents });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('truncate budgets, holds, budget_crossings, decisions');
});

const body = (differing: object = {}) => ({
  type: 'compute/instance',
  name: 'web-1',
  account: '111122223333',
  namespace: 'production',
  region: 'us-east-1',
  tags: { team: 'a' },
  cost: { monthly: MONTHLY },
  ...differing,
});

async function evaluate(differing: object = {}, api: Pick<World, 'ask'> = world): Promise<WireDecision> {
  return read(decisionSchema, await api.ask('POST', '/v1/evaluate', { as: 'deployer', body: body(differing) }));
}

/** What the database has, as sums. */
async function ledger(): Promise<{ readonly held: string; readonly count: number; readonly decisions: readonly string[] }> {
  const { pool } = world.database;
  const { rows } = await pool.query<{ amount: string; decision: string }>(
    `select amount, decision_id as decision from holds where status = 'held'`,
  );
  expect(await wrongTotals(pool)).toEqual([]);
  return { held: sum(rows.map(({ amount }) => amount)), count: rows.length, decisions: rows.map(({ decision }) => decision).sort() };
}

test(`of ${REQUESTS} concurrent evaluations by two processes against a budget with room for ${ROOM}, exactly these are allowed`, async () => {
  expect(prorate(MONTHLY, Date.now(), to)).toBe(AMOUNT);
  const other = await world.another();
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, (_, index) => evaluate({ name: `web-${index}` }, index % 2 === 0 ? world : other)),
  );
  const allowed = answers.filter((answer) => answer.allowed);
  expect(allowed).toHaveLength(ROOM);
  expect(answers.filter(({ decision }) => decision === 'deny')).toHaveLength(REQUESTS - ROOM);
  expect(allowed.flatMap(({ holds }) => holds.map(({ amount }) => amount))).toEqual(Array.from({ length: ROOM }, () => AMOUNT));
  expect(await ledger()).toMatchObject({ held: '548.00', count: ROOM, decisions: allowed.map((answer) => answer.decision_id).sort() });
  const denied = answers.find(({ decision }) => decision === 'deny');
  expect(denied?.holds).toEqual([]);
  expect(denied?.violations).toMatchObject([
    {
      policy_name: 'budgets',
      rule_name: 'a',
      path: 'budget.yearly',
      observed: '549.37',
      limit: '548.00',
      message: `Requested cost of 1.37 brings yearly budget ${period} to 549.37, exceeds limit of 548.00`,
      fix: null,
    },
  ]);
});

describe('killed in the middle and started again', () => {
  let port: number;
  let child: ChildProcess;
  const start = async () => {
    const env = {
      ...process.env,
      DATABASE_URL: world.database.connectionString,
      TEMPORAL_ADDRESS: world.temporal.address,
      TEMPORAL_NAMESPACE: world.temporal.namespace,
      TOLLGATE_PORT: String(port),
      TOLLGATE_LOG_LEVEL: 'error',
    };
    child = fork(fileURLToPath(new URL('../../src/server.ts', import.meta.url)), { execArgv: ['--import', 'tsx'], env });
    await once(child, 'message');
  };
  const kill = async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  beforeAll(async () => {
    port = await freePort();
  });

  /** Asks until there is an answer, as a pipeline does that is started again. */
  async function insist(key: string): Promise<WireDecision> {
    for (;;) {
      const answer = await post(key).catch(() => undefined);
      if (answer !== undefined) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  async function post(key: string): Promise<WireDecision> {
    const response = await fetch(`http://127.0.0.1:${port}/v1/evaluate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokens.deployer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body({ name: key, idempotency_key: key })),
    });
    return decisionSchema.parse(await response.json());
  }

  test('no acknowledged hold is lost, and nothing is held twice', { timeout: 120_000 }, async () => {
    await start();
    let acknowledged = 0;
    const asked = Array.from({ length: REQUESTS }, async (_, index) => {
      const answer = await insist(`build-${index}`);
      acknowledged += 1;
      return answer;
    });
    await until(
      async () => acknowledged,
      (count) => count >= 100,
    );
    await kill();
    const before = acknowledged;
    await start();
    const answers = await Promise.all(asked);
    await kill();
    expect(before).toBeLessThan(REQUESTS);
    const allowed = answers.filter((answer) => answer.allowed);
    const { held, count, decisions } = await ledger();
    expect(allowed).toHaveLength(ROOM);
    expect({ held, count }).toEqual({ held: '548.00', count: ROOM });
    expect(decisions).toEqual(allowed.map((answer) => answer.decision_id).sort());
  });
});

test('dry runs and denials hold nothing, and say what there would be', async () => {
  expect(await evaluate({ dry_run: true })).toMatchObject({ decision: 'allow', holds: [] });
  expect(await evaluate({ cost: { monthly: '99999' } })).toMatchObject({ decision: 'deny', holds: [] });
  expect(await evaluate({ cost: { monthly: '99999' }, dry_run: true })).toMatchObject({ decision: 'deny', holds: [] });
  expect(await ledger()).toMatchObject({ count: 0 });
});

test('the fix of a request that does not fit is the most that does', async () => {
  const { violations } = await evaluate({ cost: { monthly: '99999' } });
  const monthly = violations[0]?.fix?.set['cost.monthly'];
  expect(await evaluate({ cost: { monthly } })).toMatchObject({ decision: 'allow' });
  // It was worked out a moment before.
  expect(Number((await ledger()).held)).toBeGreaterThan(547.97);
});

test('a plan evaluated again replaces its own holds, and so does a deployment by its key', async () => {
  const plan = {
    resources: [{ type: 'compute/instance', address: 'aws_instance.web', account: '1', tags: { team: 'a' }, cost: { monthly: MONTHLY } }],
  };
  const ask = async (request: object) => read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as: 'deployer', body: request }));
  await ask(plan);
  await ask(plan);
  expect((await ledger()).count).toBe(1);
  await evaluate({ idempotency_key: 'build-1' });
  await evaluate({ idempotency_key: 'build-1' });
  expect((await ledger()).count).toBe(2);
  await evaluate();
  await evaluate();
  expect((await ledger()).count).toBe(4);
});

test('a hold is committed or released by its id, each once and audited, and budgets show the three', async () => {
  const [first, second] = [(await evaluate()).holds[0], (await evaluate()).holds[0]];
  const move = (id: string | undefined, what: string, as: 'deployer' | 'engineer' = 'deployer') =>
    world.ask('POST', `/v1/holds/${id ?? ''}/${what}`, { as });
  expect(read(holdSchema, await move(first?.id, 'commit'))).toMatchObject({
    status: 'committed',
    amount: AMOUNT,
    committed_by: 'deployer@company.com',
  });
  expect(read(holdSchema, await move(first?.id, 'commit')).status).toBe('committed');
  expect(readProblem(await move(first?.id, 'release'), 409).detail).toBe(`hold \`${first?.id}\` is committed`);
  expect(read(holdSchema, await move(second?.id, 'release')).status).toBe('released');
  readProblem(await move(second?.id, 'commit'), 409);
  readProblem(await move('hold_none', 'commit'), 404);
  readProblem(await move(first?.id, 'commit', 'engineer'), 403);
  const { rows } = await world.database.pool.query<{ action: string }>(
    `select action from audit_log where subject = any ($1) order by seq`,
    [[first?.id, second?.id]],
  );
  expect(rows.map(({ action }) => action)).toEqual(['hold.commit', 'hold.release']);

  await evaluate();
  const listed = read(pageOf(budgetSchema), await world.ask('GET', '/v1/budgets', { as: 'viewer' }));
  expect(listed.items.map(({ policy_name, rule_name }) => [policy_name, rule_name])).toEqual([
    ['budgets', 'a'],
    ['strict', 'strict'],
  ]);
  const three = {
    budget: '548.00',
    actual: '0.00',
    committed: AMOUNT,
    held: AMOUNT,
    remaining: '545.26',
    forecast: AMOUNT,
    currency: 'USD',
  };
  expect(listed.items[0]).toMatchObject({ period, ...three });
  const shown = read(budgetDetailSchema, await world.ask('GET', '/v1/budgets/budgets/a', { as: 'viewer' }));
  expect(shown.periods).toMatchObject([three]);
  expect(shown.holds.items.map(({ status }) => status)).toEqual(['held', 'released', 'committed']);
  readProblem(await world.ask('GET', '/v1/budgets/budgets/none', { as: 'viewer' }), 404);
});

test('budgets are listed page by page', async () => {
  const first = read(pageOf(budgetSchema), await world.ask('GET', '/v1/budgets?limit=1'));
  const second = read(pageOf(budgetSchema), await world.ask('GET', `/v1/budgets?limit=1&cursor=${first.next}`));
  expect([...first.items, ...second.items].map(({ rule_name }) => rule_name)).toEqual(['a', 'strict']);
  expect(second.next).toBeNull();
});

test('with the database away a budget is unknown, by onUnknown, and nothing is held; afterwards it is known again', async () => {
  const proxy = await createDatabaseProxy(world.database.connectionString);
  const api = await world.another({ connectionString: proxy.connectionString });
  await evaluate({ dry_run: true }, api);
  proxy.cut();
  await until(async () => api.deps.snapshot.degraded, Boolean);
  const unknowns = [{ path: 'budget.yearly', reason: 'the state of the budget is not known' }];
  expect(await evaluate({}, api)).toMatchObject({ decision: 'warn', allowed: true, degraded: true, holds: [], unknowns });
  expect(await evaluate({ tags: { team: 'strict' } }, api)).toMatchObject({ decision: 'deny', degraded: true, holds: [] });
  proxy.restore();
  const back = await until(
    () => evaluate({}, api),
    ({ degraded }) => !degraded,
  );
  expect(back).toMatchObject({ decision: 'allow', holds: [{ amount: AMOUNT }] });
  const { rows } = await world.database.pool.query(`select 1 from decisions where degraded and result like '%"holds":[]%'`);
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(await wrongTotals(world.database.pool)).toEqual([]);
  await proxy.close();
});
