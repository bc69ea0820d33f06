/** The commands that speak to a server, against a real one with a worker, on a real database and a real Temporal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CliError } from '../../src/cli/context.js';
import { createWorld, read, until, type World } from '../api/world.js';
import { commandLine } from './run.js';

let world: World;
let folder: string;
const tags = { 'cost-center': 'CC-001234', environment: 'production', owner: 'engineer@company.com', project: 'shop' };
const idle = {
  account: '111122223333',
  region: 'us-east-1',
  type: 'compute/instance',
  tags,
  specs: { instance_type: 'm7i.xlarge' },
  state: 'running',
  metrics: { avg_cpu_percent: 1, avg_network_bytes_per_day: 1_000, days: 14 },
};

const { run, tollgate, json, items } = commandLine(() => world);
const violationOf = async (resource: string) => (await items('violations', '--resource', resource))[0]?.id ?? '';

beforeAll(async () => {
  world = await createWorld();
  folder = mkdtempSync(join(tmpdir(), 'tollgate-cli-'));
  for (const id of ['i-one', 'i-two', 'i-three']) {
    read(z.unknown(), await world.ask('POST', '/v1/simulated/resources', { as: 'operator', body: { ...idle, id, name: id } }), 201);
  }
  const long = {
    account: '111122223333',
    region: 'us-east-1',
    type: 'storage/bucket',
    id: `arn:aws:s3:::${'logs-'.repeat(30)}`,
    name: 'logs',
    tags: {},
  };
  read(z.unknown(), await world.ask('POST', '/v1/simulated/resources', { as: 'operator', body: long }), 201);
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

test('scan follows its scan to the end, and shows nothing else in a pipe', async () => {
  const stdout = await tollgate('scan');
  expect(stdout).toMatch(/^scan +scan_\S+\nstatus +completed\nresources +4\nviolations +4 \(4 new, 0 resolved\)\n/);
});

test('scan shows its progress on a terminal, on standard error, and clears it', async () => {
  const { stdout, stderr } = await run('operator', ['scan', '--type', 'compute/instance'], { isTerminal: true });
  expect(stdout).toMatch(/^scan +scan_/);
  expect(stderr).toMatch(/scanning: \d+ of \d+ shards/);
  expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
  const quiet = await run('operator', ['scan', '--dry-run', '--json'], { isTerminal: true });
  expect({ stderr: quiet.stderr, status: (JSON.parse(quiet.stdout) as { status: string }).status }).toEqual({
    stderr: '',
    status: 'completed',
  });
});

test('a scan that is cancelled is no success', async () => {
  const settings = (latency_ms: number) => world.ask('POST', '/v1/simulated/settings', { as: 'operator', body: { latency_ms } });
  await settings(1_000);
  const sleep = async () => {
    const { rows } = await world.database.pool.query<{ id: string }>(`select workflow_id as id from scans where status = 'running'`);
    await Promise.all(rows.map(({ id }) => world.client.workflow.getHandle(id).cancel()));
  };
  const { stdout, code } = await run('operator', ['scan'], { sleep });
  await settings(0);
  expect(stdout).toMatch(/status +cancelled\n/);
  expect(code).toBe(1);
});

test('a scan that cannot be followed goes on, and it is said how to look at it', async () => {
  const sleep = () => Promise.reject(new CliError('the server is gone'));
  const settings = (latency_ms: number) => world.ask('POST', '/v1/simulated/settings', { as: 'operator', body: { latency_ms } });
  await settings(1_000);
  const { error } = await run('operator', ['scan', '--dry-run'], { sleep });
  await settings(0);
  expect(error).toMatch(
    /^the server is gone\nthe scan goes on; ask `GET \/v1\/scans\/scan_\S+` how far it is, or look at http:\/\/127\.0\.0\.1:8233\//,
  );
});

test('violations: a table, one of them, JSON, and where the next page begins', async () => {
  expect(await tollgate('violations', '--rule', 'low-utilization', '--resource', 'i-one')).toMatch(
    /^ID +SEVERITY +STATUS +RESOURCE +RULE +TEAM +MESSAGE\nvio_\S+ +medium +open +i-one +idle-resource-detection\/low-utilization +CC-001234 +Instance appears idle .*\n$/,
  );
  const id = await violationOf('i-one');
  expect(await tollgate('violations', id)).toMatch(/resource +i-one\n.*type +compute\/instance\n/s);
  const { stdout, stderr } = await run('admin', ['violations', '--limit', '1']);
  expect(stdout.trim().split('\n')).toHaveLength(2);
  const cursor = /^more: --cursor (\S+)\n$/.exec(stderr)?.[1] ?? '';
  expect(await items('violations', '--cursor', cursor)).toHaveLength(3);
  expect(await tollgate('violations', '--team', 'nobody')).toBe('none\n');
});

test('a long id is whole in a pipe and shortened on a terminal', async () => {
  const args = ['violations', '--policy', 'mandatory-tags'];
  expect(await tollgate(...args)).toContain('logs-'.repeat(30));
  const { stdout } = await run('admin', args, { width: 150 });
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(150);
  expect(stdout).toContain('…');
});

test('evaluate: allowed, denied with exit code 2, and a dry run', async () => {
  const file = join(folder, 'web.json');
  writeFileSync(
    file,
    JSON.stringify({
      type: 'compute/instance',
      name: 'web-1',
      tags,
      specs: { vcpus: 4, memory_gb: 16, instance_family: 'general-purpose' },
      cost: { monthly: '70.08' },
    }),
  );
  expect(await run('engineer', ['evaluate', file])).toMatchObject({
    code: 0,
    error: '',
    stdout: expect.stringContaining('Request compliant with all policies'),
  });
  const big = join(folder, 'big.json');
  writeFileSync(
    big,
    JSON.stringify({
      type: 'compute/instance',
      name: 'web-2',
      tags,
      specs: { vcpus: 32, memory_gb: 16, instance_family: 'general-purpose' },
    }),
  );
  expect(await run('engineer', ['evaluate', '--dry-run', file, big])).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('DENY  web-2: Requested 32 vCPUs'),
  });
  expect(await run('viewer', ['evaluate', file])).toMatchObject({ code: 1, stdout: '', error: expect.stringContaining('engineer') });
});

describe('remediation', () => {
  const remediationOf = async (resource: string) =>
    (await json<{ remediation_id: string }>('violations', await violationOf(resource))).remediation_id;

  test('list and show, with the timeline', async () => {
    const id = await remediationOf('i-one');
    expect(
      await tollgate('remediation', 'list', '--policy', 'idle-resource-detection', '--action', 'stop_instance', '--phase', 'notice'),
    ).toContain(id);
    const shown = await tollgate('remediation', 'show', id);
    expect(shown).toMatch(/phase +notice\n/);
    expect(shown).toMatch(/deadline +escalates in 6 days 23 hours, acts in 7 days 23 hours\n/);
    expect(shown).toMatch(/ {2}violation-detected {2}message=Instance appears idle/);
  });

  test('postpone and cancel answer with the remediation; what cannot be is refused with the reason', async () => {
    const id = await remediationOf('i-one');
    const { act_at: actAt } = await json<{ act_at: string }>('remediation', 'show', id);
    const later = (days: number) => new Date(Date.parse(actAt) + days * 86_400_000).toISOString();
    expect(await tollgate('remediation', 'postpone', id, '--until', later(2), '--reason', 'release week')).toMatch(
      new RegExp(`acts at +${later(2).replace(/\.\d+Z/, 'Z')}`),
    );
    const tooFar = await run('admin', ['remediation', 'postpone', id, '--until', later(9), '--reason', 'more']);
    expect(tooFar.error).toContain('longer needs an exception');
    expect((await run('admin', ['remediation', 'undo', id])).error).toContain('cannot be undone in phase `notice`');
    expect((await run('admin', ['remediation', 'approve', id])).error).toContain('`stop_instance` needs no approval');
    expect((await run('admin', ['remediation', 'retry', id])).error).toContain('nothing to retry');
    expect((await run('viewer', ['remediation', 'cancel', id, '--reason', 'no'])).error).toContain('operator');
    expect(await tollgate('remediation', 'cancel', id, '--reason', 'owner moved')).toMatch(
      /result +cancelled\nmessage +cancelled by admin@company.com: owner moved/,
    );
  });
});

describe('exception', () => {
  test('request, list, show, approve, revoke', async () => {
    const violation = await violationOf('i-two');
    const asked = await run('engineer', [
      'exception',
      'request',
      '--violation',
      violation,
      '--days',
      '14',
      '--justification',
      'standby',
      '--json',
    ]);
    const { id, approvers } = JSON.parse(asked.stdout) as { id: string; approvers: string[] };
    expect(approvers).toEqual(['manager@company.com']);
    expect(await tollgate('exception', 'list', '--status', 'pending')).toContain(id);
    expect(await tollgate('exception', 'show', id)).toMatch(/status +pending\n.*approvers +manager@company.com\n/s);
    expect((await run('engineer', ['exception', 'approve', id])).error).toContain('approver');
    const manager = await json<{ token: string }>('token', 'create', '--principal', 'manager@company.com', '--role', 'approver');
    expect(await tollgate('--token', manager.token, 'exception', 'approve', id, '--comments', 'fine')).toMatch(
      /status +approved\n.*approved by +manager@company.com\n/s,
    );
    expect(await tollgate('exception', 'list', '--policy', 'idle-resource-detection')).toMatch(
      new RegExp(`${id} +approved +temporary +i-two +idle-resource-detection/low-utilization`),
    );
    expect(await tollgate('--token', manager.token, 'exception', 'revoke', id, '--reason', 'no longer needed')).toMatch(
      /status +revoked\n/,
    );
  });

  test('request for what is planned and for what carries a tag, with caps and a review', async () => {
    const rule = ['--policy', 'resource-limits', '--rule', 'max-instance-size', '--justification', 'load test'];
    const ask = async (...flags: string[]) => {
      const { stdout, error } = await run('engineer', ['exception', 'request', ...rule, ...flags, '--json']);
      expect(error).toBe('');
      return JSON.parse(stdout) as unknown;
    };
    const place = ['--planned-type', 'compute/instance', '--planned-account', '111122223333', '--planned-namespace', 'production'];
    const planned = { type: 'compute/instance', account: '111122223333', namespace: 'production', name: null, address: null };
    expect(await ask(...place, '--planned-name', 'web-1', '--days', '14', '--cap-uses', '2', '--cap-money', '300.00')).toMatchObject({
      resource: { ...planned, name: 'web-1' },
      caps: { money: '300.00', uses: 2 },
    });
    expect(await ask(...place, '--planned-address', 'module.a.b', '--type', 'permanent', '--review-interval-days', '30')).toMatchObject({
      resource: { ...planned, address: 'module.a.b' },
      review_interval_days: 30,
    });
    expect(await ask('--tag', 'project=shop', '--tag', 'env=test', '--account', '111122223333', '--days', '1')).toMatchObject({
      selector: { tags: { project: 'shop', env: 'test' }, account: '111122223333' },
    });
    const existing = ['--resource', 'i-one', '--account', '111122223333', '--resource-type', 'compute/instance', '--days', '1'];
    expect(await ask(...existing)).toMatchObject({ resource_id: 'i-one', resource_type: 'compute/instance' });
  });

  test('reject, and every problem of a wrong request', async () => {
    const violation = await violationOf('i-three');
    const asked = await run('engineer', [
      'exception',
      'request',
      '--violation',
      violation,
      '--type',
      'permanent',
      '--justification',
      'legal hold',
      '--json',
    ]);
    const { id } = JSON.parse(asked.stdout) as { id: string };
    const manager = await json<{ token: string }>('token', 'create', '--principal', 'manager@company.com', '--role', 'approver');
    expect(await tollgate('--token', manager.token, 'exception', 'reject', id, '--reason', 'no reason')).toMatch(/status +rejected\n/);
    expect((await run('admin', ['exception', 'review', id, '--outcome', 'renew'])).error).not.toBe('');
    const wrong = await run('engineer', ['exception', 'request', '--justification', 'x', '--type', 'forever', '--policy', 'NO']);
    for (const path of ['type:', 'policy_name:', 'rule_name:']) expect(wrong.error).toContain(path);
  });
});

test('policy: from a file through draft, review and activation to deprecation', async () => {
  const file = join(folder, 'big-disks.yaml');
  const text = (size: number) =>
    `apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata: { name: big-disks }\nspec:\n  type: ResourceLimit\n  rules:\n    - { name: size, resource: storage/volume, constraint: { maxSizeGB: ${size} } }\n`;
  writeFileSync(file, text(500));
  expect(await tollgate('policy', 'create', file)).toMatch(/status +draft\ncurrent version +0\.1\.0\n/);
  expect(await tollgate('policy', 'submit', 'big-disks', '--reviewer', 'reviewer@company.com')).toMatch(/status +review\n/);
  const reviewed = await run('reviewer', ['policy', 'review', 'big-disks', '--verdict', 'approve']);
  expect(reviewed).toMatchObject({ error: '', stdout: expect.stringMatching(/status +approved\n.*approved by +reviewer@company.com\n/s) });
  expect(await tollgate('policy', 'activate', 'big-disks')).toMatch(/active version +0\.1\.0\n/);
  expect(await tollgate('policy', 'list', '--enforcing')).toMatch(/big-disks +ResourceLimit +active +0\.1\.0 +0\.1\.0 +0\n/);
  writeFileSync(file, text(700));
  expect(await tollgate('policy', 'version', 'big-disks', file, '--change-type', 'major', '--summary', 'larger')).toMatch(
    /versions +0\.1\.0 active, 1\.0\.0 draft/,
  );
  expect(await tollgate('policy', 'show', 'big-disks')).toMatch(/active version +0\.1\.0\n/);
  const { versions } = await json<{ versions: { version: string }[] }>('policy', 'show', 'big-disks');
  expect(await tollgate('policy', 'diff', 'big-disks', '--from', '0.1.0', '--to', versions.at(-1)?.version ?? '')).toContain('700');
  const refused = await run('admin', ['policy', 'archive', 'big-disks']);
  expect(refused.error).not.toBe('');
  writeFileSync(file, text(-1));
  expect((await run('admin', ['policy', 'create', file])).error).toContain('maxSizeGB');
});

test('report: each kind for people and as the document of the API', async () => {
  expect(await tollgate('report')).toMatch(/OVERALL COMPLIANCE\n.*BY POLICY\nPOLICY +APPLICABLE.*BY TEAM\nTEAM.*TRENDS\n/s);
  expect(await tollgate('report', 'executive', '--period', '7d')).toMatch(/SUMMARY\n.*TOP ISSUES\n.*TEAM PERFORMANCE\n/s);
  for (const kind of ['exceptions', 'savings']) {
    const text = await tollgate('report', kind);
    expect(text).not.toContain('[object');
    expect(text).not.toContain('[{');
  }
  expect(await json('report', 'compliance', '--team', 'CC-001234')).toMatchObject({ report_metadata: { scope: { team: 'CC-001234' } } });
  expect((await run('admin', ['report', '--period', 'soon'])).error).toContain('period');
  expect((await run('admin', ['report', 'weekly'])).stderr).toContain('Allowed choices are compliance, executive, exceptions, savings');
});

test('pause and resume', async () => {
  expect(await tollgate('pause', '--scope', 'policy:mandatory-tags', '--reason', 'release week')).toBe(
    'paused  policy:mandatory-tags (release week)\n',
  );
  expect(await json('resume', '--scope', 'policy:mandatory-tags', '--reason', 'over')).toMatchObject({ paused: false, pauses: [] });
  expect((await run('admin', ['pause', '--scope', 'everything', '--reason', 'x'])).error).toContain('scope:');
});

test('token: shown once, listed without its secret, refused when revoked', async () => {
  const made = await tollgate('token', 'create', '--principal', 'ci@company.com', '--role', 'viewer', '--role', 'engineer');
  const [id = '', token = ''] = [/^id +(\S+)$/m, /^token +(\S+)$/m].map((pattern) => pattern.exec(made)?.[1] ?? '');
  const list = await tollgate('token', 'list');
  expect(list).toMatch(new RegExp(`${id} +ci@company.com +viewer, engineer`));
  expect(list).not.toContain(token);
  expect(await tollgate('--token', token, 'policy', 'list')).toContain('mandatory-tags');
  expect(await json('token', 'revoke', id)).toMatchObject({ id });
  const refused = await until(
    () => run('admin', ['--token', token, 'policy', 'list']),
    ({ error }) => error !== '',
  );
  expect(refused.error).toContain('the token that was sent is not known there');
});

test('audit: what was done, by whom, and that the record is whole', async () => {
  expect(await tollgate('audit', 'list', '--principal', 'admin@company.com', '--limit', '1000')).toMatch(
    /admin@company.com +remediation.cancel +rem_/,
  );
  expect(await tollgate('audit', 'verify')).toMatch(/^\d+ entries, the chain is whole\n$/);
});

test('audit verify: a record that was changed is named, and the exit code says so', async () => {
  const change = (principal: string) =>
    world.database.pool.query(
      `alter table audit_log disable trigger user; update audit_log set principal = '${principal}' where seq = 2; alter table audit_log enable trigger user`,
    );
  const { rows } = await world.database.pool.query<{ principal: string }>('select principal from audit_log where seq = 2');
  await change('mallory@company.com');
  const { stdout, error } = await run('admin', ['audit', 'verify']);
  await change(rows[0]?.principal ?? '');
  expect(stdout).toBe('');
  expect(error).toMatch(/^the audit log is broken at entry 2: /);
  expect(await tollgate('audit', 'verify')).toContain('the chain is whole');
});

test('what is not there is said, and nothing is printed', async () => {
  for (const args of [
    ['violations', 'vio_none'],
    ['remediation', 'show', 'rem_none'],
    ['exception', 'show', 'exc_none'],
    ['policy', 'show', 'none'],
    ['policy', 'create', 'none.yaml'],
  ]) {
    const { stdout, error } = await run('admin', args);
    expect({ stdout, said: error !== '' }, args.join(' ')).toEqual({ stdout: '', said: true });
  }
});
