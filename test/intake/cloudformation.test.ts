/** Change sets and templates of CloudFormation, real ones and what they may also hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { readCloudFormation } from '../../src/intake/cloudformation/cloudformation.js';
import { parseCloudFormation } from '../../src/intake/cloudformation/parse-template.js';
import { packageRoot } from '../../src/package-root.js';

const { lookup } = createCatalog();
const context = { lookup, namespace: null, account: null, region: null as string | null };
const folder = join(packageRoot, 'test/fixtures/cloudformation');
const read = (text: string, region: string | null = null) => readCloudFormation(parseCloudFormation(text), { ...context, region });
const fixture = (name: string) => read(readFileSync(join(folder, name), 'utf8'), 'us-east-1');
const template = (resources: string, more = '') => read(`${more}\nResources:\n${resources}`, 'us-east-1').resources;

const changeSet = (change: object, more: object = {}) =>
  read(
    JSON.stringify({
      ChangeSetName: 'x',
      StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/web/1',
      Changes: [
        { Type: 'Resource', ResourceChange: { LogicalResourceId: 'It', ResourceType: 'AWS::EC2::Instance', Action: 'Add', ...change } },
      ],
      ...more,
    }),
  );
const contextOf = (Properties: object) => JSON.stringify({ Properties });

describe('change sets', () => {
  test('without property values the kind is known, and neither a spec nor a tag', () => {
    const { resources, notices } = fixture('change-set-ec2-direct.json');
    expect(resources).toMatchObject([
      {
        type: 'compute/instance',
        id: 'i-1abc23d4',
        address: 'MyEC2Instance',
        region: 'us-east-1',
        account: '123456789012',
        specs: {},
        cost: { monthly: null },
        unknownPaths: ['specs', 'tags'],
        unknownReason: 'not given',
      },
    ]);
    expect(notices).toEqual([expect.stringContaining('--include-property-values')]);
  });

  test('kinds without a word of their own are kept under the provider', () => {
    expect(fixture('change-set-cdk-bootstrap.json').resources.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['aws/ssm-parameter', 'aws/iam-role', 'aws/ecr-repository', 'storage/bucket']),
    );
  });

  test('property values come as JSON in a text, or parsed', () => {
    expect(fixture('change-set-with-values-add.json').resources).toMatchObject([{ type: 'aws/sns-topic', address: 'Foo' }]);
    const properties = { InstanceType: 'm5.large', Tags: [{ Key: 'owner', Value: 'dana' }] };
    for (const AfterContext of [contextOf(properties), { Properties: properties }]) {
      expect(changeSet({ AfterContext }).resources).toMatchObject([
        { specs: { instanceType: 'm5.large', vcpus: 2 }, tags: { owner: 'dana' }, cost: { monthly: '70.08' } },
      ]);
    }
  });

  test('a modification and a replacement say what it cost before', () => {
    const contexts = { AfterContext: contextOf({ InstanceType: 'm5.xlarge' }), BeforeContext: contextOf({ InstanceType: 'm5.large' }) };
    for (const Replacement of ['True', 'False', 'Conditional']) {
      const { resources } = changeSet({ Action: 'Modify', Replacement, ...contexts });
      expect(resources).toMatchObject([{ cost: { monthly: '140.16' }, previousMonthly: '70.08' }]);
    }
    expect(fixture('change-set-with-values-replace.json').resources).toHaveLength(1);
  });

  test.for(['Add', 'Import', 'Dynamic'])('%s is asked about', (Action) => {
    expect(changeSet({ Action }).resources).toHaveLength(1);
  });

  test('a removal is not asked about', () => {
    expect(changeSet({ Action: 'Remove' }).resources).toEqual([]);
  });

  test.for(['{{changeSet:KNOWN_AFTER_APPLY}}', '****', '{{resolve:ssm:/type}}'])('%s is unknown', (value) => {
    const properties = {
      InstanceType: value,
      Tags: [
        { Key: 'owner', Value: value },
        { Key: 'stage', Value: 'live' },
      ],
    };
    const [resource] = changeSet({ AfterContext: contextOf(properties) }).resources;
    expect(resource?.unknownPaths).toEqual(expect.arrayContaining(['specs.instance_type', 'specs.vcpus', 'tags.owner']));
    expect(resource?.unknownReason).toBeUndefined();
    expect(resource?.tags).toEqual({ stage: 'live' });
    expect(JSON.stringify(resource)).not.toContain(value);
  });

  test('tags of the stack are handed on, those of the resource win', () => {
    const AfterContext = contextOf({ InstanceType: 'm5.large', Tags: [{ Key: 'owner', Value: 'dana' }] });
    const Tags = [
      { Key: 'owner', Value: 'ops' },
      { Key: 'stage', Value: 'live' },
    ];
    expect(changeSet({ AfterContext }, { Tags }).resources[0]?.tags).toEqual({ owner: 'dana', stage: 'live' });
  });

  test('says what it does not show: more pages, nested stacks, a failure', () => {
    expect(changeSet({}, { NextToken: 'abc' }).notices).toContainEqual(expect.stringContaining('more pages follow'));
    expect(changeSet({ ResourceType: 'AWS::CloudFormation::Stack' }).notices).toContainEqual(expect.stringContaining('nested stack `It`'));
    expect(changeSet({}, { Status: 'FAILED', StatusReason: 'no' }).notices).toContainEqual('the change set could not be made: no');
  });

  test('null stands where a list is expected', () => {
    expect(fixture('change-set-lambda.json').resources).toMatchObject([{ type: 'aws/lambda-function', region: 'us-west-2' }]);
  });
});

describe('templates', () => {
  test('defaults of parameters are taken, in JSON and in YAML', () => {
    expect(fixture('template-for-doc-change-sets.json').resources).toMatchObject([
      { specs: { instanceType: 't2.micro', vcpus: 1 }, tags: { Purpose: 'testing' }, cost: { monthly: '8.468' } },
    ]);
    expect(fixture('templates/NetworkLoadBalancerWithEIPs.yaml').resources.map(({ type }) => type)).toEqual([
      'network/address',
      'network/address',
      'network/load-balancer',
      'network/address',
      'network/address',
      'aws/lb-target-group',
      'aws/lb-listener',
    ]);
  });

  test('databases with their storage, numbers written as text', () => {
    expect(fixture('templates/RDS_PIOPS.yaml').resources).toMatchObject([
      { type: 'aws/secretsmanager-secret' },
      { type: 'database/instance', specs: { instanceType: 'db.t3.small', storageGb: 100, iops: 1000 } },
    ]);
    const { resources, notices } = fixture('templates/RDS_MySQL_With_Read_Replica.json');
    expect(resources.filter(({ type }) => type === 'database/instance')).toHaveLength(2);
    expect(notices).toContainEqual(expect.stringContaining('judged as if its condition held'));
  });

  test('a disk of the machine itself is no volume', () => {
    expect(fixture('templates/EC2_Instance_With_Ephemeral_Drives.json').resources.map(({ type }) => type)).toEqual([
      'compute/instance',
      'aws/security-group',
    ]);
  });

  test('every real template is read, and each of its resources once', () => {
    for (const name of readdirSync(join(folder, 'templates'))) {
      const { resources } = fixture(`templates/${name}`);
      expect(new Set(resources.map(({ address }) => address)).size, name).toBe(resources.length);
      expect(resources.length, name).toBeGreaterThan(0);
    }
  });

  test('block devices are volumes by their place in the template', () => {
    const resources = template(`
  Web:
    Type: AWS::EC2::Instance
    Properties:
      InstanceType: m5.large
      PropagateTagsToVolumeOnCreation: true
      Tags: [{ Key: owner, Value: dana }]
      BlockDeviceMappings:
        - { DeviceName: /dev/sdb, VirtualName: ephemeral0 }
        - { DeviceName: /dev/sdc, Ebs: { VolumeSize: 500, VolumeType: io2, Iops: 4000 } }`);
    expect(resources).toMatchObject([
      { address: 'Web' },
      {
        address: 'Web.BlockDeviceMappings[1]',
        type: 'storage/volume',
        specs: { sizeGb: 500, volumeType: 'provisioned-iops', iops: 4000 },
        tags: { owner: 'dana' },
      },
    ]);
  });

  test('a group finds its launch template, and costs its desired size', () => {
    const resources = template(`
  Lt:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        InstanceType: m5.large
        BlockDeviceMappings: [{ DeviceName: /dev/xvda, Ebs: { VolumeSize: 100, VolumeType: gp3 } }]
        TagSpecifications: [{ ResourceType: instance, Tags: [{ Key: owner, Value: dana }] }]
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: "1"
      MaxSize: "5"
      DesiredCapacity: "3"
      LaunchTemplate: { LaunchTemplateId: !Ref Lt, Version: !GetAtt Lt.LatestVersionNumber }
      Tags: [{ Key: stage, Value: live, PropagateAtLaunch: true }, { Key: own, Value: x, PropagateAtLaunch: false }]`);
    expect(resources.find(({ address }) => address === 'Group')).toMatchObject({
      type: 'compute/instance',
      quantity: 3,
      specs: { vcpus: 2 },
      tags: { owner: 'dana', stage: 'live' },
      cost: { monthly: '210.24', range: { low: '70.08', high: '350.40' } },
    });
    expect(resources.find(({ address }) => address === 'Group.BlockDeviceMappings[0]')).toMatchObject({
      quantity: 3,
      specs: { sizeGb: 100 },
    });
  });

  test('a group by launch configuration, and nodes of EKS by their defaults', () => {
    const resources = template(`
  Lc: { Type: AWS::AutoScaling::LaunchConfiguration, Properties: { InstanceType: m5.large, SpotPrice: "0.05" } }
  Group: { Type: AWS::AutoScaling::AutoScalingGroup, Properties: { MinSize: 2, MaxSize: 2, LaunchConfigurationName: !Ref Lc } }
  Nodes: { Type: AWS::EKS::Nodegroup, Properties: { ScalingConfig: { DesiredSize: 2, MinSize: 1, MaxSize: 2 }, Tags: { owner: dana } } }`);
    expect(resources.find(({ address }) => address === 'Group')).toMatchObject({ quantity: 2, specs: { purchaseOption: 'spot' } });
    expect(resources.find(({ address }) => address === 'Nodes')).toMatchObject({
      quantity: 2,
      specs: { instanceType: 't3.medium' },
      tags: { owner: 'dana' },
    });
  });

  test.for([
    ['!Ref Unknown', undefined],
    ['!Ref Secret', undefined],
    ['!Ref FromStore', undefined],
    ['!GetAtt Other.Name', undefined],
    ['!If [IsLarge, m5.large, m5.xlarge]', undefined],
    ['!ImportValue x', undefined],
    ['!Ref Size', 'm5.large'],
    ['!Sub "m5.${Kind}"', 'm5.xlarge'],
    ['!Sub ["${Family}.large", { Family: c5 }]', 'c5.large'],
    ['!Join [".", [m5, !Ref Kind]]', 'm5.xlarge'],
    ['!Select [1, [m5.large, c5.large]]', 'c5.large'],
    ['!Select [0, !Ref Several]', 'r5.large'],
    ['!FindInMap [Sizes, !Ref AWS::Region, small]', 't3.small'],
    ['!FindInMap [Sizes, nowhere, small]', undefined],
  ] as const)('%s is %s', ([value, type]) => {
    const more = `
Parameters:
  Size: { Type: String, Default: m5.large }
  Kind: { Type: String, Default: xlarge }
  Several: { Type: CommaDelimitedList, Default: "r5.large, r5.xlarge" }
  Secret: { Type: String, Default: m5.large, NoEcho: true }
  FromStore: { Type: 'AWS::SSM::Parameter::Value<String>', Default: /my/type }
Mappings: { Sizes: { us-east-1: { small: t3.small } } }`;
    const [resource] = template(`  A:\n    Type: AWS::EC2::Instance\n    Properties:\n      InstanceType: ${value}`, more);
    expect(resource?.specs.instanceType).toBe(type);
    if (type !== undefined) return;
    expect(resource?.unknownPaths).toContain('specs.instance_type');
    expect(resource?.unknownReason).toBe('not given');
  });

  test('a property set to AWS::NoValue is not given', () => {
    const [resource] = template('  A: { Type: AWS::EC2::Volume, Properties: { Size: 10, VolumeType: !Ref AWS::NoValue } }');
    expect(resource).toMatchObject({ specs: { sizeGb: 10, volumeType: 'ssd' } });
  });

  test('what a macro makes is said to be left out', () => {
    const { notices } = read('Resources:\n  Fn::ForEach::Topics: [Name, [a, b], {}]\n  A: { Type: AWS::SNS::Topic }');
    expect(notices).toContainEqual('not judged, since a macro makes them: `Fn::ForEach::Topics`');
  });

  test('a database of a cluster, and resources of other vendors', () => {
    const resources = template(`
  Db: { Type: AWS::RDS::DBInstance, Properties: { DBClusterIdentifier: x, DBInstanceClass: db.r5.large, Engine: aurora-mysql } }
  Custom: { Type: Custom::Thing, Properties: {} }
  Module: { Type: Datadog::Monitors::Monitor, Properties: {} }
  Odd: 7`);
    expect(resources.map(({ type }) => type)).toEqual(['database/instance', 'custom/thing', 'datadog/monitors-monitor']);
  });
});

describe('what is refused, in words', () => {
  test.for([
    ['{"format_version":"1.2","resource_changes":[]}', 'a Terraform or OpenTofu plan'],
    ['{"Resources": 7, "AWSTemplateFormatVersion": "2010-09-09"}', 'expected a CloudFormation change set'],
    ['Resources: [', 'neither JSON nor YAML: line 1'],
    ['{"a": }', 'not JSON: line 1, column 7'],
    ['- a', 'a list of 1'],
    ['a: 1\na: 2', 'neither JSON nor YAML'],
    ['Resources: !Sub { __proto__: 1 }', 'neither JSON nor YAML'],
  ] as const)('%s', ([text, words]) => {
    expect(() => read(text)).toThrow(words);
  });

  test('a bomb of aliases', () => {
    const lines = ['a0: &a0 [x, x]', ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`)];
    expect(() => read(`${lines.join('\n')}\nResources: { A: { Type: AWS::SNS::Topic, Properties: { X: *a9 } } }`)).toThrow('alias');
  });

  test('circular aliases', () => {
    expect(() => read('Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: &p\n      Again: *p')).toThrow('alias');
  });
});
