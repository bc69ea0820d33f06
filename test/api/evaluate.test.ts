import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decisionDetail, decisionEntry } from '../../src/api/contract/decision.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { exceptionRequest } from '../../src/api/contract/exception.js';
import { pageOf } from '../../src/api/contract/page.js';
import type { Role } from '../../src/policy/house-records.js';
import { createWorld, read, readProblem, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

/** The example of the interface's documentation. */
const example = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  account: '111122223333',
  region: 'us-east-1',
  tags: { 'cost-center': 'INVALID', environment: 'test' },
  specs: { vcpus: 32, memory_gb: 128, instance_family: 'gpu' },
  id: null,
  requester: 'dana@company.com',
  idempotency_key: 'build-8841',
  dry_run: false,
};

const good = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  account: '111122223333',
  region: 'us-east-1',
  tags: { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com', project: 'shop' },
  specs: { vcpus: 4, memory_gb: 16, instance_family: 'general-purpose', instance_type: 'm7i.xlarge' },
};

const evaluate = (body: unknown, as: Role = 'deployer') => world.ask('POST', '/v1/evaluate', { as, body });
const pathsOf = (findings: readonly { readonly path: string }[]) => findings.map(({ path }) => path).sort();

describe('POST /v1/evaluate', () => {
  test('answers the documented example with exactly its findings', async () => {
    const decision = read(decisionSchema, await evaluate(example));
    expect(decision).toMatchObject({
      allowed: false,
      decision: 'deny',
      message: 'Request denied due to policy violations',
      degraded: false,
    });
    expect(decision).toMatchObject({ warnings: [], errors: [], exceptions_applied: [], holds: [] });
    expect(pathsOf(decision.violations)).toEqual([
      'specs.instance_family',
      'specs.memory_gb',
      'specs.vcpus',
      'tags.cost-center',
      'tags.environment',
      'tags.owner',
      'tags.project',
    ]);
    expect(decision.violations.find(({ path }) => path === 'specs.vcpus')).toMatchObject({
      policy_name: 'resource-limits',
      policy_version: '1.0.0',
      rule_name: 'max-instance-size',
      severity: 'critical',
      effect: 'deny',
      resource_type: 'compute/instance',
      resource_id: 'web-1',
      observed: 32,
      limit: 16,
      message: 'Requested 32 vCPUs exceeds limit of 16',
      fix: { set: { 'specs.vcpus': 16 } },
      exception_hint: {
        policy_name: 'resource-limits',
        rule_name: 'max-instance-size',
        resource: { type: 'compute/instance', account: '111122223333', namespace: 'production', name: 'web-1' },
      },
    });
    expect(decision.policy_set).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(decision.decision_id).toMatch(/^dec_/);
  });

  test('writes the decision before it answers, with request and result as they crossed the wire', async () => {
    const asked = read(decisionSchema, await evaluate(example));
    const logged = read(decisionDetail, await world.ask('GET', `/v1/decisions/${asked.decision_id}`, { as: 'viewer' }));
    expect(logged).toMatchObject({ principal: 'deployer@company.com', requester: 'dana@company.com', decision: 'deny' });
    expect(logged).toMatchObject({ idempotency_key: 'build-8841', account: '111122223333', dry_run: false, degraded: false });
    expect(logged.result).toEqual(asked);
    expect(logged.request).toEqual(example);
  });

  test('a denial notifies the requester through the outbox, once an hour for the same findings; a dry run does not', async () => {
    let now = Date.parse('2030-05-05T10:10:00Z');
    const api = await world.another({ overrides: { now: () => now } });
    const deny = (body: object = {}) => api.ask('POST', '/v1/evaluate', { as: 'deployer', body: { ...example, ...body } });
    const told = async () => {
      const { rows } = await world.database.pool.query<{ recipient: string; stage: string }>(
        `select recipient, stage from outbox where stage like 'denied 2030%' order by created_at, recipient`,
      );
      return rows.map(({ recipient, stage }) => `${recipient} ${stage}`);
    };
    await deny({ dry_run: true });
    expect(await told()).toEqual([]);
    for (let time = 0; time < 3; time += 1) await deny({ idempotency_key: `try-${time}` });
    expect(await told()).toEqual(['dana@company.com denied 2030-05-05T10']);
    await deny({ name: 'web-2' });
    await deny({ requester: 'erin@company.com' });
    expect(await told()).toHaveLength(3);
    now += 3_600_000;
    await deny();
    expect((await told()).at(-1)).toBe('dana@company.com denied 2030-05-05T11');
  });

  test('allows what complies, with its price for a month', async () => {
    const decision = read(decisionSchema, await evaluate(good, 'engineer'));
    expect(decision).toMatchObject({ allowed: true, decision: 'allow', message: 'Request compliant with all policies', violations: [] });
    expect(decision.cost).toMatchObject({ currency: 'USD', period: 'month', unpriced: [] });
    expect(Number(decision.cost.likely)).toBeGreaterThan(0);
    expect(decision.cost.low).toBe(decision.cost.likely);
    expect(decision.cost.high).toBe(decision.cost.likely);
  });

  test('judges a plan as a whole: the strictest part decides, an unpriced resource is named and leaves the upper end open', async () => {
    const { namespace: _, ...rest } = good;
    const resources = [
      { ...rest, address: 'module.web.aws_instance.this[0]' },
      { ...rest, address: 'aws_instance.big', specs: { vcpus: 32 } },
      { type: 'acme/unknown-thing', name: 'thing', tags: good.tags },
    ];
    const plan = { account: '111122223333', region: 'us-east-1', namespace: 'production', resources };
    const decision = read(decisionSchema, await evaluate(plan, 'engineer'));
    expect(decision.decision).toBe('deny');
    expect(decision.violations.map(({ resource_id, path }) => [resource_id, path])).toEqual([['aws_instance.big', 'specs.vcpus']]);
    expect(decision.cost.unpriced).toContain('thing');
    expect(decision.cost.high).toBeNull();
    expect(decision.cost.low).not.toBeNull();
  });

  test('takes the caller’s own estimate before the price list', async () => {
    const decision = read(decisionSchema, await evaluate({ ...good, cost: { monthly: '12.5' } }));
    expect(decision.cost).toMatchObject({ low: '12.50', likely: '12.50', high: '12.50' });
  });

  test('takes an estimate in the currency of the installation, and refuses any other', async () => {
    const cost = { monthly: '12.5', currency: 'USD' };
    expect(read(decisionSchema, await evaluate({ ...good, cost })).cost).toMatchObject({ likely: '12.50', currency: 'USD' });
    const other = { ...cost, currency: 'EUR' };
    const message = 'expected `USD`, the currency of this installation, got `EUR`';
    expect(readProblem(await evaluate({ ...good, cost: other }), 400).errors).toEqual([{ path: 'cost.currency', message }]);
    const plan = { resources: [good, { ...good, cost: other }] };
    expect(readProblem(await evaluate(plan), 400).errors).toEqual([{ path: 'resources[1].cost.currency', message }]);
  });

  test('hints at an exception that can be requested as it says, and where it cannot, says what is missing', async () => {
    const { exception_hint: hint, exception_hint_missing: missing } = read(decisionSchema, await evaluate(example)).violations[0] ?? {};
    expect(missing).toBeNull();
    const request = { ...hint, type: 'permanent', justification: 'needed' };
    expect(exceptionRequest.safeParse(request).error).toBeUndefined();
    const { account: _a, namespace: _n, tags: _t, ...without } = example;
    for (const finding of read(decisionSchema, await evaluate(without)).violations) {
      expect(finding.exception_hint).toBeNull();
      expect(finding.exception_hint_missing).toBe(
        'give `account` and `namespace`: an exception for a planned resource names it by all of them',
      );
    }
  });

  test('a value known only after apply is unknown, neither satisfied nor violated', async () => {
    const decision = read(decisionSchema, await evaluate({ ...good, unknown: ['tags.owner'] }));
    expect(decision.violations).toEqual([]);
    expect(decision.unknowns).toContainEqual(
      expect.objectContaining({ path: 'tags.owner', reason: 'known after apply', resource_id: 'web-1' }),
    );
  });

  test('a value that whoever asks does not know is not given; what cannot carry tags lacks none', async () => {
    const untold = read(decisionSchema, await evaluate({ ...good, unknown: ['tags.owner'], unknown_reason: 'not given' }));
    expect(untold.unknowns).toContainEqual(expect.objectContaining({ path: 'tags.owner', reason: 'not given' }));
    const untaggable = read(decisionSchema, await evaluate({ ...good, tags: {}, taggable: false }));
    expect([...untaggable.violations, ...untaggable.unknowns].filter(({ path }) => path.startsWith('tags.'))).toEqual([]);
    expect(readProblem(await evaluate({ ...good, unknown_reason: 'who knows' }), 400).errors[0]?.path).toBe('unknown_reason');
  });

  test('naming another requester needs role deployer', async () => {
    readProblem(await evaluate({ ...good, requester: 'dana@company.com' }, 'engineer'), 403);
    read(decisionSchema, await evaluate({ ...good, requester: 'engineer@company.com' }, 'engineer'));
  });

  test('names every problem of a malformed request, with what was expected and given', async () => {
    const body = { type: 'compute/instance', specs: { vcpus: 'many', memory_bg: 3 }, tags: { owner: 7 }, dry_run: 'no', nmae: 'x' };
    const problem = readProblem(await evaluate(body), 400);
    expect(problem).toMatchObject({
      type: '/problems/invalid-input',
      title: 'The request is not valid',
      detail: '5 problems in the request body',
      instance: expect.stringMatching(/^req_/),
    });
    expect(new Set(problem.errors)).toEqual(
      new Set([
        { path: 'specs.vcpus', message: 'expected a positive number, got `"many"`' },
        { path: 'specs.memory_bg', message: 'unknown key, did you mean `memory_gb`?' },
        { path: 'tags.owner', message: 'expected a text of at most 1024 characters, got `7`' },
        { path: 'dry_run', message: 'expected `true` or `false`, got `"no"`' },
        { path: 'nmae', message: 'unknown key, did you mean `name`?' },
      ]),
    );
  });

  test('a request of neither one resource nor several, or of both, is refused', async () => {
    readProblem(await evaluate({}), 400);
    const both = readProblem(await evaluate({ ...good, resources: [good] }), 400);
    expect(pathsOf(both.errors)).toEqual(['name', 'specs', 'tags', 'type']);
    readProblem(await evaluate({ resources: [] }), 400);
  });

  test('an `Idempotency-Key` is ignored: each request is judged anew', async () => {
    const headers = { 'idempotency-key': 'same' };
    const first = read(decisionSchema, await world.ask('POST', '/v1/evaluate', { body: good, headers }));
    const second = read(decisionSchema, await world.ask('POST', '/v1/evaluate', { body: { ...good, name: 'other' }, headers }));
    expect(second.decision_id).not.toBe(first.decision_id);
  });

  test('the decision log is listed by decision and requester, page by page', async () => {
    const list = (query: string) => world.ask('GET', `/v1/decisions?${query}`, { as: 'viewer' });
    const first = read(pageOf(decisionEntry), await list('decision=deny&requester=dana@company.com&limit=1'));
    expect(first.items).toHaveLength(1);
    const second = read(pageOf(decisionEntry), await list(`decision=deny&requester=dana@company.com&limit=1&cursor=${first.next}`));
    expect(second.items).toHaveLength(1);
    expect(second.items[0]?.id).not.toBe(first.items[0]?.id);
  });
});
