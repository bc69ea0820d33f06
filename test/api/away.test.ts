/** What happens while the database or Temporal is away, and that nothing has to be restarted afterwards. */

import { Client, ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { decisionDetail } from '../../src/api/contract/decision.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { PERMISSIONS, type RouteName } from '../../src/api/permissions.js';
import { freePort } from '../../src/local/processes.js';
import { createDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.js';
import { pathToNothing } from './document.js';
import { type Api, createWorld, read, readProblem, together, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const big = { type: 'compute/instance', name: 'web-1', namespace: 'production', account: '1', region: 'us-east-1', specs: { vcpus: 32 } };

/** Bodies with which a route gets as far as the database or Temporal. */
const BODIES: Partial<Record<RouteName, unknown>> = {
  'POST /v1/scans': {},
  'POST /v1/remediations/{id}/postpone': { until: '2027-01-01T00:00:00Z', reason: 'later' },
  'POST /v1/remediations/{id}/cancel': { reason: 'no' },
  'POST /v1/enforcement/pause': { scope: 'all', reason: 'drill' },
  'POST /v1/enforcement/resume': { scope: 'all', reason: 'drill' },
  'POST /v1/exceptions': { resource_id: 'i-1', account: '1', policy_name: 'a', rule_name: 'b', type: 'permanent', justification: 'c' },
  'POST /v1/violations/{id}/exception': { type: 'permanent', justification: 'c' },
  'POST /v1/exceptions/{id}/reject': { reason: 'no' },
  'POST /v1/exceptions/{id}/revoke': { reason: 'no' },
  'POST /v1/approvals/{id}/reject': { reason: 'no' },
  'POST /v1/exceptions/{id}/review': { outcome: 'renew' },
  'POST /v1/policies': { content: tagPolicy() },
  'POST /v1/policies/{name}/versions': { content: tagPolicy(), change_type: 'major', change_summary: 'more' },
  'POST /v1/policies/{name}/submit': { reviewers: ['r@company.com'] },
  'POST /v1/policies/{name}/reviews': { verdict: 'approve' },
  'POST /v1/policies/{name}/deprecate': { deprecation_date: '2027-01-01T00:00:00Z', reason: 'old' },
  'POST /v1/tokens': { principal: 'p@company.com', roles: ['viewer'] },
  'POST /v1/simulated/faults': { kind: 'throttle' },
  'POST /v1/simulated/settings': { latency_ms: 0 },
  'POST /v1/simulated/resources': { account: '1', type: 'compute/instance', id: 'i-1' },
  'POST /v1/simulated/resources/{account}/{family}/{kind}/{id}': {},
};

function tagPolicy(): unknown {
  return {
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name: 'away-tags' },
    spec: { type: 'TagRequirement', rules: [{ name: 'owner', requiredTags: [{ key: 'owner' }] }] },
  };
}

/** Answer without the database: what is in memory, and what stores nothing. */
const INDEPENDENT: ReadonlySet<RouteName> = new Set(['POST /v1/evaluate', 'POST /v1/policies/validate', 'POST /v1/policies/test']);
/** The other doors of the gate answer as it does; a bill is read, and a budget's policy looked for, before the database is asked. */
const ASKED_ELSEWHERE = /^(POST|GET) \/v[01]\/(evaluate\/|admission|data\/|imports\/focus|budgets\/)/;
const dependent = (Object.keys(PERMISSIONS) as RouteName[]).filter(
  (name) => PERMISSIONS[name] !== 'public' && !INDEPENDENT.has(name) && !ASKED_ELSEWHERE.test(name),
);

function askRoute(api: Api, name: RouteName) {
  const [method = '', path = ''] = name.split(' ');
  const body = BODIES[name];
  const query = name === 'GET /v1/policies/{name}/diff' ? '?from=1.0.0&to=2.0.0' : '';
  return api.ask(method, pathToNothing(path) + query, body === undefined ? {} : { body });
}

describe.each(['cut', 'stall'] as const)('with the database away (%s)', (how) => {
  let proxy: DatabaseProxy;
  let api: Api;
  const decided: string[] = [];
  beforeAll(async () => {
    proxy = await createDatabaseProxy(world.database.connectionString);
    api = await world.another({ connectionString: proxy.connectionString });
    read(decisionSchema, await api.ask('POST', '/v1/evaluate', { as: 'engineer', body: big }));
    // Connections that are open and idle are lost like any other.
    await together([1, 2, 3, 4], async () => void (await api.ask('GET', '/v1/scans')));
    proxy[how]();
    await until(async () => api.deps.snapshot.degraded, Boolean);
  });
  afterAll(() => proxy.close());

  test('evaluate answers from memory with the same findings, and says so', async () => {
    for (const as of ['engineer', 'deployer'] as const) {
      const decision = read(decisionSchema, await api.ask('POST', '/v1/evaluate', { as, body: big }));
      expect(decision).toMatchObject({ decision: 'deny', degraded: true, durable: false });
      expect(decision.violations.map(({ path }) => path)).toContain('specs.vcpus');
      decided.push(decision.decision_id);
    }
  });

  test('a token that was not seen before is 503, one that is known still has only its own roles', async () => {
    expect(readProblem(await api.ask('POST', '/v1/evaluate', { token: 'tg_unseen', body: big }), 503).detail).toContain('token');
    readProblem(await api.ask('POST', '/v1/evaluate', { as: 'viewer', body: big }), 403);
  });

  test('everything that needs the database answers 503 and names it', async () => {
    const asked = how === 'cut' ? dependent : dependent.slice(0, 3);
    await together(asked, async (name) => {
      const problem = readProblem(await askRoute(api, name), 503);
      expect(problem.detail, name).toMatch(/database/);
    });
  });

  test('readiness stays 200 and names what is away; validation goes on', async () => {
    const ready = await api.ask('GET', '/readyz', { token: null });
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({ ready: true, away: [{ part: 'database' }] });
    expect((await api.ask('GET', '/healthz', { token: null })).status).toBe(200);
    expect((await api.ask('POST', '/v1/policies/validate', { body: { content: {} } })).status).toBe(200);
  });

  test('recovers without a restart, and the decisions made meanwhile appear in the log', async () => {
    proxy.restore();
    await until(
      () => api.ask('GET', '/v1/scans', { as: 'viewer' }),
      ({ status }) => status === 200,
    );
    for (const id of decided) {
      const answer = await until(
        () => api.ask('GET', `/v1/decisions/${id}`, { as: 'viewer' }),
        // A statement that was on its way when the database was lost may arrive first, and is corrected at once.
        ({ status, body }) => status === 200 && !(body as z.infer<typeof decisionDetail>).result.durable,
      );
      const logged = read(decisionDetail, answer);
      expect(logged).toMatchObject({ id, decision: 'deny', degraded: true, result: { degraded: true, durable: false } });
    }
    const fresh = await until(
      async () => read(decisionSchema, await api.ask('POST', '/v1/evaluate', { as: 'engineer', body: big })),
      ({ degraded }) => !degraded,
    );
    expect(fresh.durable).toBe(true);
  });
});

test('an API that never reached its database is not ready, and says what is missing', async () => {
  const proxy = await createDatabaseProxy(world.database.connectionString);
  proxy.cut();
  const api = await world.another({ connectionString: proxy.connectionString });
  const ready = await api.ask('GET', '/readyz', { token: null });
  expect(ready.status).toBe(503);
  expect(ready.body).toMatchObject({ ready: false, away: [{ part: 'policies' }, { part: 'database' }] });
  readProblem(await api.ask('POST', '/v1/evaluate', { body: big }), 503);
  proxy.restore();
  await until(
    () => api.ask('GET', '/readyz', { token: null }),
    ({ status }) => status === 200,
  );
  await proxy.close();
});

test('an enforcing policy that cannot be read is named by readiness and by each answer, and the others go on', async () => {
  const content = { kind: 'Other', spec: { rules: [{ name: 'strange' }] } };
  const { pool } = world.database;
  await pool.query(
    `insert into policies (name, type, status, current_version, active_version, created_at, created_by, updated_at, updated_by)
     values ('broken', 'ResourceLimit', 'active', '1.0.0', '1.0.0', now(), 'a', now(), 'a')`,
  );
  await pool.query(
    `insert into policy_versions (policy_name, version, status, content, content_hash, rules_hash, change_type, change_summary, created_at, created_by)
     values ('broken', '1.0.0', 'active', $1, 'x', '', 'major', '', now(), 'a')`,
    [content],
  );
  const api = await world.another();
  const ready = await api.ask('GET', '/readyz', { token: null });
  expect(ready.status).toBe(200);
  expect(ready.body).toMatchObject({
    ready: true,
    away: [{ part: 'policies', problem: expect.stringContaining('`broken` 1.0.0') as string }],
  });
  const decision = read(decisionSchema, await api.ask('POST', '/v1/evaluate', { body: big }));
  expect(decision).toMatchObject({ decision: 'deny', degraded: false, errors: [{ policy_name: 'broken', rule_name: 'strange' }] });
  await pool.query(`update policies set active_version = null where name = 'broken'`);
});

describe('with Temporal away', () => {
  let api: Api;
  beforeAll(async () => {
    api = await world.another({ temporalAddress: `127.0.0.1:${await freePort()}` });
  });

  test('what needs it answers 503, names it, and has changed nothing', async () => {
    const count = async () =>
      (await world.database.pool.query('select (select count(*) from scans) + (select count(*) from audit_log) as n')).rows;
    const before = await count();
    expect(readProblem(await api.ask('POST', '/v1/scans', { body: {} }), 503).detail).toContain('Temporal');
    const created = await api.ask('POST', '/v1/policies', { body: { content: tagPolicy() } });
    expect(readProblem(created, 503).detail).toContain('Temporal');
    expect(readProblem(await api.ask('POST', '/v1/policies/resource-limits/archive'), 503).detail).toContain('Temporal');
    expect(await count()).toEqual(before);
  });

  test('what does not need it goes on: evaluate, lists, pausing', async () => {
    expect(read(decisionSchema, await api.ask('POST', '/v1/evaluate', { body: big }))).toMatchObject({ degraded: false });
    expect((await api.ask('GET', '/v1/scans')).status).toBe(200);
    expect((await api.ask('POST', '/v1/enforcement/pause', { body: { scope: 'all', reason: 'drill' } })).status).toBe(200);
    expect((await api.ask('POST', '/v1/enforcement/resume', { body: { scope: 'all', reason: 'drill' } })).status).toBe(200);
    const ready = await api.ask('GET', '/readyz', { token: null });
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({ away: [{ part: 'temporal' }] });
  });
});

describe('with no worker', () => {
  test('a POST is 202 with where to look, and repeating it with its key asks again', async () => {
    const ask = () => world.ask('POST', '/v1/policies', { body: { content: tagPolicy() }, headers: { 'idempotency-key': 'patience' } });
    for (const answer of [await ask(), await ask()]) {
      expect(answer.status).toBe(202);
      expect(answer.headers.get('location')).toBe('/v1/policies/away-tags');
      expect(answer.headers.get('idempotency-replayed')).toBeNull();
      expect(answer.body).toMatchObject({ status: 'pending', workflow: { id: 'policy/away-tags' } });
    }
  });
});

test('a scan that Temporal is slow to start holds up nobody, and leaves nothing behind when it is refused', async () => {
  let started: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    started = resolve;
  });
  let refuse: (error: Error) => void = () => {};
  const slow = {
    start: () => {
      started();
      return new Promise<string>((_, reject) => {
        refuse = reject;
      });
    },
  };
  const { connection, options } = world.client;
  const client = new Client({ connection, namespace: options.namespace, interceptors: { workflow: [slow] } });
  const api = await world.another({ overrides: { temporal: { client, taskQueue: 'nobody', address: 'slow' } } });
  const counts = async () =>
    (
      await world.database.pool.query(
        `select (select count(*) from scans) as scans, (select count(*) from audit_log where action = 'scan.start') as audits`,
      )
    ).rows[0];
  const before = await counts();
  const scan = api.ask('POST', '/v1/scans', { body: {} });
  await asked;
  // What is audited needs the one lock of the audit log.
  expect((await api.ask('POST', '/v1/enforcement/pause', { body: { scope: 'all', reason: 'drill' } })).status).toBeLessThan(300);
  await api.ask('POST', '/v1/enforcement/resume', { body: { scope: 'all', reason: 'drill' } });
  refuse(new ServiceError('deadline exceeded'));
  expect((await scan).status).toBe(503);
  expect(await counts()).toEqual(before);
});
