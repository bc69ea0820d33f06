import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { seedBulk } from '../../src/cloud/simulated/bulk.js';
import type { NewResource } from '../../src/cloud/simulated/rows.js';
import { billedResources } from '../../src/cloud/simulated/seed/billed.js';
import { madeResources } from '../../src/cloud/simulated/seed/made-groups.js';
import { type Seeded, seedSimulatedCloud } from '../../src/cloud/simulated/seed.js';
import { packageRoot } from '../../src/package-root.js';
import { blastRadiusLimit } from '../../src/policy/blast-radius.js';
import { type CompiledPolicies, compilePolicies } from '../../src/policy/compile.js';
import { DAY } from '../../src/policy/durations.js';
import { evaluateResource } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Resource } from '../../src/policy/model.js';
import { compare } from '../../src/policy/money.js';
import { parsePolicyFiles } from '../../src/policy/parse.js';
import type { ScanVerdict } from '../../src/policy/verdict.js';
import { createTestCloud, type TestCloud } from './simulated-cloud.js';

const catalog = createCatalog();
const NOW = Date.UTC(2026, 7, 1);
const JUDGED = ['compliant', 'violating', 'excepted'];
const DESTRUCTIVE = ['stop', 'resize', 'terminate', 'delete'];

function shippedPolicies() {
  const directory = join(packageRoot, 'policies');
  const names = readdirSync(directory).filter((name) => name.endsWith('.yaml') && !name.includes('test'));
  const { documents } = parsePolicyFiles(names.map((name) => ({ file: name, text: readFileSync(join(directory, name), 'utf8') })));
  return compilePolicies(documents.map(({ policy }) => ({ version: '1.0.0', policy })));
}

interface Judged {
  readonly resource: Resource;
  readonly verdict: ScanVerdict;
}

function evaluateAll(policies: CompiledPolicies, resources: readonly Resource[], cloud: TestCloud): Judged[] {
  const context = { offers: (region: string | null) => cloud.provider.offers(region) };
  const judge = (resource: Resource) => evaluateResource(policies, NO_EXCEPTIONS, resource, cloud.now(), context);
  return resources.flatMap((resource) => judge(resource).map((verdict) => ({ resource, verdict })));
}

describe('the sample bill', () => {
  const world = { seed: 'tollgate', now: NOW, catalog };
  const billed = billedResources(world);
  const byId = new Map(billed.map((resource) => [resource.id, resource]));
  const get = (id: string): NewResource => {
    const resource = byId.get(id);
    if (resource === undefined) throw new Error(`no ${id}`);
    return resource;
  };

  test('has 842 resources: each id once, rows without an id are none', () => {
    expect(billed).toHaveLength(842);
    expect(byId.size).toBe(842);
    expect(byId.has('NULL')).toBe(false);
  });

  test('names the type and price of an instance: they are kept', () => {
    expect(get('i-081360af1l266l589')).toMatchObject({
      type: 'compute/instance',
      region: 'us-east-1',
      specs: { instanceType: 'c5.2xlarge', vcpus: 8, memoryGb: 16, instanceFamily: 'compute-optimized' },
      cost: { hourly: '0.34', monthly: '248.20', source: 'bill' },
    });
  });

  test('names the size of a volume by its GB-months', () => {
    expect(get('vom-0l67l922a007b1f3e')).toMatchObject({
      type: 'storage/volume',
      region: 'ap-northeast-1',
      specs: { sizeGb: 8, volumeType: 'ssd', instanceType: 'gp2' },
      cost: { hourly: '0.0013333333', source: 'bill' },
    });
  });

  test('of zero is a cost of zero, and what a commitment covers is billed at zero', () => {
    expect(get('i-0ae9l98e3f12fa3el').cost).toEqual({ hourly: '0', monthly: '0.00', source: 'bill' });
    expect(get('i-0e028l9f1119eb343').cost).toEqual({ hourly: '0', monthly: '0.00', source: 'bill' });
  });

  test('with nothing but money given back leaves the cost unknown, never negative', () => {
    expect(billed.filter(({ cost }) => cost.hourly === null).map(({ cost }) => cost.source)).toEqual(['none', 'none', 'none', 'none']);
    expect(billed.some(({ cost }) => cost.hourly !== null && compare(cost.hourly, '0') < 0)).toBe(false);
  });

  test('keeps kinds without a family of ours under the name of their cloud', () => {
    const types = new Set(billed.map(({ type }) => type));
    expect([...types]).toEqual(
      expect.arrayContaining([
        'aws/sqs-queue',
        'aws/lambda-function',
        'azure/storage-account',
        'oracle/vnic',
        'database/instance',
        'network/nat-gateway',
      ]),
    );
    for (const type of types) expect(type).toMatch(/^[a-z]+\/[a-z-]+$/);
  });

  test('has its own tags kept, and seven of ten resources have those the policies ask for', () => {
    const tagged = billed.filter(({ tags }) => tags?.['cost-center'] !== undefined);
    expect(tagged.length / billed.length).toBeGreaterThan(0.65);
    expect(tagged.length / billed.length).toBeLessThan(0.75);
    expect(get('i-0a938056l3l49a4a5').tags).toMatchObject({ application: 'BrightPathMatrix', business_unit: 'PeoriaData' });
    const environments = new Set(tagged.map(({ tags }) => tags?.['environment']));
    expect(environments).toEqual(new Set(['development', 'production', 'sandbox', 'staging']));
  });
});

