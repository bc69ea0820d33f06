/** What works without a server, in processes of its own: exit codes, and what goes to which stream. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const tsx = join(packageRoot, 'node_modules/.bin/tsx');

/** In a directory where nothing runs. */
function tollgate(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const cwd = options.cwd ?? temporaryDirectory();
  const env = { PATH: process.env['PATH'], HOME: cwd, ...options.env };
  const { stdout, stderr, status } = spawnSync(tsx, [join(packageRoot, 'src/cli/main.ts'), ...args], {
    input: options.input ?? '',
    encoding: 'utf8',
    env,
    cwd,
  });
  return { stdout, stderr, status };
}

const policies = join(packageRoot, 'policies');
const small = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  tags: { 'cost-center': 'CC-001235', environment: 'production', owner: 'dana@company.com', project: 'web' },
  specs: { vcpus: 4, memory_gb: 16, instance_family: 'general-purpose' },
};
const big = { ...small, name: 'web-2', specs: { ...small.specs, vcpus: 32 } };

describe('evaluate --policies', { timeout: 60_000 }, () => {
  const ask = (request: unknown, ...more: string[]) =>
    tollgate(['evaluate', '--policies', policies, '-', ...more], { input: JSON.stringify(request) });

  test('allowed is 0', () => {
    expect(ask(small)).toEqual({
      stdout: 'Request compliant with all policies\n  cost unknown: no price for web-1\n',
      stderr: '',
      status: 0,
    });
  });

  test('denied is 2, with the reason and the fix', () => {
    const { stdout, status } = ask(big);
    expect(status).toBe(2);
    expect(stdout).toContain(
      'DENY  web-2: Requested 32 vCPUs exceeds limit of 16 (resource-limits/max-instance-size)\n        fix: use at most 16 vCPUs',
    );
  });

  test('a plan is denied as a whole, each resource by its name', () => {
    const { stdout, status } = ask({ resources: [small, big] }, '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      allowed: false,
      decision: 'deny',
      violations: [{ resource_id: 'web-2', path: 'specs.vcpus', observed: 32, limit: 16 }],
    });
  });

  test('prices and offers sizes by the built-in list, as a server without any other does', () => {
    const sized = { ...small, region: 'us-east-1', specs: { ...small.specs, instance_type: 'm7i.xlarge' } };
    const { cost } = JSON.parse(ask(sized, '--json').stdout) as { cost: { likely: string; high: string } };
    expect(cost).toMatchObject({ currency: 'USD', period: 'month', unpriced: [] });
    expect(Number(cost.likely)).toBeGreaterThan(0);
    expect(cost.high).toBe(cost.likely);
    expect(ask(big).stdout).toMatch(/fix: use at most 16 vCPUs, for example \S+\.\S+/);
    expect(ask({ ...sized, cost: { monthly: '1', currency: 'EUR' } })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('cost.currency'),
    });
  });

  test('a request that is wrong could not run: 1, with every problem', () => {
    const { stdout, stderr, status } = ask({ type: 7, specs: { vcpus: 'many' }, colour: 'red' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    for (const path of ['type:', 'specs.vcpus:', 'colour:']) expect(stderr).toContain(path);
  });

  test('what is not JSON, and a file that is not there, could not run: 1', () => {
    expect(tollgate(['evaluate', '--policies', policies, '-'], { input: '{' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('`-` is not JSON'),
    });
    expect(tollgate(['evaluate', '--policies', policies, 'absent.json'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('cannot read `absent.json`'),
    });
  });

  test('policies that are wrong are 3, with file, line and column', () => {
    const { stderr, status } = tollgate(['evaluate', '--policies', join(packageRoot, 'test/fixtures'), '-'], { input: '{}' });
    expect(status).toBe(3);
    expect(stderr).toMatch(/wrong-limits\.yaml:\d+:\d+ spec\.rules\[0\]/);
  });
});

describe('policy', { timeout: 60_000 }, () => {
  test('validate: the shipped ones are valid', () => {
    expect(tollgate(['policy', 'validate', policies])).toMatchObject({ stdout: '5 policies in 5 files, all valid\n', status: 0 });
  });

  test('validate: takes the names that a shell makes of policies/*.yaml, tests among them', () => {
    const named = readdirSync(policies)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(policies, name));
    expect(named.some((name) => name.endsWith('.test.yaml'))).toBe(true);
    expect(tollgate(['policy', 'validate', ...named])).toMatchObject({ stdout: '5 policies in 5 files, all valid\n', status: 0 });
  });

  test('validate: every error of a file at once, exit code 3', () => {
    const { stdout, stderr, status } = tollgate(['policy', 'validate', join(packageRoot, 'test/fixtures/wrong-limits.yaml')]);
    expect(status).toBe(3);
    const told = stderr.match(/^\S*wrong-limits\.yaml:\d+:\d+ .*\n {2}\d+ \| .*\n {2} +\| +\^$/gm) ?? [];
    expect(told.length).toBeGreaterThan(2);
    expect(told.join('\n')).toBe(stderr.trim());
    expect(stdout).toBe(`${told.length} errors in 1 file\n`);
  });

  test('validate: a folder without policies is a mistake, not a success', () => {
    expect(tollgate(['policy', 'validate', '.'])).toMatchObject({ status: 1, stderr: expect.stringContaining('no policy file') });
  });

  test('test: the shipped ones pass', () => {
    expect(tollgate(['policy', 'test', policies])).toMatchObject({
      stdout: expect.stringMatching(/^\d+ cases in 5 files, 0 failures\n$/),
      stderr: '',
      status: 0,
    });
  });

  test('test: a changed limit fails its cases, exit code 2', () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'mine'));
    cpSync(join(policies, 'orphaned-resource-detection.test.yaml'), join(cwd, 'mine/p.test.yaml'));
    writeFileSync(
      join(cwd, 'mine/p.yaml'),
      'apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata: { name: p }\nspec:\n  type: Orphan\n  rules:\n    - { name: unattached-volume, resource: storage/volume, unattachedDays: 6 }\n',
    );
    const { stdout, status } = tollgate(['policy', 'test', 'mine'], { cwd });
    expect(status).toBe(2);
    expect(stdout).toContain('FAIL  mine/p.test.yaml: exactly seven days is not more than seven days');
  });

  test('schema: a JSON Schema', () => {
    expect(JSON.parse(tollgate(['policy', 'schema']).stdout)).toMatchObject({ title: 'Tollgate cost policy', $id: expect.any(String) });
  });
});

