/** The doors for documents of Infracost, CloudFormation and Pulumi, over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { packageRoot } from '../../src/package-root.js';
import { createWorld, read, readProblem, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const fixture = (name: string) => readFileSync(join(packageRoot, 'test/fixtures', name));
const TARGET = 'namespace=production&account=111122223333&region=us-east-1';
const ask = (door: string, raw: Uint8Array | string, query = TARGET, headers: Readonly<Record<string, string>> = {}) =>
  world.ask('POST', `/v1/evaluate/${door}?${query}`, { raw, headers, as: 'deployer' });

describe('each door', () => {
  test('judges by the shipped policies, and names resources by their place in the document', async () => {
    const decision = read(decisionSchema, await ask('pulumi', fixture('pulumi/preview-tags-and-replace.json')));
    expect(decision).toMatchObject({ allowed: false, decision: 'deny' });
    expect(decision.violations).toContainEqual(
      expect.objectContaining({
        rule_name: 'cost-center-required',
        path: 'tags.cost-center',
        resource_id: 'urn:pulumi:test-b5f8ac54::aws-tags-and-sets::aws:s3/bucket:Bucket::test-bucket',
        resource_type: 'storage/bucket',
      }),
    );
  });

  test('Infracost: the costs are those of the document', async () => {
    const decision = read(decisionSchema, await ask('infracost', fixture('infracost/breakdown-aws-example.json')));
    expect(decision.cost).toEqual({ low: '1361.31', likely: '1361.31', high: '1361.31', currency: 'USD', period: 'month', unpriced: [] });
    expect(decision.unknowns).toContainEqual(expect.objectContaining({ resource_id: 'aws_instance.web_app', path: 'tags.owner' }));
  });

  test('CloudFormation: what a change set does not show is unknown and said', async () => {
    const decision = read(decisionSchema, await ask('cloudformation', fixture('cloudformation/change-set-ec2-direct.json')));
    expect(decision.violations).toEqual([]);
    expect(decision.unknowns).toContainEqual(expect.objectContaining({ resource_id: 'MyEC2Instance', path: 'specs.vcpus' }));
    expect(decision.notices).toEqual([expect.stringContaining('--include-property-values')]);
  });

  test('CloudFormation: a template may come as YAML', async () => {
    const headers = { 'content-type': 'application/yaml' };
    const decision = read(decisionSchema, await ask('cloudformation', fixture('cloudformation/templates/RDS_PIOPS.yaml'), TARGET, headers));
    expect(decision.violations.map(({ resource_id }) => resource_id)).toContain('myDB');
  });

  test('a compressed document is the same', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const answer = await ask('infracost', gzipSync(fixture('infracost/diff-compare-to.json')), TARGET, headers);
    expect(read(decisionSchema, answer).cost.likely).toBe('1303.28');
  });
});

describe('what is no such document', () => {
  test.for([
    ['infracost', 'pulumi/preview-creates.json', 'got a Pulumi preview'],
    ['cloudformation', 'infracost/no-difference.json', 'got an Infracost document'],
    ['pulumi', 'cloudformation/change-set-lambda.json', 'got a CloudFormation change set'],
  ] as const)('%s says what %s looks like', async ([door, name, words]) => {
    expect(readProblem(await ask(door, fixture(name)), 400).detail).toContain(words);
  });

  test.for(['{', '', '[]', 'null', '{"projects":[],"currency":"EUR"}', '\u0000'])('400 for %j', async (text) => {
    for (const door of ['infracost', 'cloudformation', 'pulumi']) readProblem(await ask(door, text), 400);
  });
});

describe('what is asked beside the document', () => {
  const document = fixture('infracost/diff-compare-to.json');

  test('unknown keys and values are refused, each named', async () => {
    const problem = readProblem(await ask('infracost', document, 'colour=red&dry_run=perhaps'), 400);
    expect(JSON.stringify(problem.errors)).toMatch(/colour/);
    expect(JSON.stringify(problem.errors)).toMatch(/dry_run/);
  });

  test('only a deployer may ask for somebody else', async () => {
    const path = '/v1/evaluate/infracost?requester=dana@company.com';
    readProblem(await world.ask('POST', path, { raw: document, as: 'engineer' }), 403);
    read(decisionSchema, await world.ask('POST', path, { raw: document, as: 'deployer' }));
    expect((await world.ask('POST', path, { raw: document, as: 'viewer' })).status).toBe(403);
  });

  test('namespace, account and region are those of resources that tell none', async () => {
    const { violations } = read(decisionSchema, await ask('pulumi', fixture('pulumi/preview-creates.json')));
    expect(violations[0]?.exception_hint?.resource).toMatchObject({ namespace: 'production', account: '111122223333' });
  });
});