describe('the seeded cloud', () => {
  let cloud: TestCloud;
  let first: Seeded;
  let resources: readonly Resource[];
  let verdicts: readonly Judged[];

  beforeAll(async () => {
    cloud = await createTestCloud();
    await cloud.admin.setSettings({ reads_burst: 10_000 });
    first = await seedSimulatedCloud(cloud.pool, { now: cloud.now(), catalog });
    resources = await listAll(cloud);
    verdicts = evaluateAll(shippedPolicies(), resources, cloud);
  });
  afterAll(() => cloud.close());

  const violating = () => verdicts.filter(({ verdict }) => verdict.verdict === 'violating');
  const acting = () => violating().filter(({ verdict }) => DESTRUCTIVE.includes(verdict.finding?.action ?? ''));

  test('is filled once: what was there stays', async () => {
    expect(first).toEqual({ seeded: true, billed: 842, made: madeResources({ seed: 'tollgate', now: 0, catalog }).length });
    expect(first.made).toBeGreaterThanOrEqual(150);
    expect(first.made).toBeLessThanOrEqual(250);
    expect(await seedSimulatedCloud(cloud.pool, { now: cloud.now(), catalog, seed: 'other' })).toEqual({
      seeded: false,
      billed: 0,
      made: 0,
    });
    expect(resources).toHaveLength(first.billed + first.made);
  });

  test('is filled by one of several processes that start at the same time', async () => {
    const empty = await createTestCloud();
    const both = await Promise.all([1, 2].map(() => seedSimulatedCloud(empty.pool, { now: empty.now(), catalog })));
    expect(both.filter(({ seeded }) => seeded)).toHaveLength(1);
    await empty.close();
  });

  test('is the same for the same seed, another for another, and a day later its instants alone have moved', () => {
    const make = (seed: string, now: number) => [...billedResources({ seed, now, catalog }), ...madeResources({ seed, now, catalog })];
    const once = make('a', NOW);
    expect(make('a', NOW)).toEqual(once);
    expect(make('b', NOW).map(({ id, tags, specs }) => ({ id, tags, specs }))).not.toEqual(
      once.map(({ id, tags, specs }) => ({ id, tags, specs })),
    );
    const instants = (resource: NewResource) =>
      [resource.createdAt, resource.detachedAt, resource.metrics?.since].filter((at) => at !== undefined && at !== null);
    make('a', NOW + DAY).forEach((resource, index) => {
      const before = once[index];
      expect({ ...resource, createdAt: 0, detachedAt: 0, metrics: 0 }).toEqual({ ...before, createdAt: 0, detachedAt: 0, metrics: 0 });
      expect(instants(resource)).toEqual(before === undefined ? [] : instants(before).map((at) => at + DAY));
    });
  });

  test('has for every rule that is evaluated what breaks it and what keeps it', () => {
    const counts = new Map<string, { violating: number; compliant: number }>();
    for (const { verdict } of verdicts) {
      const name = `${verdict.policyName}/${verdict.ruleName}`;
      const count = counts.get(name) ?? { violating: 0, compliant: 0 };
      if (verdict.verdict === 'violating' || verdict.verdict === 'compliant') count[verdict.verdict] += 1;
      counts.set(name, count);
    }
    const rules = [...counts.keys()].filter((name) => !name.startsWith('team-budgets/')).sort();
    expect(rules).toEqual([
      'idle-resource-detection/low-utilization',
      'mandatory-tags/cost-center-required',
      'orphaned-resource-detection/unattached-volume',
      'resource-limits/max-database-size',
      'resource-limits/max-instance-size',
      'resource-limits/max-storage-size',
    ]);
    const lacking = rules.filter((rule) => counts.get(rule)?.violating === 0 || counts.get(rule)?.compliant === 0);
    expect(lacking).toEqual([]);
  });

  test('keeps within the blast radius of every policy but orphaned-resource-detection, which breaches it', () => {
    const limits = { min: 10, percent: 10 };
    const over: string[] = [];
    for (const policy of new Set(verdicts.map(({ verdict }) => verdict.policyName))) {
      const applicable = new Set(
        verdicts
          .filter(({ verdict }) => verdict.policyName === policy && JUDGED.includes(verdict.verdict))
          .map(({ resource }) => resource.id),
      );
      const acts = acting().filter(({ verdict }) => verdict.policyName === policy).length;
      if (acts > blastRadiusLimit(limits, applicable.size)) over.push(policy);
    }
    expect(over).toEqual(['orphaned-resource-detection']);
  });

  test('keeps within the blast radius of every team', () => {
    const teamOf = ({ resource }: { readonly resource: Resource }) => resource.tags['cost-center'] ?? 'untagged';
    const over: string[] = [];
    for (const team of new Set(verdicts.map(teamOf))) {
      const own = verdicts.filter((entry) => teamOf(entry) === team);
      const acts = acting().filter((entry) => teamOf(entry) === team).length;
      const applicable = new Set(own.filter(({ verdict }) => JUDGED.includes(verdict.verdict)).map(({ resource }) => resource.id));
      if (acts > blastRadiusLimit({ min: 10, percent: 25 }, applicable.size)) over.push(team);
    }
    expect(over).toEqual([]);
  });

  test('has every action that the shipped policies lead to, and resources that code owns', () => {
    const counts: Record<string, number> = {};
    for (const { verdict } of violating()) counts[verdict.finding?.action ?? ''] = (counts[verdict.finding?.action ?? ''] ?? 0) + 1;
    // As `docs/simulated-cloud.md` says.
    expect(counts).toEqual({ stop: 11, resize: 7, delete: 26, tag: 215, notify: 18 });
    expect(acting().filter(({ resource }) => resource.managedBy !== null).length).toBeGreaterThan(0);
  });
});

describe('the bulk generator', () => {
  test('makes as many resources as asked for, with violators of every shipped policy', async () => {
    const cloud = await createTestCloud();
    await seedBulk(cloud.pool, 2_000, cloud.now());
    const resources = await listAll(cloud);
    expect(resources).toHaveLength(2_000);
    expect(new Set(resources.map(({ type }) => type)).size).toBe(3);
    const found = evaluateAll(shippedPolicies(), resources, cloud).filter(({ verdict }) => verdict.verdict === 'violating');
    expect(new Set(found.map(({ verdict }) => verdict.policyName)).size).toBe(4);
    await cloud.close();
  });
});

/** Everything, with its metrics, as a scan sees it. */
async function listAll({ provider }: TestCloud): Promise<Resource[]> {
  const resources: Resource[] = [];
  for (const shard of await provider.shards()) {
    const page = await provider.list(shard, { cursor: null, limit: 500 });
    const metrics = await provider.metrics(
      page.resources.map((resource) => ({ ...shard, id: resource.id ?? '' })),
      7,
    );
    resources.push(...page.resources.map((resource, index) => ({ ...resource, metrics: metrics[index] ?? null })));
  }
  return resources;
}
