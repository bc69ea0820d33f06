/** The commands of README that ask a server are run, in a shell, against one. */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { createWorld, shippedPolicies, until, type World } from '../api/world.js';
import { blocksOf } from './blocks.js';

const ADDRESS = 'http://127.0.0.1:8080';
const lines = blocksOf('README.md')
  .filter(({ language, text }) => language === 'sh' && /^tollgate |^ask /m.test(text))
  .flatMap(({ text }) => text.split('\n'));
const isSetUp = (line: string) => /^(export|ask\(\))/.test(line);
const calls = lines.filter((line) => !isSetUp(line));

const tags = { 'cost-center': 'CC-001234', environment: 'staging', owner: 'dana@company.com', project: 'web' };
const web = { type: 'compute/instance', name: 'web-1', tags, specs: { vcpus: 4, instance_family: 'general-purpose' } };
const FILES = {
  'tfplan.json': 'terraform-plans/aws-web-app.json',
  'infracost.json': 'infracost/breakdown-aws-example.json',
  'changes.json': 'cloudformation/change-set-with-values-add.json',
  'preview.json': 'pulumi/preview-creates.json',
  'review.json': 'admission/kubewarden-deployment-with-requests.json',
};
const approvals = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: big-spend }
spec:
  type: ApprovalRequirement
  rules:
    - { name: reserved, when: { purchaseOption: reserved }, approvers: [finops] }
`;

describe('README', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-readme-'));
  let world: World;
  let variables: Readonly<Record<string, string>>;

  /** What a shell prints for the set-up and one line. */
  async function run(line: string) {
    const setUp = lines.filter(isSetUp).join('\n').replaceAll(ADDRESS, world.url);
    const { TOLLGATE_URL: _url, TOLLGATE_TOKEN: _token, ...inherited } = process.env;
    const env = { ...inherited, ...variables, PATH: `${folder}:${inherited['PATH']}` };
    const child = spawn('bash', ['--noprofile', '--norc', '-c', `${setUp}\n${line}`], { cwd: folder, env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { stdout, stderr, code };
  }

  beforeAll(async () => {
    world = await createWorld({ worker: false, policies: [...shippedPolicies(), ...parsePolicies(approvals, 'approvals.yaml').documents] });
    for (const [name, fixture] of Object.entries(FILES)) copyFileSync(join(packageRoot, 'test/fixtures', fixture), join(folder, name));
    writeFileSync(join(folder, 'web-1.json'), JSON.stringify({ ...web, cost: { monthly: '70.08' } }));
    writeFileSync(join(folder, 'input.json'), JSON.stringify({ input: web }));
    const bill = readFileSync(join(packageRoot, 'data/focus/focus-1.0-sample-1000.csv'));
    writeFileSync(join(folder, 'bill-2026-09.csv.gz'), gzipSync(bill));
    mkdirSync(join(folder, '.tollgate'));
    writeFileSync(join(folder, '.tollgate/admin-token'), world.tokens.admin);
    const main = `exec '${join(packageRoot, 'node_modules/.bin/tsx')}' '${join(packageRoot, 'src/cli/main.ts')}' "$@"`;
    writeFileSync(join(folder, 'tollgate'), `#!/bin/sh\n${main}\n`);
    chmodSync(join(folder, 'tollgate'), 0o755);
    const answer = await world.ask('POST', '/v1/evaluate', { as: 'deployer', body: { ...web, cost: { monthly: '70.08' } } });
    const { decision_id, holds } = answer.body as { decision_id: string; holds: readonly { id: string }[] };
    variables = { DECISION: decision_id, HOLD: holds[0]?.id ?? '' };
    await world.ask('POST', '/v1/evaluate', { body: { ...web, specs: { purchase_option: 'reserved' } } });
    await until(
      () => world.ask('GET', '/v1/approvals?status=pending'),
      ({ body }) => (body as { items: object[] }).items.length > 0,
    );
  }, 60_000);
  afterAll(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('it shows a call of every door, and one for what comes after', () => {
    expect(calls.length).toBeGreaterThan(13);
  });

  test.each(calls.filter((line) => line.startsWith('tollgate evaluate')))('%s', async (line) => {
    const { stdout, stderr, code } = await run(line);
    expect({ stderr, isAnswer: code === 0 || code === 2 }).toEqual({ stderr: '', isAnswer: true });
    expect(stdout).toMatch(/^Request /);
  });

  test.each(calls.filter((line) => !line.startsWith('tollgate evaluate')))('%s', async (line) => {
    const { stdout, stderr, code } = await run(line);
    expect({ stderr, code }, stdout).toEqual({ stderr: '', code: 0 });
    expect(stdout).not.toBe('');
  });
});
