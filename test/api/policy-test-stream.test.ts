/** `POST /v1/policies/test` takes YAML as a file is written: policies and their tests in one stream. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, readProblem, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const policy = (name: string, vcpus: number) => `apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: ${name} }
spec:
  type: ResourceLimit
  rules: [{ name: ${name}-size, resource: compute/*, constraint: { maxVCPUs: ${vcpus} }, severity: { deploy: critical } }]
`;
const tests = (want: string) => `cases:
  - note: big
    resource: { type: compute/instance, specs: { vcpus: 4 } }
    want: ${want}
`;
const post = (raw: string, type = 'application/yaml') =>
  world.ask('POST', '/v1/policies/test', { as: 'engineer', raw, headers: { 'content-type': type } });
const violating = '{ a-size: violating }';

test('the documents are told apart, in either order', async () => {
  const answer = { passed: true, cases: 1, failures: [], unexercised: [] };
  expect(await post(`${policy('a', 2)}---\n${tests(violating)}`)).toMatchObject({ status: 200, body: answer });
  expect(await post(`# tests first\n---\n${tests(violating)}--- # then the policy\n${policy('a', 2)}...\n`, 'text/yaml')).toMatchObject({
    body: answer,
  });
  const json = JSON.stringify({ content: `${policy('a', 2)}---\n${tests(violating)}` });
  expect(await post(json, 'application/json')).toMatchObject({ status: 200, body: answer });
});

test('several policies are tested by several tests: what none of them exercises is named', async () => {
  const answer = await post(
    [policy('a', 2), policy('b', 8), policy('c', 8), tests(violating), tests('{ a-size: violating, b-size: compliant }')].join('---\n'),
  );
  expect(answer).toMatchObject({ status: 200, body: { passed: true, cases: 2, failures: [], unexercised: ['c/c-size'] } });
  const failing = await post([policy('a', 2), tests('{}'), tests(violating)].join('---\n'));
  expect(failing.body).toMatchObject({ passed: false, cases: 2, failures: [{ note: 'big' }], unexercised: [] });
});

test('a test may hold its policy', async () => {
  const policies = `policies:\n  - ${policy('a', 2).trim().replaceAll('\n', '\n    ')}\n`;
  expect(await post(policies + tests(violating))).toMatchObject({ status: 200, body: { passed: true } });
});

test('each problem has its place in what was sent', async () => {
  const { errors } = readProblem(
    await post([policy('a', 2).replace('maxVCPUs', 'maxVCPU'), tests('{}').replace('want', 'wants')].join('---\n')),
    400,
  );
  expect(errors).toEqual([
    { path: expect.stringMatching(/^content: .*maxVCPU/) as string, message: expect.stringMatching(/^6:\d+/) as string },
    { path: 'content: cases[0].want', message: expect.stringMatching(/^9:\d+/) as string },
    { path: expect.stringMatching(/^content: .*wants/) as string, message: expect.stringMatching(/^11:\d+/) as string },
  ]);
  expect(readProblem(await post('a: [\n---\ncases: 7\n'), 400).errors.map(({ path }) => path)).toContain('content: cases');
});

test('a stream of very many documents is refused at once', async () => {
  const { errors } = readProblem(await post('---\ncases: 1\n'.repeat(20_000)), 400);
  expect(errors.map(({ message }) => message)).toEqual(['1:1 too many documents, at most 1000']);
});

test('what is missing is said: a test, a policy', async () => {
  expect(readProblem(await post(policy('a', 2)), 400).errors).toEqual([
    { path: 'test', message: expect.stringContaining('`cases`') as string },
  ]);
  expect(readProblem(await post(tests(violating)), 400).errors).toEqual([
    { path: 'content', message: 'expected a policy, here or in the test file' },
  ]);
  readProblem(await post('{}', 'application/json'), 400);
});
