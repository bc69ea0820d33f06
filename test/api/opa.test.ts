/** `/v1/data/tollgate/…`: what clients of Open Policy Agent send, and what they expect. */
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opaAnswerSchema, opaErrorSchema } from '../../src/api/contract/opa.js';
import { doorPolicies } from './door-policies.js';
import { type Ask, createWorld, read, readProblem, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false, policies: doorPolicies() });
});
afterAll(() => world.close());

const fixture = (name: string) => readFileSync(new URL(`../fixtures/opa/${name}`, import.meta.url), 'utf8');
const ask = (path: string, body?: unknown, more: Ask = {}) =>
  world.ask('POST', path, { as: 'deployer', ...(body === undefined ? {} : { body }), ...more });
const result = async (path: string, body?: unknown) => read(opaAnswerSchema, await ask(`/v1/data/tollgate${path}`, body)).result;

const machine = (vcpus: number, more: object = {}) => ({ input: { type: 'compute/instance', specs: { vcpus }, ...more } });

describe('exchanges recorded from an OPA server', () => {
  interface Exchange {
    readonly case: string;
    readonly request: {
      readonly method: string;
      readonly path: string;
      readonly headers: Record<string, string>;
      readonly body?: string;
      readonly body_base64?: string;
    };
    readonly response: { readonly status: number; readonly body: Record<string, unknown> | boolean };
  }
  const exchanges = fixture('data-api-exchanges.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange)
    .filter(({ case: name }) => name !== 'health');

  /** Rego needs no type of a resource, and the gate does: where the record has none, it is added in the record's own form. */
  const typed = (text: string) =>
    text.includes('compute/instance') ? text : text.replace('"resource":{', '"resource":{"type":"compute/instance",');
  const typedYaml = (text: string) => text.replace('resource:\n', 'resource:\n    type: compute/instance\n');

  function bodyOf({ headers, body, body_base64: packed }: Exchange['request']): string | Uint8Array | undefined {
    if (packed !== undefined) return gzipSync(typed(gunzipSync(Buffer.from(packed, 'base64')).toString().replaceAll(/:\s/g, ':')));
    return headers['Content-Type']?.includes('yaml') === true ? typedYaml(body ?? '') : body;
  }

  test.each(exchanges.map((exchange) => [exchange.case, exchange] as const))('%s', async (_name, { request, response }) => {
    const raw = bodyOf(request);
    const path =
      request.method === 'GET' ? request.path.replace('%7B%22specs', '%7B%22type%22%3A%22compute/instance%22%2C%22specs') : request.path;
    const answer = await world.ask(request.method, path, {
      as: 'deployer',
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value])),
      ...(raw === undefined ? {} : { raw }),
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(response.status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(comparable(answer.body)).toEqual(comparable(response.body));
  });

  /** Ids, durations, versions and the words of syntax errors are each server's own; the gate's package has more rules, and no id where nothing was judged. */
  function comparable(body: unknown): unknown {
    if (typeof body !== 'object' || body === null) return body;
    const { decision_id: _id, metrics, provenance, code, message, result: value, ...rest } = body as Record<string, unknown>;
    const rules =
      typeof value === 'object' && value !== null && 'allow' in value
        ? { allow: value.allow, deny: (value as { deny?: unknown }).deny }
        : value;
    return {
      ...rest,
      ...(value === undefined ? {} : { result: rules }),
      code,
      ...(code === 'undefined_document' ? { message } : {}),
      metrics: typeof metrics,
      provenance: typeof provenance,
    };
  }
});

describe('the package', () => {
  test('`deny` is empty exactly when `allow` is true', async () => {
    expect(await result('', machine(16))).toMatchObject({ allow: true, deny: [], decision: 'allow' });
    expect(await result('', machine(17))).toMatchObject({
      allow: false,
      decision: 'deny',
      deny: ['Requested 17 vCPUs exceeds limit of 16'],
    });
    const approval = {
      input: {
        type: 'kubernetes/statefulset',
        name: 'db',
        specs: { vcpus: 1, memory_gb: 1 },
        tags: { team: 'a' },
        namespace: 'production',
      },
    };
    expect(await result('', approval)).toMatchObject({ allow: false, decision: 'needs_approval', deny: [expect.stringMatching(/^db: /)] });
  });

  test('`warn` has what only warns', async () => {
    const input = { type: 'kubernetes/deployment', name: 'web', specs: { vcpus: 9, memory_gb: 1 }, tags: { team: 'a' }, namespace: 'x' };
    expect(await result('/warn', { input })).toEqual(['web: Requested 9 vCPUs exceeds limit of 8']);
  });

  test('`evaluate` is the decision itself, found in the log by its id', async () => {
    const answer = read(opaAnswerSchema, await ask('/v1/data/tollgate/evaluate', machine(32, { name: 'big' })));
    expect(answer.result).toMatchObject({ decision: 'deny', decision_id: answer.decision_id, violations: [{ resource_id: 'big' }] });
    expect((await world.ask('GET', `/v1/decisions/${answer.decision_id ?? ''}`)).body).toMatchObject({
      decision: 'deny',
      principal: 'deployer@company.com',
    });
  });

  test('without an input nothing is allowed, and the decision is undefined', async () => {
    expect(await result('', {})).toEqual({ allow: false, deny: ['no input was given'], warn: [], decision: 'deny' });
    expect(await result('/evaluate')).toBeUndefined();
  });

  test('a pretty answer is the same one', async () => {
    const answer = await ask('/v1/data/tollgate/allow?pretty&explain=full&instrument=true&strict-builtin-errors=true', machine(1));
    expect(read(opaAnswerSchema, answer).result).toBe(true);
  });

  test('asked by GET it has no consequences, so that a viewer may ask', async () => {
    const input = encodeURIComponent(JSON.stringify(machine(32).input));
    const answer = read(opaAnswerSchema, await world.ask('GET', `/v1/data/tollgate/decision?input=${input}`, { as: 'viewer' }));
    expect(answer.result).toBe('deny');
    expect((await world.ask('GET', `/v1/decisions/${answer.decision_id ?? ''}`)).body).toMatchObject({ dry_run: true });
  });

  test('v0 answers a text as JSON', async () => {
    const answer = await ask('/v0/data/tollgate/decision', machine(17).input);
    expect([answer.status, answer.body]).toEqual([200, 'deny']);
  });
});

describe('documents as the input', () => {
  test('a Terraform plan is judged as one, as conftest users send it', async () => {
    const input = JSON.parse(fixture('conftest-gke-plan-v0.12.json')) as object;
    const answer = read(opaAnswerSchema, await ask('/v1/data/tollgate/evaluate', { input }));
    expect(answer.result).toMatchObject({ decision: expect.any(String), decision_id: answer.decision_id });
  });

  test.each([['v1', (input: object) => ({ input })] as const, ['v0', (input: object) => input] as const])(
    'a plan that is too large for the event loop is answered as a small one: %s',
    async (version, bodyOf) => {
      const plan = JSON.parse(fixture('conftest-gke-plan-v0.12.json')) as object;
      const [small, large] = await Promise.all(
        ['', 'x'.repeat(200_000)].map(async (padding) => {
          const { body } = await ask(`/${version}/data/tollgate`, bodyOf({ ...plan, padding }));
          return JSON.stringify(body).replaceAll(/dec_[\w-]+|"evaluated_at":"[^"]+"/g, '');
        }),
      );
      expect(large).toBe(small);
      expect(large).toContain('"decision":"allow"');
    },
  );

  test('a large body that cannot be judged is 400 in OPA’s words', async () => {
    const input = { type: 'compute/instance', specs: { vcpus: 'many' }, padding: 'x'.repeat(200_000) };
    const { code } = read(opaErrorSchema, await ask('/v1/data/tollgate/allow', { input }), 400);
    expect(code).toBe('invalid_parameter');
  });

  test('an AdmissionReview is judged as one, as kube-mgmt users send it', async () => {
    const object = {
      metadata: { name: 'web' },
      spec: { replicas: 20, template: { spec: { containers: [{ resources: { requests: { cpu: '1', memory: '1Gi' } } }] } } },
    };
    const request = { uid: 'u', kind: { group: 'apps', kind: 'Deployment' }, operation: 'CREATE', namespace: 'default', object };
    const input = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
    expect(await result('/deny', { input })).toEqual(['web: Requested 20 vCPUs exceeds limit of 16']);
    expect(await result('/allow', { input: { ...input, request: { ...request, operation: 'DELETE' } } })).toBe(true);
  });
});

describe('what cannot be judged', () => {
  test('is told in OPA’s words, each problem of the input with its path', async () => {
    const error = read(
      opaErrorSchema,
      await ask('/v1/data/tollgate/allow', { input: { type: 'compute/instance', specs: { vcpus: 'many' }, nonsense: 1 } }),
      400,
    );
    expect(error.code).toBe('invalid_parameter');
    expect(error.errors?.map(({ message }) => message).sort()).toEqual([
      'nonsense: unknown key',
      'specs.vcpus: expected a positive number, got `"many"`',
    ]);
  });

  test.each([
    ['an input that is a number', { input: 7 }],
    ['an input that is null', { input: null }],
    ['an input that is a list', { input: [1] }],
    ['a resource that is a text', { input: { resource: 'compute/instance', more: 1 } }],
    ['a text that cannot be stored', { input: { type: 'a/b', name: 'a\u0000' } }],
  ])('%s is 400', async (_name, body) => {
    read(opaErrorSchema, await ask('/v1/data/tollgate/allow', body), 400);
    const input = body.input;
    expect([400]).toContain((await ask('/v0/data/tollgate/allow', input)).status);
  });

  test.each(['input: [', 'a: &a [*a]', 'x: 1\nx: 2'])('YAML %j is 400', async (raw) => {
    read(opaErrorSchema, await ask('/v1/data/tollgate/allow', undefined, { raw, headers: { 'content-type': 'application/yaml' } }), 400);
  });

  test('an input in the query that is no JSON is 400', async () => {
    read(opaErrorSchema, await world.ask('GET', '/v1/data/tollgate/allow?input=%7B', { as: 'deployer' }), 400);
  });

  test('who has no token, or may not evaluate, is told as everywhere', async () => {
    readProblem(await ask('/v1/data/tollgate/allow', machine(1), { token: null }), 401);
    readProblem(await ask('/v1/data/tollgate/allow', machine(1), { as: 'viewer' }), 403);
    const forbidden = await ask('/v1/data/tollgate/allow', machine(1, { requester: 'dana@company.com' }), { as: 'engineer' });
    readProblem(forbidden, 403);
  });
});
