/** What the doors of our own request refuse, and the words they have for it. */
import { request as openRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { opaErrorSchema } from '../../src/api/contract/opa.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { createWorld, read, readProblem, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const post = (path: string, body: unknown) => world.ask('POST', path, { as: 'deployer', body });
const evaluate = (body: unknown) => post('/v1/evaluate', body);
const problemsOf = async (path: string, body: unknown) => readProblem(await post(path, body), 400).errors;

describe('a type of a resource', () => {
  const MEANT = 'unknown resource type `compute/instnce`, did you mean compute/instance?';
  const specs = { vcpus: 96 };

  test.each([
    ['compute/instnce', MEANT],
    ['Compute/Instance', 'unknown resource type `Compute/Instance`, did you mean compute/instance?'],
    [
      'COMPUTE/gpu-cluster-of-mine',
      expect.stringMatching(/^unknown resource type, known are compute\/instance, .*, got `"COMPUTE\/gpu-cluster-of-mine"`$/),
    ],
    ['lambda', 'expected a resource type such as compute/instance or aws/sagemaker-endpoint, got `"lambda"`'],
    ['AWS/sagemaker', expect.stringContaining('expected a resource type such as')],
    ['aws/sagemaker endpoint', expect.stringContaining('expected a resource type such as')],
    ['aws/', expect.stringContaining('expected a resource type such as')],
    ['', expect.stringContaining('expected a resource type such as')],
    [7, expect.stringContaining('expected a resource type such as')],
    ['a/'.padEnd(300, 'b'), expect.stringContaining('expected a resource type such as')],
  ])('%s is refused, alone, in a plan and through OPA', async (type, message) => {
    expect(await problemsOf('/v1/evaluate', { type, specs })).toEqual([{ path: 'type', message }]);
    expect(await problemsOf('/v1/evaluate', { resources: [{ type: 'storage/bucket' }, { type, specs }] })).toEqual([
      { path: 'resources[1].type', message },
    ]);
    const refused = read(opaErrorSchema, await post('/v1/data/tollgate/allow', { input: { type, specs } }), 400);
    expect(refused.errors?.map(({ message: said }) => said.replace(/^type: /, ''))).toEqual([message]);
  });

  test.each(['aws/sagemaker-endpoint', 'kubernetes/pod', 'random/pet', 'azure/api-management_x', 'google-beta/x.1', 'storage/bucket'])(
    '%s is taken',
    async (type) => {
      read(decisionSchema, await evaluate({ type, specs }));
      read(decisionSchema, await evaluate({ resources: [{ type }] }));
    },
  );

  test('that is odd and in the log already is judged again', async () => {
    const { decision_id: id } = read(decisionSchema, await evaluate({ type: 'compute/instance', specs: { vcpus: 2 } }));
    await until(
      () => world.ask('GET', `/v1/decisions/${id}`, { as: 'viewer' }),
      ({ status }) => status === 200,
    );
    await world.database.pool.query(
      `update decisions set request = replace(request::text, 'compute/instance', 'Compute/Instnce')::json where id = $1`,
      [id],
    );
    read(replaySchema, await post(`/v1/decisions/${id}/replay`, {}));
  });
});

describe('a request that is wrong', () => {
  test('says how many resources were given', async () => {
    const resources = Array.from({ length: 1_001 }, () => ({ type: 'storage/bucket' }));
    expect(await problemsOf('/v1/evaluate', { resources })).toEqual([
      { path: 'resources', message: 'expected a list of 1 to 1000 resources, got a list of 1001' },
    ]);
  });

  test('lists the words that it may have, where it may be empty too', async () => {
    expect(await problemsOf('/v1/decisions/dec_1/replay', { policies: 'tomorrow' })).toEqual([
      { path: 'policies', message: 'expected one of `then`, `now`, got `"tomorrow"`' },
    ]);
  });

  test('tells each problem once', async () => {
    const { errors } = readProblem(await world.ask('GET', '/v1/approvals/apr_1?wait=abc', { as: 'viewer' }), 400);
    expect(errors).toEqual([{ path: 'wait', message: 'expected a whole number of seconds from 1 to 60, such as `30s`, got `"abc"`' }]);
  });

  test('does not show a number that it was not given', async () => {
    const answer = await world.ask('POST', '/v1/evaluate', {
      as: 'deployer',
      raw: '{"type":"compute/instance","specs":{"vcpus":1e999}}',
      headers: { 'content-type': 'application/json' },
    });
    expect(readProblem(answer, 400).errors).toEqual([
      { path: 'specs.vcpus', message: 'expected a positive number, got a number that is too large' },
    ]);
  });

  test('of another protocol is told in the same words', async () => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { kind: { kind: 'Pod' }, operation: 'CREATE', object: {} },
    };
    expect(await problemsOf('/v1/admission', review)).toEqual([{ path: 'request.uid', message: 'required and missing, expected text' }]);
  });
});

