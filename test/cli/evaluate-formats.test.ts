/** `tollgate evaluate` in a process of its own: which document goes where, and what the shell is told. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const tsx = join(packageRoot, 'node_modules/.bin/tsx');
const policies = join(packageRoot, 'policies');
const fixture = (name: string) => join(packageRoot, 'test/fixtures', name);
let cwd: string;
beforeEach(() => {
  cwd = temporaryDirectory();
});

function evaluate(...args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(tsx, [join(packageRoot, 'src/cli/main.ts'), 'evaluate', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: cwd },
    cwd,
  });
  return { stdout, stderr, status };
}
const here = (...args: readonly string[]) => evaluate('--policies', policies, '--namespace', 'production', ...args);
const written = (name: string) => readFileSync(join(cwd, name), 'utf8');

const tags = { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com', project: 'web' };
const request = (vcpus: number) => {
  const path = join(cwd, `request-${vcpus}.json`);
  const specs = { vcpus, memory_gb: 8, instance_family: 'general-purpose' };
  writeFileSync(path, JSON.stringify({ type: 'compute/instance', name: 'web', namespace: 'production', tags, specs }));
  return path;
};

describe('one question, several documents', { timeout: 60_000 }, () => {
  test('a denial is 2 in every format; each file has its own, and standard output the chosen one', () => {
    const reports = ['junit=a.xml', 'sarif=b.sarif', 'markdown=c.md', 'json=d.json'].flatMap((each) => ['--report', each]);
    const { stdout, stderr, status } = here(request(32), '--format', 'github', ...reports);
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
    expect(stdout).toMatch(/^::error file=.*Requested 32 vCPUs exceeds limit of 16/m);
    expect(written('a.xml')).toContain('<failure');
    expect(JSON.parse(written('b.sarif'))).toMatchObject({ version: '2.1.0' });
    expect(written('c.md')).toMatch(/^<!-- tollgate:decision -->\n/);
    expect(JSON.parse(written('d.json'))).toMatchObject({ decision: 'deny' });
  });

  test('an allowed request is 0, and its document may go to a file instead of standard output', () => {
    const { stdout, status } = here(request(2), '--format', 'junit', '--output', 'allowed.xml');
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
    expect(written('allowed.xml')).toContain('failures="0"');
  });

  test('documents of other tools are told by their content', () => {
    const { stdout, status } = here(fixture('infracost/breakdown-aws-example.json'), fixture('cloudformation/templates/RDS_PIOPS.yaml'));
    expect(status).toBe(2);
    expect(stdout).toContain('costs 1361.31 USD a month');
    expect(stdout).toContain('myDB');
  });
});

describe('what could not run', { timeout: 60_000 }, () => {
  test('a file that cannot be written is 1', () => {
    const { status, stderr } = here(request(2), '--output', 'no/such/folder.xml');
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('`no/such/folder.xml` cannot be written') as string });
  });

  test('an unknown format is 1, and nothing is asked', () => {
    expect(here(request(32), '--report', 'pdf=x.pdf')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('FORMAT=FILE'),
    });
    expect(existsSync(join(cwd, 'x.pdf'))).toBe(false);
  });

  test('an invalid policy is 3 and leaves no document behind', () => {
    const broken = join(cwd, 'broken');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'a.yaml'), 'kind: CostPolicy\n');
    expect(evaluate('--policies', broken, request(2), '--report', 'junit=never.xml').status).toBe(3);
    expect(existsSync(join(cwd, 'never.xml'))).toBe(false);
  });
});
