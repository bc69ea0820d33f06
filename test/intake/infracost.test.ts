/** Documents of Infracost, real ones and what they may also hold. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { readInfracost } from '../../src/intake/infracost/infracost.js';
import { packageRoot } from '../../src/package-root.js';

const { lookup } = createCatalog();
const context = { lookup, currency: 'USD', namespace: null, account: null, region: null };
const fixture = (name: string) =>
  JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/infracost', name), 'utf8')) as Record<string, unknown>;
const read = (document: unknown, currency = 'USD') => readInfracost(document, { ...context, currency });
const find = (document: unknown, address: string) => read(document).resources.find((each) => each.address === address);

/** A document of one project with these resources. */
const documentOf = (resources: readonly object[], more: object = {}) => ({
  version: '0.2',
  currency: 'USD',
  totalMonthlyCost: '1',
  projects: [{ name: 'web', breakdown: { resources } }],
  ...more,
});

describe('real documents', () => {
  test('an instance has its type, market and price, and its volumes are resources of their own', () => {
    const { resources } = read(fixture('breakdown-aws-example.json'));
    expect(resources.slice(0, 3)).toMatchObject([
      {
        address: 'aws_instance.web_app',
        type: 'compute/instance',
        provider: 'aws',
        specs: { instanceType: 'm5.4xlarge', vcpus: 16, memoryGb: 64, purchaseOption: 'on-demand' },
        cost: { monthly: '560.64', source: 'request' },
        managedBy: { tool: 'terraform', address: 'aws_instance.web_app', repository: 'https://github.com/infracost/infracost.git' },
      },
      { address: 'aws_instance.web_app.root_block_device[0]', type: 'storage/volume', specs: { sizeGb: 50, volumeType: 'ssd' } },
      { specs: { sizeGb: 1000, volumeType: 'provisioned-iops', iops: 800 }, cost: { monthly: '177.00' } },
    ]);
    expect(resources.find(({ address }) => address === 'aws_instance.zero_cost_instance')?.specs.purchaseOption).toBe('reserved');
  });

  test('costs of all parts add up to what the document says of the whole', () => {
    for (const [name, total] of [
      ['breakdown-aws-example.json', 1361.31],
      ['breakdown-modules-v0.14.json', 81.122],
      ['breakdown-with-tags.json', 1696.295],
    ] as const) {
      const sum = read(fixture(name)).resources.reduce((all, { cost }) => all + Number(cost.monthly ?? 0), 0);
      expect(sum, name).toBeCloseTo(total, name.includes('modules') ? 6 : 0);
    }
  });

  test('what depends on usage leaves the cost open and is named; with nothing else it is unknown, never 0', () => {
    expect(find(fixture('breakdown-default-tags.json'), 'aws_lambda_function.hello_world')?.cost).toEqual({
      hourly: null,
      monthly: null,
      source: 'request',
      range: { low: '0', high: null },
      unpriced: ['Requests', 'Ephemeral storage', 'Duration (first 6B)'],
    });
    expect(find(fixture('breakdown-azure-firewall.json'), 'azurerm_firewall.premium')?.cost).toMatchObject({
      monthly: '638.75',
      range: { low: '638.75', high: null },
      unpriced: ['Data processed'],
    });
  });

  test('an older document without tags leaves them unknown; a newer one gives those of the resource and of its volumes', () => {
    expect(find(fixture('breakdown-aws-example.json'), 'aws_instance.web_app')).toMatchObject({
      unknownPaths: ['tags'],
      unknownReason: 'not given',
    });
    const tagged = fixture('breakdown-with-tags.json');
    expect(find(tagged, 'aws_instance.web_app')).toMatchObject({ tags: { foo: 'bar', DefaultOverride: 'defaultoverride' } });
    expect(find(tagged, 'aws_instance.web_app')?.tags).not.toHaveProperty('volume_tags.baz');
    expect(find(tagged, 'aws_instance.web_app.ebs_block_device[0]')?.tags).toMatchObject({ baz: 'bat' });
  });

  test('a group has the specs of one and the cost of all', () => {
    expect(find(fixture('breakdown-with-tags.json'), 'aws_autoscaling_group.launch_template')).toMatchObject({
      type: 'compute/instance',
      quantity: 4,
      specs: { instanceType: 't3.medium', vcpus: 2 },
      cost: { monthly: '137.172' },
    });
    expect(find(fixture('breakdown-with-tags.json'), 'aws_autoscaling_group.launch_template.block_device_mapping[0]')).toMatchObject({
      quantity: 4,
      specs: { sizeGb: 10, iops: 100 },
    });
  });

  test('a document of an old version, which gives no type, is read by its addresses', () => {
    const { resources } = read(fixture('breakdown-modules-v0.14.json'));
    const types = resources.map(({ address, type }) => [address, type]);
    expect(types).toContainEqual(['aws_instance.instance_named["test.1"]', 'compute/instance']);
    expect(types).toContainEqual(['module.db.module.db_1.module.db_instance.aws_db_instance.this[0]', 'database/instance']);
  });

  test('a diff asks for what changes only, with what it cost before', () => {
    const document = fixture('diff-compare-to.json');
    const { resources } = read(document);
    expect(resources.map(({ address, previousMonthly }) => [address, previousMonthly])).toEqual([
      ['aws_instance.web_app', '560.64'],
      ['aws_instance.web_app.root_block_device[0]', '5.00'],
      ['aws_instance.web_app.ebs_block_device[0]', '177.00'],
    ]);
    expect(resources[0]?.cost.monthly).toBe('1121.28');
  });

  test('kinds that Infracost does not know are said to be left out', () => {
    expect(read(fixture('breakdown-azure-firewall.json')).notices).toEqual([
      'not judged, since infracost does not know them: 1 `azurerm_virtual_hub`, 1 `azurerm_virtual_wan`',
    ]);
    expect(read(fixture('no-difference.json')).resources).toEqual([]);
  });
});

