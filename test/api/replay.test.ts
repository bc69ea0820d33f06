/** Logged decisions are made again: with the policies of then byte for byte, with those of now with the difference. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { decisionDetail } from '../../src/api/contract/decision.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { replaySchema } from '../../src/api/contract/replay.js';
import { activate, insertPolicy, insertVersion } from '../store/fixtures.js';
import { createRandom, type Random } from '../support/random.js';
import { createWorld, read, readProblem, together, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const budget = { type: 'BudgetLimit', rules: [{ name: 'shop', selector: { tags: { project: 'shop' } }, budget: { monthly: 20_000 } }] };
  await insertPolicy(world.database.pool, { name: 'budgets', content: document('budgets', budget) });
  await insertPolicy(world.database.pool, { name: 'sizes', content: document('sizes', sizes(16)) });
  await until(
    async () => (await evaluate(probe)).holds.length,
    (count) => count > 0,
  );
});
afterAll(() => world.close());

const document = (name: string, spec: object) => ({ apiVersion: 'policy.oneuptime.com/v1', kind: 'CostPolicy', metadata: { name }, spec });
const sizes = (maxVCPUs: number) => ({
  type: 'ResourceLimit',
  rules: [{ name: 'at-most', resource: 'compute/*', constraint: { maxVCPUs } }],
});
const goodTags = { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com' };

const probe = {
  type: 'compute/instance',
  name: 'probe',
  account: '1',
  namespace: 'staging',
  region: 'us-east-1',
  tags: { ...goodTags, project: 'shop' },
  specs: { vcpus: 2, instance_type: 'm5.large' },
};
const ask = (path: string, body: object) => world.ask('POST', path, { as: 'engineer', body });
const evaluate = async (body: object) => read(decisionSchema, await ask('/v1/evaluate', body));
const replayed = async (id: string, policies: 'then' | 'now') => read(replaySchema, await ask(`/v1/decisions/${id}/replay`, { policies }));
const detail = async (id: string, query = '') =>
  read(decisionDetail, await world.ask('GET', `/v1/decisions/${id}${query}`, { as: 'viewer' }));

const maybe = <T>(random: Random, likely: number, value: T): T | undefined => (random.next() < likely ? value : undefined);

function resourceOf(random: Random, number: number): object {
  const type = random.pick(['compute/instance', 'database/instance', 'storage/volume', 'network/nat-gateway', 'aws/sagemaker-endpoint']);
  const cost = { hourly: `0.${random.below(1_000_000)}`, unpriced: random.pick([[], ['data processed']]) };
  return {
    type,
    name: `web-${number}`,
    region: random.pick(['us-east-1', 'eu-central-1']),
    namespace: maybe(random, 0.6, random.pick(['production', 'staging'])),
    tags: {
      ...maybe(random, 0.8, goodTags),
      ...maybe(random, 0.5, { project: random.pick(['shop', 'x', 'alpha\u2028"\\']) }),
    },
    specs: {
      vcpus: maybe(random, 0.7, random.pick([2, 16, 17, 64, 0.5])),
      memory_gb: maybe(random, 0.7, random.pick([4, 64.5, 512])),
      instance_family: maybe(random, 0.7, random.pick(['gpu', 'general-purpose', 'burstable'])),
      instance_type: maybe(random, 0.5, random.pick(['m5.large', 'p3.8xlarge', 'db.m5.large', 'nonsense'])),
      size_gb: maybe(random, 0.5, random.pick([100, 5_000])),
      volume_type: maybe(random, 0.5, random.pick(['ssd', 'provisioned-iops', 'gp3'])),
    },
    unknown: maybe(random, 0.2, random.pick([['specs.vcpus'], ['tags'], ['cost.monthly', 'tags.owner']])),
    unknown_reason: maybe(random, 0.2, 'not given'),
    taggable: maybe(random, 0.2, false),
    cost: maybe(random, 0.4, cost),
    created_at: maybe(random, 0.2, '2026-11-01T10:00:00.000Z'),
  };
}

function requestOf(number: number): object {
  const random = createRandom(number);
  const options = {
    account: '111122223333',
    dry_run: maybe(random, 0.2, true),
    idempotency_key: maybe(random, 0.2, `build-${random.below(50)}`),
  };
  if (random.next() < 0.7) return { ...resourceOf(random, number), ...options };
  return {
    resources: Array.from({ length: 1 + random.below(5) }, (_, index) => ({ ...resourceOf(random, index), address: `a.b[${index}]` })),
    ...options,
  };
}

describe('a replay with the policies of then', () => {
  test('gives the same answer byte for byte, for 1,000 random requests', { timeout: 120_000 }, async () => {
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    const wrong: unknown[] = [];
    const words = new Set<string>();
    await together(numbers, async (number) => {
      const answer = await evaluate(requestOf(number));
      words.add(answer.decision);
      const again = await replayed(answer.decision_id, 'then');
      if (!again.same || again.differences.length > 0) wrong.push([number, again.differences, again.result, answer]);
      else expect(again.result).toEqual(answer);
    });
    expect(wrong[0]).toBeUndefined();
    expect([...words].sort()).toEqual(['allow', 'deny', 'warn']);
  });

  test('knows the exception that was used, also when it has ended since', async () => {
    const body = { ...probe, name: 'web-1', account: '111122223333', specs: { ...probe.specs, vcpus: 64 } };
    const target = {
      kind: 'planned',
      type: 'compute/instance',
      account: '111122223333',
      namespace: 'staging',
      name: 'web-1',
      address: null,
    };
    const { rows } = await world.database.pool.query<{ id: string }>(
      `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, requested_by, requested_at, approvers, workflow_id)
       values ('exc_then', 'permanent', 'approved', $1, 'sizes', 'at-most', 'because', 'dana', now(), '{}', 'exception/x') returning id`,
      [target],
    );
    const answer = await until(
      () => evaluate(body),
      ({ exceptions_applied: applied }) => applied.length === 1,
    );
    expect(answer.exceptions_applied[0]?.id).toBe(rows[0]?.id);
    await world.database.pool.query(`update exceptions set status = 'revoked' where id = 'exc_then'`);
    await until(
      () => evaluate(body),
      ({ exceptions_applied: applied }) => applied.length === 0,
    );
    expect((await replayed(answer.decision_id, 'then')).same).toBe(true);
    const now = await replayed(answer.decision_id, 'now');
    expect(now.same).toBe(false);
    expect(now.differences.map(({ change, where, policy_name }) => [change, where, policy_name])).toContainEqual([
      'added',
      'violations',
      'sizes',
    ]);
    const sizesOf = (await detail(answer.decision_id)).explanation.resources[0]?.policies.find(
      ({ policy_name }) => policy_name === 'sizes',
    );
    expect(sizesOf?.rules[0]).toMatchObject({ applies: 'yes', verdict: 'excepted', exception_id: 'exc_then' });
  });
});

describe('a replay with the policies of now', () => {
  test('shows what has changed since, and changes nothing', async () => {
    const { pool } = world.database;
    const body = { ...probe, name: 'w', specs: { ...probe.specs, vcpus: 12 } };
    const answer = await evaluate(body);
    expect(answer.decision).toBe('allow');
    expect((await replayed(answer.decision_id, 'now')).same).toBe(true);
    await insertVersion(pool, 'sizes', '2.0.0', document('sizes', sizes(8)));
    await activate(pool, 'sizes', '2.0.0');
    const replay = await until(
      () => replayed(answer.decision_id, 'now'),
      ({ same }) => !same,
    );
    expect(replay).toMatchObject({ before: 'allow', after: 'deny', decision_id: answer.decision_id });
    expect(replay.policy_set).not.toBe(answer.policy_set);
    expect(replay.differences).toContainEqual({
      change: 'added',
      where: 'violations',
      policy_name: 'sizes',
      rule_name: 'at-most',
      resource_id: 'w',
      path: 'specs.vcpus',
      text: 'Requested 12 vCPUs exceeds limit of 8',
    });
    expect(await replayed(answer.decision_id, 'then')).toMatchObject({ same: true, after: 'allow', policy_set: answer.policy_set });
    expect((await detail(answer.decision_id)).result).toEqual(answer);
  });

  test('is refused for a decision that is not there, and for other words', async () => {
    readProblem(await ask('/v1/decisions/dec_none/replay', {}), 404);
    readProblem(await ask('/v1/decisions/dec_none/replay', { policies: 'tomorrow' }), 400);
  });
});

describe('the explanation of a decision', () => {
  const rulesOf = async (answer: z.output<typeof decisionSchema>, query = '') =>
    (await detail(answer.decision_id, query)).explanation.resources.flatMap(({ resource_id, policies }) =>
      policies.flatMap(({ policy_name, rules }) => rules.map((rule) => ({ resource_id, policy_name, ...rule }))),
    );

  test('names every rule of every policy, those that do not apply with the reason', async () => {
    const answer = await evaluate({
      type: 'storage/volume',
      name: 'v',
      account: '1',
      namespace: 'staging',
      specs: { size_gb: 10 },
      tags: goodTags,
    });
    const rules = await rulesOf(answer);
    expect(rules).toContainEqual(
      expect.objectContaining({
        policy_name: 'sizes',
        rule_name: 'at-most',
        applies: 'no',
        reason: 'resource type storage/volume is not compute/*',
      }),
    );
    expect(rules).toContainEqual(
      expect.objectContaining({
        policy_name: 'orphaned-resource-detection',
        applies: 'no',
        reason: 'judged at scan only: there is no resource yet',
      }),
    );
    expect(rules.filter(({ verdict }) => verdict === 'violating').length).toBeGreaterThan(0);
  });

  test('can be asked for one resource of a plan', async () => {
    const resources = ['a.one', 'a.two'].map((address) => ({
      type: 'compute/instance',
      address,
      namespace: 'staging',
      specs: { vcpus: 4 },
      tags: goodTags,
    }));
    const answer = await evaluate({ resources });
    expect(new Set((await rulesOf(answer)).map(({ resource_id }) => resource_id))).toEqual(new Set(['a.one', 'a.two']));
    expect(new Set((await rulesOf(answer, '?resource=a.two')).map(({ resource_id }) => resource_id))).toEqual(new Set(['a.two']));
  });
});