describe('a document of another door', () => {
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: {} };
  const plan = { format_version: '1.2', terraform_version: '1.9.0', resource_changes: [] };

  test.each([
    ['a Terraform plan', plan, /a Terraform or OpenTofu plan .*, which `POST \/v1\/evaluate\/terraform` takes$/],
    ['an AdmissionReview', review, /a Kubernetes AdmissionReview, which `POST \/v1\/admission` takes$/],
    ['an Infracost document', { projects: [], currency: 'USD' }, /an Infracost document .*, which `POST \/v1\/evaluate\/infracost` takes$/],
    ['a Pulumi preview', { steps: [] }, /which `POST \/v1\/evaluate\/pulumi` takes$/],
    ['a template', { Resources: {} }, /which `POST \/v1\/evaluate\/cloudformation` takes$/],
    ['an OPA request', { input: { type: 'compute/instance' } }, /which `POST \/v1\/data\/tollgate` takes$/],
    ['a state', { format_version: '1.0', values: {} }, /a Terraform or OpenTofu state, which plans nothing$/],
  ])('%s is told what it looks like, and where it belongs', async (_name, document, message) => {
    expect(await problemsOf('/v1/evaluate', document)).toEqual([{ path: '', message: expect.stringMatching(message) }]);
  });

  test('through OPA too, where that door does not read it', async () => {
    const refused = read(opaErrorSchema, await post('/v1/data/tollgate/allow', { input: { steps: [] } }), 400);
    expect(refused.message).toMatch(/^expected a request of `POST \/v1\/evaluate`, got a Pulumi preview .*takes$/);
  });

  test('a request with a key too many is still told that key', async () => {
    expect(await problemsOf('/v1/evaluate', { type: 'compute/instance', kind: 'x' })).toEqual([{ path: 'kind', message: 'unknown key' }]);
  });
});

describe('an upload that its sender breaks off', () => {
  test.each([
    ['/v1/imports/focus', 'operator', 'text/csv'],
    ['/v1/evaluate', 'deployer', 'application/json'],
    ['/v1/evaluate/terraform', 'deployer', 'application/json'],
    ['/v1/policies/validate', 'author', 'application/yaml'],
  ] as const)('to %s is no fault of the server', async (path, role, type) => {
    const said: { readonly level: string; readonly fields: unknown; readonly message: string }[] = [];
    const note = (level: string) => (fields: object, message: string) => void said.push({ level, fields, message });
    const log = { info: note('info'), warn: note('warn'), error: note('error') };
    const api = await world.another({ overrides: { log } });
    const upload = openRequest(`${api.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokens[role]}`, 'content-type': type, 'content-length': '1000000' },
    });
    upload.on('error', () => {});
    upload.write(Buffer.alloc(100_000, 'a'));
    setTimeout(() => upload.destroy(), 300);
    const broken = () => Promise.resolve(said.find(({ message }) => message === 'the request body broke off'));
    expect(await until(broken, (found) => found !== undefined)).toMatchObject({ level: 'info' });
    expect(said.filter(({ level }) => level === 'error')).toEqual([]);
    expect(JSON.stringify(said)).not.toContain('stack');
    const { body } = await api.ask('GET', '/metrics');
    expect(String(body)).not.toMatch(/status="5\d\d"/);
  });
});
