/** What a request says of its own cost and size, through the doors that take it: what contradicts itself is refused, what is missing is looked up. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { problemSchema } from '../../src/api/contract/problem.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { parsePolicyTest } from '../../src/policy/parse-policy-test.js';
import { createWorld, read, type World } from './world.js';

const POLICY = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: sizes }
spec:
  type: ResourceLimit
  rules:
    - { name: machines, resource: compute/instance, constraint: { maxVCPUs: 16, maxMemoryGB: 64 } }
`;

let world: World;
beforeAll(async () => {
  const { documents } = parsePolicies(POLICY, 'test.yaml');
  world = await createWorld({ worker: false, policies: documents });
});
afterAll(() => world.close());

const ask = (body: object) => world.ask('POST', '/v1/evaluate', { as: 'deployer', body });
const decide = async (body: object) => read(decisionSchema, await ask(body));
const limits = { type: 'compute/instance', name: 'web' };

test.for([
  [{ monthly: '99999', low: '0', high: '0' }, ['cost.high']],
  [{ monthly: '1', low: '2', high: '3' }, ['cost.low']],
  [{ low: '3', high: '2' }, ['cost.low']],
  [{ hourly: '1', high: '729.99' }, ['cost.high']],
  [{ hourly: '1', low: '730.01' }, ['cost.low']],
  [{ monthly: '5', low: '7', high: '3' }, ['cost.low', 'cost.high']],
] as const)('bounds that contradict %o are refused at %o', async ([cost, paths]) => {
  const answer = await ask({ ...limits, cost });
  expect(answer.status).toBe(400);
  expect(read(problemSchema, answer, 400).errors.map(({ path }) => path)).toEqual(paths);
  const plan = await ask({ resources: [limits, { ...limits, cost }] });
  expect(read(problemSchema, plan, 400).errors.map(({ path }) => path)).toEqual(paths.map((path) => `resources[1].${path}`));
});

test.for([
  { monthly: '5', low: '5.00', high: '5' },
  { hourly: '0.0104', low: '7.592', high: '7.592' },
  { monthly: '5', low: '1', unpriced: ['traffic'] },
  { low: '1', high: '1' },
])('bounds that hold %o are taken', async (cost) => {
  expect((await ask({ ...limits, cost })).status).toBe(200);
});

test('a policy test with bounds that contradict each other is refused at its line', () => {
  const file = `cases:\n  - { note: n, resource: { type: compute/instance, cost: { monthly: "9", low: "0", high: "0" } }, want: {} }`;
  expect(parsePolicyTest(file, null).issues).toMatchObject([{ line: 2, path: 'cases[0].resource.cost.high' }]);
});

test.for(['aws', undefined, 'simulated'])(
  'sizes that are not given come from the catalog (provider %s), and the same again',
  async (provider) => {
    const answer = await decide({ ...limits, provider, specs: { instance_type: 'p4d.24xlarge' } });
    expect(answer.decision).toBe('deny');
    expect(answer.violations.map(({ path, observed }) => [path, observed])).toEqual([
      ['specs.memory_gb', 1152],
      ['specs.vcpus', 96],
    ]);
    const again = await world.ask('POST', `/v1/decisions/${answer.decision_id}/replay`, { as: 'deployer', body: { policies: 'then' } });
    expect(read(replaySchema, again).same).toBe(true);
  },
);

test('a size of another cloud is found by its name', async () => {
  const answer = await decide({ ...limits, specs: { instance_type: 'n2-standard-32' } });
  expect(answer.violations.map(({ observed }) => observed)).toEqual([128, 32]);
});

test('what is given wins over the catalog, and what is known after apply stays unknown', async () => {
  const answer = await decide({ ...limits, specs: { instance_type: 'p4d.24xlarge', vcpus: 2 }, unknown: ['specs.memory_gb'] });
  expect(answer.violations).toEqual([]);
  expect(answer.unknowns.map(({ path }) => path)).toEqual(['specs.memory_gb']);
});

test('a policy test sees the sizes of the catalog too', async () => {
  const file =
    'cases: [{ note: n, resource: { type: compute/instance, specs: { instance_type: p4d.24xlarge } }, want: { machines: violating }, decision: deny }]';
  const answer = await world.ask('POST', '/v1/policies/test', { as: 'deployer', body: { content: POLICY, test: file } });
  expect(answer).toMatchObject({ status: 200, body: { passed: true } });
});

test('amounts below a cent add up before they are rounded', async () => {
  const { cost } = await decide({ resources: Array.from({ length: 10 }, () => ({ ...limits, cost: { hourly: '0.0052' } })) });
  expect(cost).toMatchObject({ low: '37.96', likely: '37.96', high: '37.96' });
});
