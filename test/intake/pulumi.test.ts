/** Previews of Pulumi, real ones and what they may also hold. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { readPulumi } from '../../src/intake/pulumi/pulumi.js';
import { readTypeToken, terraformTypeOf } from '../../src/intake/pulumi/type-token.js';
import { packageRoot } from '../../src/package-root.js';

const { lookup } = createCatalog();
const context = { lookup, namespace: null, account: null, region: null };
const read = (document: unknown) => readPulumi(document, context);
const fixture = (name: string) => read(JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/pulumi', name), 'utf8')));

const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const PROVIDER = 'urn:pulumi:dev::shop::pulumi:providers:aws::default';
const urnOf = (type: string, name: string) => `urn:pulumi:dev::shop::${type}::${name}`;

interface Given {
  readonly op?: string;
  readonly name?: string;
  readonly old?: object;
  readonly state?: object;
}
function step(type: string, inputs: object, { op = 'create', name = 'it', old, state = {} }: Given = {}) {
  const urn = urnOf(type, name);
  const made = (of: object) => ({ urn, custom: true, type, inputs: of, ...state });
  const oldState = old === undefined ? {} : { oldState: { ...made(old), id: 'i-1' } };
  return { op, urn, provider: `${PROVIDER}::${UNKNOWN}`, newState: made(inputs), ...oldState, detailedDiff: null };
}
const preview = (...steps: readonly object[]) => ({ config: { 'aws:region': 'us-east-1', 'gcp:project': 'shop-1' }, steps });
const only = (...steps: readonly object[]) => read(preview(...steps)).resources;

describe('real previews', () => {
  test('creates, without the stack and components', () => {
    const { resources } = fixture('preview-creates.json');
    expect(resources).toHaveLength(14);
    expect(resources[0]).toMatchObject({
      type: 'storage/bucket',
      provider: 'aws',
      name: 'docs-32c8f2c',
      managedBy: { tool: 'pulumi', address: 'urn:pulumi:dev::sample::aws:s3/bucket:Bucket::docs' },
    });
    expect(resources.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['aws/lambda-function', 'aws/iam-role', 'aws/lambda-permission']),
    );
  });

  test('updates and a replacement, with the tags to come, and the place told by what is there', () => {
    const { resources } = fixture('preview-tags-and-replace.json');
    expect(resources).toMatchObject([
      {
        type: 'storage/bucket',
        id: 'drift-adopter-testdata-tags',
        tags: { CostCenter: 'cc-100', Environment: 'production', Owner: 'team-a' },
      },
      { type: 'aws/iam-role', account: '616138583583' },
      { type: 'aws/security-group', region: 'us-west-2' },
      { type: 'aws/s3-bucket-versioning-v2' },
    ]);
    expect(resources[0]?.tags).not.toHaveProperty('Team');
  });

  test('what stays the same is not asked about', () => {
    expect(fixture('preview-update.json').resources.map(({ type }) => type)).toEqual(['aws/lambda-function']);
  });

  test('other providers, a null diff, no summary', () => {
    expect(fixture('preview-tls-replace.json').resources.map(({ type }) => type)).toEqual([
      'tls/private-key',
      'command/local-command',
      'command/local-command',
    ]);
  });

  test('no secret is kept', () => {
    expect(JSON.stringify(fixture('preview-tls-replace.json'))).not.toContain('[secret]');
  });
});

describe('kinds by their tokens', () => {
  test.for([
    ['aws:ec2/instance:Instance', 'aws_instance'],
    ['aws:ebs/volume:Volume', 'aws_ebs_volume'],
    ['aws:ec2/eip:Eip', 'aws_eip'],
    ['aws:ec2/natGateway:NatGateway', 'aws_nat_gateway'],
    ['aws:lb/loadBalancer:LoadBalancer', 'aws_lb'],
    ['aws:rds/instance:Instance', 'aws_db_instance'],
    ['aws:rds/clusterInstance:ClusterInstance', 'aws_rds_cluster_instance'],
    ['aws:s3/bucketV2:BucketV2', 'aws_s3_bucket'],
    ['aws:autoscaling/group:Group', 'aws_autoscaling_group'],
    ['aws:ec2/launchTemplate:LaunchTemplate', 'aws_launch_template'],
    ['aws:eks/nodeGroup:NodeGroup', 'aws_eks_node_group'],
    ['aws:sagemaker/endpoint:Endpoint', 'aws_sagemaker_endpoint'],
    ['gcp:compute/instance:Instance', 'google_compute_instance'],
    ['gcp:sql/databaseInstance:DatabaseInstance', 'google_sql_database_instance'],
    ['azure:compute/linuxVirtualMachine:LinuxVirtualMachine', 'azurerm_linux_virtual_machine'],
    ['azure:compute/managedDisk:ManagedDisk', 'azurerm_managed_disk'],
    ['kubernetes:apps/v1:Deployment', 'kubernetes_apps_deployment'],
    ['odd', 'pulumi_odd'],
  ] as const)('%s is %s', ([token, type]) => {
    expect(terraformTypeOf(readTypeToken(token))).toBe(type);
  });
});

describe('resources', () => {
  test('an instance with its volumes; objects are blocks, maps are maps', () => {
    const inputs = {
      __defaults: ['x'],
      instanceType: 'm5.large',
      tags: { owner: 'dana', camelCase: 'kept', __defaults: [] },
      tagsAll: { owner: 'dana', camelCase: 'kept', stage: 'live' },
      rootBlockDevice: { volumeSize: 50, volumeType: 'gp3' },
      ebsBlockDevices: [{ deviceName: '/dev/sdb', volumeSize: 500, volumeType: 'io1', iops: 1000 }],
    };
    expect(only(step('aws:ec2/instance:Instance', inputs))).toMatchObject([
      { type: 'compute/instance', region: 'us-east-1', specs: { vcpus: 2, storageGb: 550 }, tags: { camelCase: 'kept', stage: 'live' } },
      { type: 'storage/volume', specs: { sizeGb: 50, volumeType: 'ssd' } },
      { type: 'storage/volume', specs: { sizeGb: 500, volumeType: 'provisioned-iops', iops: 1000 } },
    ]);
  });

  test.for([UNKNOWN, '[secret]', { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', ciphertext: 'v1:x' }])(
    '%j is unknown and not kept',
    (value) => {
      const [resource] = only(step('aws:ec2/instance:Instance', { instanceType: value, tags: { owner: value, stage: 'live' } }));
      expect(resource?.unknownPaths).toEqual(expect.arrayContaining(['specs.vcpus', 'specs.instance_type', 'tags.owner']));
      expect(resource?.unknownReason).toBeUndefined();
      expect(resource?.tags).toEqual({ stage: 'live' });
      expect(JSON.stringify(resource)).not.toMatch(/secret|04da6b54|v1:x/);
    },
  );

  test('a change says what it cost before; of the steps of one replacement the first counts', () => {
    const type = 'aws:ec2/instance:Instance';
    const given = { old: { instanceType: 'm5.large' } };
    for (const op of ['update', 'replace', 'create-replacement']) {
      const steps = [
        step(type, { instanceType: 'm5.xlarge' }, { ...given, op }),
        step(type, { instanceType: 'm5.xlarge' }, { ...given, op: 'replace' }),
      ];
      expect(only(...steps, step(type, {}, { ...given, op: 'delete-replaced' }))).toMatchObject([
        { cost: { monthly: '140.16' }, previousMonthly: '70.08', id: 'i-1' },
      ]);
    }
  });

  test.for(['same', 'delete', 'delete-replaced', 'read', 'refresh', 'discard'])('%s is not asked about', (op) => {
    expect(only(step('aws:ec2/instance:Instance', { instanceType: 'm5.large' }, { op, old: {} }))).toEqual([]);
  });

  test('a deletion has no new state', () => {
    const { newState: _, ...deletion } = step('aws:ec2/instance:Instance', {}, { op: 'delete', old: {} });
    expect(only(deletion)).toEqual([]);
  });

  test('a group finds its launch template by what it depends on', () => {
    const template = step('aws:ec2/launchTemplate:LaunchTemplate', { instanceType: 'm5.large' }, { name: 'lt' });
    const inputs = {
      desiredCapacity: 3,
      minSize: 1,
      maxSize: 3,
      launchTemplate: { id: UNKNOWN, version: '$Latest' },
      tags: [{ key: 'owner', value: 'dana', propagateAtLaunch: true }],
    };
    const state = { propertyDependencies: { launchTemplate: [template.urn] } };
    expect(only(template, step('aws:autoscaling/group:Group', inputs, { state }))[1]).toMatchObject({
      type: 'compute/instance',
      quantity: 3,
      specs: { vcpus: 2 },
      tags: { owner: 'dana' },
    });
  });

  test('the provider that a step names tells the region, before the configuration', () => {
    const provider = { ...step('pulumi:providers:aws', { region: 'eu-west-1' }), urn: PROVIDER };
    expect(only(provider, step('aws:ec2/eip:Eip', {}))).toMatchObject([{ type: 'network/address', region: 'eu-west-1' }]);
  });

  test('machines and disks of Google and Azure', () => {
    expect(
      only(
        step('gcp:compute/instance:Instance', { machineType: 'n2-standard-4', zone: 'us-central1-a', labels: { owner: 'dana' } }),
        step('gcp:compute/disk:Disk', { size: 100, type: 'pd-ssd' }, { name: 'disk' }),
        step('azure:compute/linuxVirtualMachine:LinuxVirtualMachine', { size: 'Standard_D4s_v3', osDisk: { diskSizeGb: 64 } }),
        step('azure:compute/managedDisk:ManagedDisk', { diskSizeGb: 128, storageAccountType: 'Premium_LRS' }),
      ).map(({ type, provider, specs, account }) => [provider, type, specs.vcpus ?? specs.sizeGb, account]),
    ).toEqual([
      ['gcp', 'compute/instance', 4, 'shop-1'],
      ['gcp', 'storage/volume', 100, 'shop-1'],
      ['azure', 'compute/instance', 4, null],
      ['azure', 'storage/volume', 64, null],
      ['azure', 'storage/volume', 128, null],
    ]);
  });

  test('native providers have the words of their clouds', () => {
    expect(
      only(
        step('aws-native:ec2:Instance', { instanceType: 'm5.large', tags: [{ key: 'owner', value: 'dana' }] }),
        step('aws-native:rds:DbInstance', { dbInstanceClass: 'db.r5.large', allocatedStorage: '100' }),
        step('azure-native:compute:VirtualMachine', {
          location: 'eastus',
          hardwareProfile: { vmSize: 'Standard_D4s_v3' },
          storageProfile: { osDisk: { diskSizeGB: 64, managedDisk: { storageAccountType: 'Premium_LRS' } } },
        }),
        step('azure-native:compute:Disk', { diskSizeGB: 128, sku: { name: 'Premium_LRS' } }),
      ),
    ).toMatchObject([
      { type: 'compute/instance', specs: { vcpus: 2 }, tags: { owner: 'dana' } },
      { type: 'database/instance', specs: { instanceType: 'db.r5.large', storageGb: 100 } },
      { type: 'compute/instance', region: 'eastus', specs: { vcpus: 4 } },
      { type: 'storage/volume', specs: { sizeGb: 64 } },
      { type: 'storage/volume', specs: { sizeGb: 128, volumeType: 'ssd' } },
    ]);
  });
});

describe('other documents', () => {
  test('a preview that failed says so', () => {
    const diagnostics = [
      { severity: 'error', message: 'error: cannot reach the cloud\n  at x' },
      { severity: 'warning', message: 'w' },
    ];
    expect(read({ ...preview(), diagnostics }).notices).toEqual(['the preview is not complete: error: cannot reach the cloud']);
  });

  test('no steps, no changes', () => {
    expect(read({ config: {}, changeSummary: { same: 3 } })).toEqual({ resources: [], notices: [] });
  });

  test.for([
    [{ version: 3, deployment: {} }, 'the export of a Pulumi stack'],
    [{ Changes: [], ChangeSetName: 'x' }, 'a CloudFormation change set'],
    [null, 'got null'],
  ] as const)('%j is refused in words', ([document, words]) => {
    expect(() => read(document)).toThrow(words);
  });

  test.for([
    [null, 7, {}, { op: 'create' }, { op: 'create', urn: 'x', newState: { type: 'a:b:c', inputs: { tags: 7, a: { b: [null] } } } }],
  ])('odd steps do not stop it', (steps) => {
    expect(() => read({ steps })).not.toThrow();
  });
});
