/** The routes that work through workflows, with a worker: scans, remediations, exceptions, policies. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditEntrySchema, auditVerificationSchema } from '../../src/api/contract/access.js';
import { enforcementSchema } from '../../src/api/contract/enforcement.js';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { exceptionSchema } from '../../src/api/contract/exception.js';
import { pageOf } from '../../src/api/contract/page.js';
import { policySchema, policyWithContent, versionsSchema } from '../../src/api/contract/policy.js';
import { remediationSchema, remediationSummary } from '../../src/api/contract/remediation.js';
import { complianceReport, exceptionsReport, executiveReport, savingsReport } from '../../src/api/contract/report.js';
import { inventoryItem } from '../../src/api/contract/resource.js';
import { scanSchema, scanStarted } from '../../src/api/contract/scan.js';
import { violationSchema } from '../../src/api/contract/violation.js';
import type { Role } from '../../src/policy/house-records.js';
import { createWorld, read, readProblem, until, type World } from './world.js';

let world: World;
const get = (path: string, as: Role = 'viewer') => world.ask('GET', path, { as });
const post = (path: string, body: unknown, as: Role = 'admin', headers: Record<string, string> = {}) =>
  world.ask('POST', path, { as, body, headers });

const ARN = 'arn:aws:ec2:us-east-1:111122223333:instance/i-idle';
const goodTags = { 'cost-center': 'CC-001234', environment: 'production', owner: 'engineer@company.com', project: 'shop' };
const instance = {
  account: '111122223333',
  region: 'us-east-1',
  type: 'compute/instance',
  tags: goodTags,
  specs: { instance_type: 'm7i.xlarge' },
  state: 'running',
};
const busy = { avg_cpu_percent: 60, avg_network_bytes_per_day: 5e9, days: 14 };
const idle = { avg_cpu_percent: 1, avg_network_bytes_per_day: 1_000, days: 14 };

beforeAll(async () => {
  world = await createWorld();
  const made = [
    { ...instance, id: ARN, name: 'idle', metrics: idle },
    { ...instance, id: 'i-untagged', name: 'untagged', metrics: busy, tags: { environment: 'production' } },
    { ...instance, id: 'i-twin', name: 'twin', metrics: idle },
    { ...instance, id: 'i-twin', name: 'twin', metrics: busy, account: '444455556666' },
    { ...instance, id: 'i-good', name: 'good', metrics: busy },
  ];
  for (const body of made) read(z.unknown(), await post('/v1/simulated/resources', body, 'operator'), 201);
});
afterAll(() => world.close());

async function scan(body: object = {}, headers: Record<string, string> = {}): Promise<z.output<typeof scanSchema>> {
  const started = read(scanStarted, await post('/v1/scans', body, 'operator', headers), 202);
  // It can be followed at once.
  read(scanSchema, await get(`/v1/scans/${started.id}`));
  return until(
    async () => read(scanSchema, await get(`/v1/scans/${started.id}`)),
    ({ status }) => status !== 'running',
  );
}

async function violationOf(resource: string, policy: string): Promise<z.output<typeof violationSchema>> {
  const page = read(
    pageOf(violationSchema),
    await get(`/v1/violations?resource=${encodeURIComponent(resource)}&policy=${policy}&status=open`),
  );
  expect(page.items).toHaveLength(1);
  return page.items[0] as z.output<typeof violationSchema>;
}

describe('scans and what they find', () => {
  test('a scan is followed by its id and ends with its summary', async () => {
    const done = await scan();
    expect(done).toMatchObject({
      status: 'completed',
      trigger: 'manual',
      resources_scanned: 5,
      requested_by: 'operator@company.com',
      errors: [],
    });
    expect(done.shards.failed).toBe(0);
    expect(done.violations_found).toBeGreaterThanOrEqual(3);
    expect(done.workflow.url).toBe(`http://127.0.0.1:8233/namespaces/${world.temporal.namespace}/workflows/scan%2F${done.id}`);
    const listed = read(pageOf(scanSchema), await get('/v1/scans?status=completed'));
    expect(listed.items.map(({ id }) => id)).toContain(done.id);
  });

  test('the same Idempotency-Key starts one scan, another body under it is refused', async () => {
    const headers = { 'idempotency-key': 'nightly' };
    const first = read(scanStarted, await post('/v1/scans', { dry_run: true }, 'operator', headers), 202);
    const repeat = await post('/v1/scans', { dry_run: true }, 'operator', headers);
    expect(read(scanStarted, repeat, 202)).toEqual(first);
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    expect(readProblem(await post('/v1/scans', {}, 'operator', headers), 409).detail).toContain('another body');
    expect(read(scanStarted, await post('/v1/scans', { dry_run: true }, 'admin', headers), 202).id).not.toBe(first.id);
  });

  test('a provider that is not configured is refused with those that are', async () => {
    expect(readProblem(await post('/v1/scans', { provider: 'aws' }, 'operator'), 400).errors).toEqual([
      { path: 'provider', message: 'expected one of `simulated`, got `aws`' },
    ]);
  });

  test('violations are filtered, shown one by one, and shown at their resource', async () => {
    const violation = await violationOf(ARN, 'idle-resource-detection');
    expect(violation).toMatchObject({
      episode: 1,
      rule_name: 'low-utilization',
      severity: 'medium',
      recommended_action: 'stop',
      team: 'CC-001234',
    });
    expect(read(violationSchema, await get(`/v1/violations/${violation.id}`))).toEqual(violation);
    const none = read(pageOf(violationSchema), await get('/v1/violations?policy=idle-resource-detection&severity=critical'));
    expect(none.items).toEqual([]);
    const answer = await get(`/v1/resources/${encodeURIComponent(ARN)}`);
    const about = { open_violations: 1, open_violation_ids: [violation.id], exception_ids: [] };
    expect(answer.body).toMatchObject({ id: ARN, provider: 'simulated', violations: [{ id: violation.id }], exceptions: [], ...about });
    const listed = read(pageOf(inventoryItem), await get('/v1/resources'));
    expect(listed.items.find(({ id }) => id === ARN)).toMatchObject(about);
  });

  test('a list goes on where its cursor says, without gaps or repeats', async () => {
    const whole = read(pageOf(inventoryItem), await get('/v1/resources'));
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page: z.output<ReturnType<typeof pageOf<typeof inventoryItem>>> = read(
        pageOf(inventoryItem),
        await get(`/v1/resources?limit=2${next === '' ? '' : `&cursor=${next}`}`),
      );
      seen.push(...page.items.map(({ account, id }) => `${account}/${id}`));
      next = page.next;
    }
    expect(seen).toEqual(whole.items.map(({ account, id }) => `${account}/${id}`));
    expect(seen).toHaveLength(5);
  });

  test('an id that two accounts have is 409 until the account is given', async () => {
    readProblem(await get('/v1/resources/i-twin'), 409);
    expect((await get('/v1/resources/i-twin?account=444455556666')).body).toMatchObject({ account: '444455556666', violations: [] });
    readProblem(await get('/v1/resources/i-none'), 404);
  });

  test('reports are what their contract says', async () => {
    const report = read(complianceReport, await get('/v1/reports/compliance?period=7d'));
    expect(report.overall_compliance).toMatchObject({ total_resources: 5 });
    read(executiveReport, await get('/v1/reports/executive'));
    read(exceptionsReport, await get('/v1/reports/exceptions'));
    read(savingsReport, await get('/v1/reports/savings?team=CC-001234&account=111122223333'));
    readProblem(await get('/v1/reports/compliance?policy=no-such-policy'), 404);
    readProblem(await get('/v1/reports/compliance?period=9999d'), 400);
  });
});

describe('remediations', () => {
  const remediationOf = async (resource: string) => {
    const { remediation_id: id } = await violationOf(resource, 'idle-resource-detection');
    return read(remediationSchema, await get(`/v1/remediations/${id}`));
  };
  const move = (id: string, word: string, body?: unknown) => world.ask('POST', `/v1/remediations/${id}/${word}`, { as: 'operator', body });

  test('shows phase, deadline in words and timeline', async () => {
    const { id } = await remediationOf(ARN);
    const remediation = await until(
      async () => read(remediationSchema, await get(`/v1/remediations/${id}`)),
      ({ timeline }) => timeline.length > 1,
    );
    expect(remediation).toMatchObject({ action: 'stop_instance', phase: 'notice', severity: 'medium', escalated: false, result: null });
    expect(remediation.deadline_text).toMatch(/^escalates in 6 days 23 hours, acts in 7 days 23 hours$/);
    expect(remediation.timeline.map(({ event }) => event)).toContain('violation-detected');
    expect(remediation.undo).toEqual({ available: false, until: null });
    const listed = read(pageOf(remediationSummary), await get('/v1/remediations?phase=notice&policy=idle-resource-detection'));
    expect(listed.items.map((item) => item.id)).toContain(id);
  });

  test('is postponed within its limit; more is refused with the reason', async () => {
    const before = await remediationOf(ARN);
    const until5 = new Date(Date.parse(before.act_at) + 5 * 86_400_000).toISOString();
    const moved = read(remediationSchema, await move(before.id, 'postpone', { until: until5, reason: 'launch week' }));
    expect(moved.act_at).toBe(until5);
    const until9 = new Date(Date.parse(before.act_at) + 9 * 86_400_000).toISOString();
    expect([400, 409]).toContain((await move(before.id, 'postpone', { until: until9, reason: 'again' })).status);
    readProblem(await move(before.id, 'postpone', { until: until5 }), 400);
  });

  test('what the state does not allow is 409: retry and undo of what has not acted', async () => {
    const { id } = await remediationOf(ARN);
    readProblem(await move(id, 'retry'), 409);
    readProblem(await move(id, 'undo', { reason: 'oops' }), 409);
  });

  test('is cancelled once: then it is closed, and everything is 409 with its result', async () => {
    const { id } = await remediationOf('i-twin');
    expect(read(remediationSchema, await move(id, 'cancel', { reason: 'keep it' }))).toMatchObject({ result: 'cancelled' });
    const problem = await until(
      () => move(id, 'cancel', { reason: 'keep it' }),
      ({ status }) => status === 409,
    );
    expect(readProblem(problem, 409).detail).toContain('cancel');
    const { rows } = await world.database.pool.query('select principal, action from audit_log where subject = $1 order by seq', [id]);
    expect(rows).toContainEqual({ principal: 'operator@company.com', action: 'remediation.cancel' });
  });

  test('one that does not exist is 404', async () => {
    readProblem(await move('rem_nothing', 'retry'), 404);
  });
});

describe('exceptions', () => {
  const request = {
    resource_id: 'i-untagged',
    account: '111122223333',
    policy_name: 'tagging-requirements',
    rule_name: 'required-tags',
    type: 'temporary',
    justification: 'legacy host',
    duration_days: 14,
  };
  let tagRule: { policy_name: string; rule_name: string };
  beforeAll(async () => {
    const page = read(pageOf(violationSchema), await get('/v1/violations?resource=i-untagged'));
    const { policy_name, rule_name } = page.items[0] as z.output<typeof violationSchema>;
    tagRule = { policy_name, rule_name };
  });
  const ask = (extra: object = {}, headers: Record<string, string> = {}) =>
    post('/v1/exceptions', { ...request, ...tagRule, ...extra }, 'engineer', headers);

  test('a request waits for those whom the directory names', async () => {
    const answer = await ask();
    const exception = read(exceptionSchema, answer, 201);
    expect(answer.headers.get('location')).toBe(`/v1/exceptions/${exception.id}`);
    expect(exception).toMatchObject({ status: 'pending', requested_by: 'engineer@company.com', expires_at: null, duration_days: 14 });
    expect(exception.approvers).toContain('approver@company.com');
    expect(read(exceptionSchema, await get(`/v1/exceptions/${exception.id}`))).toEqual(exception);
    expect(read(exceptionSchema, await post(`/v1/exceptions/${exception.id}/revoke`, { reason: 'not needed' }, 'engineer'))).toMatchObject({
      status: 'lapsed',
      closed_reason: 'withdrawn',
    });
  });

  test('everything wrong with a request is said at once', async () => {
    const problem = readProblem(
      await post('/v1/exceptions', { ...request, policy_name: 'no-such', duration_days: null, resource_id: 'i-none' }, 'engineer'),
      400,
    );
    expect(problem.errors.map(({ path }) => path)).toEqual(expect.arrayContaining(['duration_days', 'policy_name', 'resource_id']));
  });

  test('a repeat with its Idempotency-Key is the same request', async () => {
    const first = read(exceptionSchema, await ask({}, { 'idempotency-key': 'exc-1' }), 201);
    expect(read(exceptionSchema, await ask({}, { 'idempotency-key': 'exc-1' }), 201).id).toBe(first.id);
    read(exceptionSchema, await post(`/v1/exceptions/${first.id}/reject`, { reason: 'fix the tags' }, 'approver'));
  });

  test('only those who are named decide, once; then it holds at the gate and its use is counted', async () => {
    const { id } = read(exceptionSchema, await ask({ caps: { uses: 5 } }), 201);
    const word = (verb: string, as: Role, body: unknown = {}) => post(`/v1/exceptions/${id}/${verb}`, body, as);
    readProblem(await word('approve', 'admin'), 403);
    const approved = read(exceptionSchema, await word('approve', 'approver', { comments: 'until the move' }));
    expect(approved).toMatchObject({ status: 'approved', approved_by: 'approver@company.com' });
    readProblem(await word('approve', 'approver'), 409);

    const resource = { type: 'compute/instance', id: 'i-untagged', account: '111122223333', region: 'us-east-1', namespace: 'production' };
    const decision = await until(
      async () =>
        read(
          decisionSchema,
          await post('/v1/evaluate', {
            ...resource,
            tags: { environment: 'production' },
            specs: { vcpus: 2, memory_gb: 4, instance_family: 'general-purpose' },
          }),
        ),
      ({ exceptions_applied }) => exceptions_applied.length > 0,
    );
    expect(decision).toMatchObject({ decision: 'allow', exceptions_applied: [{ id, resource_id: 'i-untagged' }] });
    expect(read(exceptionSchema, await get(`/v1/exceptions/${id}`)).used.uses).toBeGreaterThanOrEqual(1);

    expect(read(exceptionSchema, await word('revoke', 'approver', { reason: 'moved' }))).toMatchObject({ status: 'revoked' });
    const after = await until(
      () => word('revoke', 'approver', { reason: 'moved' }),
      ({ status }) => status === 409,
    );
    readProblem(after, 409);
    const listed = read(pageOf(exceptionSchema), await get(`/v1/exceptions?status=revoked&policy=${tagRule.policy_name}`));
    expect(listed.items.map((item) => item.id)).toContain(id);
  });

  test('a violation fills its own request', async () => {
    const violation = await violationOf(ARN, 'idle-resource-detection');
    const answer = await post(`/v1/violations/${violation.id}/exception`, { type: 'permanent', justification: 'standby' }, 'engineer');
    expect(read(exceptionSchema, answer, 201)).toMatchObject({
      resource_id: ARN,
      account: '111122223333',
      policy_name: 'idle-resource-detection',
      review_interval_days: 90,
    });
    readProblem(await post('/v1/violations/vio_nothing/exception', { type: 'permanent', justification: 'x' }, 'engineer'), 404);
  });
});

const document = (maxVCPUs: number) => `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: small-only }
spec:
  type: ResourceLimit
  rules:
    - name: size
      resource: compute/*
      constraint: { maxVCPUs: ${maxVCPUs} }
`;
const yaml = { 'content-type': 'application/yaml' };

describe('policies', () => {
  const move = (word: string, body: unknown, as: Role) => post(`/v1/policies/small-only/${word}`, body, as);
  const denies = async (api: Pick<World, 'ask'>) => {
    const body = { type: 'compute/instance', namespace: 'nowhere', tags: goodTags, specs: { vcpus: 4 } };
    const decision = read(decisionSchema, await api.ask('POST', '/v1/evaluate', { body }));
    return decision.violations.some(({ policy_name }) => policy_name === 'small-only');
  };

  test('a draft is made from YAML, once; a wrong one is refused with lines', async () => {
    const created = await world.ask('POST', '/v1/policies', { as: 'author', raw: document(2), headers: yaml });
    expect(read(policySchema, created, 201)).toMatchObject({
      name: 'small-only',
      status: 'draft',
      current_version: '0.1.0',
      active_version: null,
    });
    readProblem(await world.ask('POST', '/v1/policies', { as: 'author', raw: document(2), headers: yaml }), 409);
    const wrong = await world.ask('POST', '/v1/policies', { as: 'author', raw: document(2).replace('maxVCPUs', 'maxVCPU'), headers: yaml });
    const problem = readProblem(wrong, 400);
    expect(problem.type).toBe('/problems/invalid-policy');
    expect(problem.errors).toContainEqual({
      path: 'spec.rules[0].constraint.maxVCPU',
      message: expect.stringMatching(/^10:\d+ .*did you mean maxVCPUs\?/),
    });
  });

  test('goes from draft to active through people who are not its author, and every process enforces it', async () => {
    const other = await world.another();
    expect(await denies(world)).toBe(false);
    readProblem(await move('activate', {}, 'operator'), 409);
    expect([400, 403]).toContain((await move('submit', { reviewers: ['author@company.com'] }, 'author')).status);
    expect(read(policySchema, await move('submit', { reviewers: ['reviewer@company.com'] }, 'author'))).toMatchObject({ status: 'review' });
    readProblem(await move('reviews', { verdict: 'approve' }, 'admin'), 403);
    expect(read(policySchema, await move('reviews', { verdict: 'approve', comments: 'fine' }, 'reviewer'))).toMatchObject({
      status: 'approved',
    });
    expect(read(policySchema, await move('activate', {}, 'operator'))).toMatchObject({ status: 'active', active_version: '0.1.0' });
    expect(await denies(world)).toBe(true);
    await until(
      () => denies(other),
      (denied) => denied,
    );
  });

  test('a new version says how much it changes; the active one goes on until it is replaced', async () => {
    const version = (content: string, type: string) =>
      move('versions', { content, change_type: type, change_summary: 'other size' }, 'author');
    readProblem(await version(document(3), 'minor'), 400);
    const answer = read(policySchema, await version(document(3), 'major'), 201);
    expect(answer).toMatchObject({ status: 'draft', active_version: '0.1.0', current_version: '1.0.0' });
    const { items } = read(versionsSchema, await get('/v1/policies/small-only/versions'));
    expect(items.map(({ version: one, status }) => [one, status])).toEqual([
      ['0.1.0', 'active'],
      ['1.0.0', 'draft'],
    ]);
    expect(read(policyWithContent, await get('/v1/policies/small-only')).content).toMatchObject({ metadata: { name: 'small-only' } });
  });

  test('lists have every type, and filter by what enforces', async () => {
    const { items } = read(pageOf(policySchema), await get('/v1/policies?enforcing=true'));
    expect(items.find(({ name }) => name === 'team-budgets')).toMatchObject({ type: 'BudgetLimit' });
    expect(items.find(({ name }) => name === 'resource-limits')).toMatchObject({ type: 'ResourceLimit' });
    readProblem(await get('/v1/policies/no-such-policy'), 404);
    readProblem(await post('/v1/policies/no-such-policy/archive', {}, 'operator'), 404);
    readProblem(await post('/v1/policies/resource-limits/archive', {}, 'operator'), 409);
  });

  test('validation and tests store nothing and answer what is wrong', async () => {
    const softened = document(2).replace('name: size', 'name: size\n      severity: high');
    expect((await world.ask('POST', '/v1/policies/validate', { as: 'engineer', raw: softened, headers: yaml })).body).toMatchObject({
      valid: true,
      policies: [{ name: 'small-only', type: 'ResourceLimit', rules: 1 }],
      warnings: [{ policy_name: 'small-only', rule_name: 'size' }],
    });
    const tests = (want: string) =>
      `cases:\n  - note: big\n    resource: { type: compute/instance, specs: { vcpus: 4 } }\n    want: ${want}\n`;
    const run = (want: string) => post('/v1/policies/test', { content: document(2), test: tests(want) }, 'engineer');
    expect((await run('{ size: violating }')).body).toEqual({ passed: true, cases: 1, failures: [], unexercised: [] });
    expect((await run('{}')).body).toMatchObject({ passed: false, unexercised: ['small-only/size'] });
    readProblem(await post('/v1/policies/test', { test: 'cases: 7' }, 'engineer'), 400);
  });
});

describe('the big switch and the audit log', () => {
  test('pausing and resuming is seen and written down with who and why', async () => {
    const paused = read(
      enforcementSchema,
      await post('/v1/enforcement/pause', { scope: 'policy:resource-limits', reason: 'audit week' }, 'operator'),
    );
    expect(paused).toMatchObject({ paused: false, pauses: [{ scope: 'policy:resource-limits', paused_by: 'operator@company.com' }] });
    expect(read(enforcementSchema, await get('/v1/enforcement'))).toEqual(paused);
    readProblem(await post('/v1/enforcement/pause', { scope: 'policy:no-such', reason: 'x' }, 'operator'), 404);
    expect(
      read(enforcementSchema, await post('/v1/enforcement/resume', { scope: 'policy:resource-limits', reason: 'done' }, 'operator')).pauses,
    ).toEqual([]);
    readProblem(await post('/v1/enforcement/resume', { scope: 'policy:resource-limits', reason: 'done' }, 'operator'), 409);
    const { items } = read(pageOf(auditEntrySchema), await get('/v1/audit?subject=policy:resource-limits', 'admin'));
    expect(items.map(({ principal, action }) => [principal, action])).toEqual([
      ['operator@company.com', 'enforcement.resume'],
      ['operator@company.com', 'enforcement.pause'],
    ]);
  });

  test('the audit log is whole after all of this', async () => {
    const verified = read(auditVerificationSchema, await get('/v1/audit/verify', 'admin'));
    expect(verified).toMatchObject({ intact: true, broken: null });
    expect(verified.entries).toBeGreaterThan(20);
  });
});

test('an answer says when the demonstration clock runs', async () => {
  expect((await get('/v1/scans')).headers.get('tollgate-acceleration')).toBeNull();
  await world.database.pool.query('update installation set acceleration = 3600');
  await until(
    () => get('/v1/scans'),
    ({ headers }) => headers.get('tollgate-acceleration') === '3600',
  );
  expect((await get('/readyz')).body).toMatchObject({ acceleration: 3600, banner: expect.stringContaining('3600') });
});

test('metrics are there for Prometheus', async () => {
  const { headers, body } = await world.ask('GET', '/metrics', { token: null });
  expect(headers.get('content-type')).toContain('text/plain');
  expect(body).toContain('tollgate_http_request_seconds_count{method="POST",route="/v1/evaluate",status="200"}');
  expect(body).toContain('tollgate_decisions_total{decision="deny"}');
});
