/** What any door logged is made again byte for byte, and explained. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decisionDetail } from '../../src/api/contract/decision.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { packageRoot } from '../../src/package-root.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { createPlanJudge } from '../../src/runtime/plan-judge.js';
import { doorPolicies } from './door-policies.js';
import { type Api, createWorld, read, shippedPolicies, until, type World } from './world.js';

const BUDGET = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: everything }
spec:
  type: BudgetLimit
  rules:
    - name: all
      budget: { monthly: 1000000, yearly: 9000000 }
`;

let world: World;
let api: Api;
beforeAll(async () => {
  const { documents } = parsePolicies(BUDGET, 'budget.yaml');
  world = await createWorld({ worker: false, policies: [...shippedPolicies(), ...doorPolicies(), ...documents] });
  api = await world.another();
});
afterAll(() => world.close());
beforeEach(() => world.database.pool.query('truncate decisions'));

const fixtures = join(packageRoot, 'test/fixtures');
const filesIn = (folder: string) =>
  readdirSync(join(fixtures, folder))
    .filter((name) => /\.(json|yaml)$/.test(name))
    .map((name) => join(folder, name));
const bytesOf = (file: string) => readFileSync(join(fixtures, file));
const TARGET = '?namespace=production&account=111122223333&region=us-east-1';
const post = (path: string, raw: string | Uint8Array, type = 'application/json') =>
  api.ask('POST', path, { as: 'deployer', raw, headers: { 'content-type': type } });

/** The one decision that was logged, judged again with the policies of then, and its explanation. */
async function again(door: string) {
  const { rows } = await until(
    () => world.database.pool.query<{ id: string; door: string; facts: string | null }>('select id, door, facts from decisions'),
    ({ rowCount }) => rowCount !== 0,
  );
  expect(rows).toEqual([expect.objectContaining({ door })]);
  const path = `/v1/decisions/${rows[0]?.id ?? ''}`;
  const replay = read(replaySchema, await world.ask('POST', `${path}/replay`, { as: 'deployer', body: { policies: 'then' } }));
  const { explanation, result } = read(decisionDetail, await world.ask('GET', path, { as: 'viewer' }));
  return { replay, explanation, result };
}

/** Their findings are on the whole request. */
const OF_BUDGETS = new Set(['everything', 'budget-policy']);

async function expectTheSame(door: string): Promise<void> {
  const { replay, explanation, result } = await again(door);
  expect(replay.differences).toEqual([]);
  expect(replay.result).toEqual(result);
  expect(replay.same).toBe(true);
  const explained = new Set(explanation.resources.map(({ resource_id }) => resource_id));
  const broken = explanation.resources.flatMap(({ resource_id, policies }) =>
    policies.flatMap(({ policy_name, rules }) =>
      rules.filter(({ verdict }) => verdict === 'violating').map(({ rule_name }) => [resource_id, policy_name, rule_name].join()),
    ),
  );
  const told = [...result.violations, ...result.warnings]
    .filter(({ policy_name, resource_id }) => !OF_BUDGETS.has(policy_name) && explained.has(resource_id))
    .map(({ resource_id, policy_name, rule_name }) => [resource_id, policy_name, rule_name].join());
  expect(broken).toEqual(expect.arrayContaining([...new Set(told)]));
}

test.for([
  ...filesIn('infracost').map((file) => ['infracost', file] as const),
  ...filesIn('cloudformation').map((file) => ['cloudformation', file] as const),
  ...filesIn('cloudformation/templates').map((file) => ['cloudformation', file] as const),
  ...filesIn('pulumi').map((file) => ['pulumi', file] as const),
  ...filesIn('terraform-plans').map((file) => ['terraform', file] as const),
])('%s: %s', async ([door, file]) => {
  const type = file.endsWith('.yaml') ? 'application/yaml' : 'application/json';
  const { status, body } = await post(`/v1/evaluate/${door}${TARGET}`, bytesOf(file), type);
  expect(status, JSON.stringify(body)).toBe(200);
  await expectTheSame(door);
});

test.for(filesIn('admission'))('admission: %s', async (file) => {
  const { status, body } = await post('/v1/admission?cluster=prod-1', bytesOf(file));
  expect(status, JSON.stringify(body)).toBe(200);
  if ((await world.database.pool.query('select 1 from decisions')).rowCount === 0) expect(file).toContain('service');
  else await expectTheSame('admission');
});

test.for([...filesIn('terraform-plans'), ...filesIn('admission')])('OPA: %s as its input', async (file) => {
  const { status, body } = await post('/v1/data/tollgate/evaluate', JSON.stringify({ input: JSON.parse(bytesOf(file).toString()) }));
  expect(status, JSON.stringify(body)).toBe(200);
  await expectTheSame('opa');
});

test('OPA: a request as its input', async () => {
  const input = { type: 'compute/instance', name: 'web', region: 'us-east-1', specs: { instance_type: 'm5.8xlarge' } };
  expect((await post('/v1/data/tollgate/evaluate', JSON.stringify({ input }))).status).toBe(200);
  await expectTheSame('opa');
});

test.for(filesIn('terraform-plans'))('run task: %s', async (file) => {
  const judge = createPlanJudge({ ...api.deps, metrics: { countDecision: () => {} } });
  await judge({ plan: bytesOf(file), requester: 'dana@company.com', dryRun: false, idempotencyKey: 'run-1' });
  await expectTheSame('run-task');
});
