/** Documents in which nothing is judged: the command line allows them, as the doors do, with and without a server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../api/world.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { commandLine } from './run.js';

let world: World;
const { run } = commandLine(() => world);
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const request = { uid: 'u-1', kind: { group: '', version: 'v1', kind: 'Service' }, operation: 'CREATE', object: { kind: 'Service' } };
const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
const plan = { format_version: '1.2', terraform_version: '1.9.0', resource_changes: [] };

function file(name: string, content: object): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe.each([
  ['a review of what costs nothing', () => file('service.json', review)],
  ['a plan that changes nothing', () => file('plan.json', plan)],
])('%s', (_name, path) => {
  test('is allowed in the same words, whoever judges', async () => {
    const there = await run('engineer', ['evaluate', path()]);
    expect(there).toMatchObject({ code: 0, error: '', stderr: '' });
    expect(there.stdout).toMatch(/^Request compliant with all policies\n/);
    expect(await run('engineer', ['evaluate', path(), '--policies', 'policies'])).toEqual(there);
  });
});

test('that nothing is judged is said', async () => {
  const { stdout } = await run('engineer', ['evaluate', file('service.json', review)]);
  expect(stdout).toContain('  note  nothing in it is judged\n');
  const json = await run('engineer', ['evaluate', file('service.json', review), '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ allowed: true, decision: 'allow', notices: ['nothing in it is judged'] });
});

test('what a review says beside its resources is said by a server too', async () => {
  const template = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '1Gi' } } }] } };
  const kind = { group: 'apps', version: 'v1', kind: 'DaemonSet' };
  const path = file('agents.json', {
    ...review,
    request: { ...request, kind, namespace: 'staging', object: { metadata: { name: 'a' }, spec: { template } } },
  });
  for (const also of [[], ['--policies', 'policies']]) {
    const { stdout } = await run('engineer', ['evaluate', path, ...also]);
    expect(stdout).toContain('  note  a DaemonSet runs a pod on each node that it matches; it was judged as one pod\n');
  }
});