describe('other documents', () => {
  const instance = { name: 'aws_instance.a', resourceType: 'aws_instance', monthlyCost: '10', costComponents: [] };

  test('a diff leaves out what did not change, wherever it moved in the code', () => {
    const before = { ...instance, metadata: { startLine: 1 } };
    const projects = [
      { name: 'web', pastBreakdown: { resources: [before] }, breakdown: { resources: [{ ...instance, metadata: { startLine: 9 } }] } },
    ];
    expect(read(documentOf([], { projects, metadata: { infracostCommand: 'diff' } })).resources).toEqual([]);
    expect(read(documentOf([], { projects, metadata: { infracostCommand: 'breakdown' } })).resources).toHaveLength(1);
  });

  test('several projects are told apart by their names', () => {
    const projects = ['web', 'api'].map((name) => ({ name, breakdown: { resources: [instance] } }));
    expect(read(documentOf([], { projects })).resources.map(({ address }) => address)).toEqual([
      'web:aws_instance.a',
      'api:aws_instance.a',
    ]);
  });

  test('free resources are asked about too: they have tags', () => {
    const projects = [
      { name: 'web', breakdown: { resources: [], freeResources: [{ name: 'aws_iam_role.a', resourceType: 'aws_iam_role', tags: {} }] } },
    ];
    expect(read(documentOf([], { projects })).resources).toMatchObject([{ type: 'aws/iam-role', cost: { monthly: '0.00' }, tags: {} }]);
  });

  test('what no price was found for is named although its cost is 0', () => {
    const costComponents = [{ name: 'Storage', monthlyCost: '0', priceNotFound: true }];
    expect(read(documentOf([{ ...instance, costComponents }])).resources[0]?.cost).toMatchObject({
      unpriced: ['Storage'],
      range: { high: null },
    });
  });

  test('tags that hang on variables without a value are unknown', () => {
    const resource = { ...instance, tags: { a: 'b' }, missingVarsCausingUnknownTagKeys: ['var.tags'] };
    expect(read(documentOf([resource])).resources[0]).toMatchObject({
      tags: { a: 'b' },
      unknownPaths: ['tags'],
      unknownReason: 'not given',
    });
  });

  test('a project that could not be read whole says so', () => {
    const projects = [{ name: 'web', metadata: { errors: [{ message: 'module not found' }] }, breakdown: { resources: [] } }];
    expect(read(documentOf([], { projects })).notices).toEqual(['infracost read project `web` in part: module not found']);
  });

  test.for([
    [documentOf([], { currency: 'EUR' }), 'expected `USD`, the currency of this installation, got `EUR`'],
    [documentOf([], { version: '1.0' }), 'expected Infracost format 0.x, got `1.0`'],
    [{ steps: [] }, 'a Pulumi preview'],
    [[], 'a list of 0'],
    ['x', 'a string'],
  ] as const)('%j is refused in words', ([document, words]) => {
    expect(() => read(document)).toThrow(words);
  });

  test('a document without a currency is in USD, which another installation refuses', () => {
    const { currency: _, ...document } = documentOf([]);
    expect(() => read(document, 'EUR')).toThrow('expected `EUR`');
    expect(read(document).resources).toEqual([]);
  });

  test.for([
    [
      null,
      7,
      'x',
      [],
      { name: 3 },
      { name: 'aws_instance.a', costComponents: 'x', subresources: [null, {}], tags: [], monthlyCost: 'free' },
    ],
    [{ name: '__proto__.constructor', resourceType: 'constructor', tags: { constructor: 'x', toString: null } }],
    [{ name: '[[[', monthlyCost: '-5', hourlyCost: Number.POSITIVE_INFINITY }],
  ])('odd values are not given values: %j', (resources) => {
    expect(() => read(documentOf(resources as object[]))).not.toThrow();
  });
});