describe('the process', { timeout: 60_000 }, () => {
  test('without a server, nothing on standard output, and 1', () => {
    const { stdout, stderr, status } = tollgate(['violations'], { env: { TOLLGATE_URL: 'http://127.0.0.1:1' } });
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr).toContain('start one with `npm start`');
  });

  test('a command that does not exist could not run: 1', () => {
    expect(tollgate(['evalute']).status).toBe(1);
  });

  test('help and version are no failures', () => {
    expect(tollgate(['--help']).status).toBe(0);
    expect(tollgate(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('configuration that is wrong is named, all of it', () => {
    const { stderr, status } = tollgate(['api'], { env: { TOLLGATE_PORT: 'eighty', TOLLGATE_LOG_LEVEL: 'loud' } });
    expect(status).toBe(1);
    expect(stderr).toMatch(/TOLLGATE_PORT: .*`eighty`/);
    expect(stderr).toMatch(/TOLLGATE_LOG_LEVEL: .*`loud`/);
  });

  test('migrate without a database says which variable', () => {
    expect(tollgate(['migrate'])).toMatchObject({ status: 1, stderr: expect.stringContaining('DATABASE_URL: not set') });
  });

  test('doctor prints every setting with its default, as JSON too', () => {
    const { stdout } = tollgate(['doctor', '--json'], { env: { TOLLGATE_PORT: '0' } });
    const checks = JSON.parse(stdout) as { name: string; message: string }[];
    expect(checks.find(({ name }) => name === 'course.highGrace')?.message).toBe('24h (default)');
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['Node', 'PostgreSQL', 'Temporal', 'policy files']));
  });

  test('a pipe that closes early is no failure', () => {
    const script = `"${tsx}" "${join(packageRoot, 'src/cli/main.ts')}" policy schema | true`;
    const { stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
  });
});
