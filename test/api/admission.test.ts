/** `POST /v1/admission`, as a Kubernetes API server asks it. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admissionAnswerSchema } from '../../src/api/contract/admission.js';
import { doorPolicies } from './door-policies.js';
import { type Ask, createWorld, read, readProblem, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false, policies: doorPolicies() });
});
afterAll(() => world.close());

interface Workload {
  readonly kind?: string;
  readonly cpu?: string;
  readonly replicas?: number;
  readonly labels?: Record<string, string>;
  readonly request?: object;
}

function review({ kind = 'Deployment', cpu = '1', replicas = 1, labels = { team: 'a' }, request = {} }: Workload = {}) {
  const spec = { containers: [{ name: 'app', resources: { requests: { cpu, memory: '1Gi' } } }] };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: 'apps', version: 'v1', kind },
      operation: 'CREATE',
      namespace: 'production',
      userInfo: { username: 'dana@company.com', groups: [] },
      object: { metadata: { name: 'web', labels }, spec: { replicas, template: { spec } } },
      ...request,
    },
  };
}

const ask = (body: object, more: Ask = {}, query = '?cluster=prod-1') =>
  world.ask('POST', `/v1/admission${query}`, { as: 'deployer', body, ...more });
const judge = async (workload: Workload) => read(admissionAnswerSchema, await ask(review(workload))).response;
const logged = async (id: string | undefined) => {
  const { body } = await world.ask('GET', `/v1/decisions/${id ?? ''}`);
  return body as { requester: string; dry_run: boolean; request: { resources: { account: string }[] } };
};
const noticesSent = async () => (await world.database.pool.query('select 1 from outbox')).rowCount;

describe('an admission review', () => {
  test('is allowed with its uid, and the id of the decision for the audit log', async () => {
    const response = await judge({});
    expect(response).toEqual({
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      allowed: true,
      auditAnnotations: { 'decision-id': expect.stringMatching(/^dec_/), decision: 'allow' },
    });
  });

  test('is denied over all replicas, with 403 and each reason on a line', async () => {
    const { allowed, status } = await judge({ replicas: 17 });
    expect(allowed).toBe(false);
    expect(status).toMatchObject({ code: 403, status: 'Failure', reason: 'Forbidden' });
    expect(status?.message.split('\n')).toEqual([
      'Request denied due to policy violations',
      expect.stringContaining('[cluster-limits/workload-size] web: Requested 17 vCPUs exceeds limit of 16'),
      expect.stringMatching(/^decision dec_/),
    ]);
  });

  test('is allowed with warnings that Kubernetes shows', async () => {
    const { allowed, warnings } = await judge({ replicas: 10, labels: {} });
    expect(allowed).toBe(true);
    expect(warnings).toEqual([
      '[cluster-limits/many-replicas] web: Requested 10 vCPUs exceeds limit of 8',
      "[labels/team] web: Required tag 'team' is missing",
    ]);
  });

  test('scaled to 0 is 0, and is so in the log', async () => {
    const { allowed, auditAnnotations } = await judge({ replicas: 0, cpu: '64' });
    expect(allowed).toBe(true);
    expect((await logged(auditAnnotations?.['decision-id'])).request.resources[0]).toMatchObject({
      account: 'prod-1',
      specs: { vcpus: 0 },
    });
  });

  test('that needs an approval is not allowed, and says so', async () => {
    const { allowed, status } = await judge({ kind: 'StatefulSet' });
    expect(allowed).toBe(false);
    expect(status?.message).toContain('Request needs approval');
  });

  test.each([
    ['another kind', { kind: { group: '', version: 'v1', kind: 'ConfigMap' } }],
    ['a deletion', { operation: 'DELETE', object: null }],
    ['a connection', { operation: 'CONNECT' }],
    ['a status', { operation: 'UPDATE', subResource: 'status' }],
  ])('of %s is allowed untouched, and not logged', async (_name, request) => {
    expect(await judge({ replicas: 99, request })).toEqual({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true });
  });

  test('of a dry run is judged, and has no consequences', async () => {
    const before = await noticesSent();
    const { allowed, auditAnnotations } = await judge({ replicas: 17, request: { dryRun: true } });
    expect(allowed).toBe(false);
    expect(await logged(auditAnnotations?.['decision-id'])).toMatchObject({ dry_run: true });
    expect(await noticesSent()).toBe(before);
  });

  test('keeps within what Kubernetes shows: 256 characters each, 4,096 together, one printable line', async () => {
    const name = `${'long-'.repeat(60)}\n\u{1f4b8}`;
    const volumes = Array.from({ length: 40 }, (_, index) => ({
      metadata: { name: `${name}${index}` },
      spec: { resources: {} },
    }));
    const template = { spec: { containers: [{ resources: { requests: { cpu: '1', memory: '1Gi' } } }] } };
    const object = { metadata: { name: 'web' }, spec: { template, volumeClaimTemplates: volumes } };
    const { warnings = [] } = await judge({ kind: 'StatefulSet', request: { object } });
    expect(warnings.length).toBeGreaterThan(10);
    expect(warnings.length).toBeLessThan(40);
    for (const warning of warnings) {
      expect(warning.length).toBeLessThanOrEqual(256);
      expect(warning).not.toMatch(/[\p{Cc}\p{Cs}]/u);
    }
    expect(warnings.join('').length).toBeLessThanOrEqual(4_096);
    expect(warnings.at(-1)).toMatch(/^there are more warnings: see decision dec_/);
  });
});

describe('the requester', () => {
  const requesterFor = async (as: Ask['as'], userInfo?: object) => {
    const body = review({ request: { userInfo } });
    const { response } = read(admissionAnswerSchema, await ask(body, as === undefined ? {} : { as }));
    return (await logged(response.auditAnnotations?.['decision-id'])).requester;
  };
  test('is whom Kubernetes names, where the token may name others', async () =>
    expect(await requesterFor('deployer', { username: 'dana@company.com' })).toBe('dana@company.com'));
  test('is the token’s own otherwise, and the admission goes on', async () =>
    expect(await requesterFor('engineer', { username: 'dana@company.com' })).toBe('engineer@company.com'));
  test('is the token’s own where Kubernetes names nobody', async () => expect(await requesterFor('deployer')).toBe('deployer@company.com'));
});

describe('what is no such review', () => {
  test('an older version is refused with the setting to change', async () => {
    const problem = readProblem(await ask({ ...review(), apiVersion: 'admission.k8s.io/v1beta1' }), 400);
    expect(problem.detail).toContain('admissionReviewVersions: ["v1"]');
  });
  test('a quantity that is none is named with its path', async () => {
    const problem = readProblem(await ask(review({ cpu: 'lots' })), 400);
    expect(problem.errors[0]?.path).toBe('request.object.spec.template.spec.containers.0.resources.requests.cpu');
  });
  test('labels that cannot be stored are refused', async () => {
    expect(readProblem(await ask(review({ labels: { team: 'a\u0000b' } })), 400).errors[0]?.path).toContain('labels.team');
  });
  test('the cluster may be in the path, since the address of a webhook takes no query', async () => {
    const answer = await world.ask('POST', '/v1/admission/prod-2?timeout=10s', { as: 'deployer', body: review() });
    const { response } = read(admissionAnswerSchema, answer);
    expect((await logged(response.auditAnnotations?.['decision-id'])).request.resources[0]).toMatchObject({ account: 'prod-2' });
  });
  test('the timeout that Kubernetes adds is taken, another key is not', async () => {
    expect((await ask(review(), {}, '?timeout=10s')).status).toBe(200);
    readProblem(await ask(review(), {}, '?clustr=x'), 400);
  });
  test('without a token it is 401: the webhook’s failure policy then decides', async () => {
    readProblem(await ask(review(), { token: null }), 401);
  });
});

describe('recorded requests', () => {
  const folder = new URL('../fixtures/admission/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  test.each(files)('%s is answered', async (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const { response } = read(admissionAnswerSchema, await ask({}, { raw: text }));
    expect(response.uid).toBe((JSON.parse(text) as { request: { uid: string } }).request.uid);
    // The stateful set needs an approval, and is the only one that does.
    expect(response.allowed).toBe(!name.includes('statefulset'));
  });
});
