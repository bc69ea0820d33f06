/** Properties of CloudFormation in the names of Terraform's attributes, for the one table of kinds. Values may be `UNKNOWN`. Pure. */
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { UNKNOWN } from '../terraform/attributes.js';

/** What a type of CloudFormation is called by Terraform, and its attributes there. */
export interface Translated {
  readonly type: string;
  readonly attributes: Keys;
}

/** @param properties resolved: no intrinsic functions */
export function translate(type: string, properties: Keys): Translated {
  const find = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  const { type: name, attributes } = find?.(properties) ?? { type: typeOf(type), attributes: shallow(properties) };
  const tags = tagsOf(properties['Tags']);
  return { type: name, attributes: { ...attributes, ...(tags === undefined || 'tag' in attributes ? {} : { tags }) } };
}

/** Kinds that Terraform calls otherwise than the rule would. */
const NAMES: Readonly<Record<string, string>> = {
  'AWS::EC2::NetworkAclEntry': 'aws_network_acl_rule',
  'AWS::EC2::SecurityGroupEgress': 'aws_security_group_rule',
  'AWS::EC2::SecurityGroupIngress': 'aws_security_group_rule',
  'AWS::EC2::SubnetNetworkAclAssociation': 'aws_network_acl_association',
  'AWS::EC2::SubnetRouteTableAssociation': 'aws_route_table_association',
  'AWS::EC2::VPCGatewayAttachment': 'aws_internet_gateway_attachment',
  'AWS::IAM::ManagedPolicy': 'aws_iam_policy',
  'AWS::RDS::DBParameterGroup': 'aws_db_parameter_group',
  'AWS::RDS::DBSubnetGroup': 'aws_db_subnet_group',
};

/** Services that Terraform calls otherwise. */
const SERVICES: Readonly<Record<string, string>> = {
  CertificateManager: 'acm',
  ElasticLoadBalancing: 'elb',
  ElasticLoadBalancingV2: 'lb',
  Events: 'cloudwatch_event',
  Logs: 'cloudwatch',
  StepFunctions: 'sfn',
};

/** `AWS::SageMaker::EndpointConfig` is `aws_sagemaker_endpoint_config`; what belongs to EC2 has no name of a service there. */
function typeOf(type: string): string {
  if (Object.hasOwn(NAMES, type)) return NAMES[type] ?? type;
  const [vendor = '', service = '', ...kind] = type.split('::');
  const name = snake(kind.join(''));
  if (vendor !== 'AWS')
    return [vendor, service, name]
      .map((each) => each.toLowerCase())
      .filter((each) => each !== '')
      .join('_');
  return service === 'EC2'
    ? `aws_${name}`
    : `aws_${(Object.hasOwn(SERVICES, service) ? SERVICES[service] : undefined) ?? service.toLowerCase()}_${name}`;
}

/** `DBSubnetGroup` is `db_subnet_group`. */
export function snake(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
}

function shallow(properties: Keys): Keys {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([key]) => key !== 'Tags')
      .map(([key, value]) => [snake(key), value]),
  );
}

type Translate = (properties: Keys) => Translated;

const TYPES: Readonly<Record<string, Translate>> = {
  'AWS::EC2::Instance': (it) => ({
    type: 'aws_instance',
    attributes: {
      instance_type: it['InstanceType'],
      availability_zone: it['AvailabilityZone'],
      tenancy: it['Tenancy'],
      ebs_block_device: blocks(it['BlockDeviceMappings'], device),
      volume_tags: truth(it['PropagateTagsToVolumeOnCreation']) === true ? tagsOf(it['Tags']) : undefined,
    },
  }),
  'AWS::EC2::Volume': (it) => ({
    type: 'aws_ebs_volume',
    // what EC2 makes when no type is given
    attributes: { ...volume(it, 'Size'), type: it['VolumeType'] ?? 'gp2', availability_zone: it['AvailabilityZone'] },
  }),
  'AWS::EC2::EIP': () => ({ type: 'aws_eip', attributes: {} }),
  'AWS::EC2::NatGateway': () => ({ type: 'aws_nat_gateway', attributes: {} }),
  'AWS::EC2::LaunchTemplate': (it) => launchTemplate(keysOf(it['LaunchTemplateData'])),
  'AWS::EC2::CapacityReservation': (it) => ({
    type: 'aws_ec2_capacity_reservation',
    attributes: { instance_type: it['InstanceType'], instance_count: it['InstanceCount'] },
  }),
  'AWS::AutoScaling::LaunchConfiguration': (it) => ({
    type: 'aws_launch_configuration',
    attributes: {
      instance_type: it['InstanceType'],
      spot_price: it['SpotPrice'],
      ebs_block_device: blocks(it['BlockDeviceMappings'], device),
    },
  }),
  'AWS::AutoScaling::AutoScalingGroup': (it) => ({ type: 'aws_autoscaling_group', attributes: group(it) }),
  'AWS::EKS::Nodegroup': (it) => ({ type: 'aws_eks_node_group', attributes: nodeGroup(it) }),
  'AWS::ElasticLoadBalancing::LoadBalancer': (it) => ({ type: 'aws_elb', attributes: { name: it['LoadBalancerName'] } }),
  'AWS::ElasticLoadBalancingV2::LoadBalancer': (it) => ({
    type: 'aws_lb',
    attributes: { name: it['Name'], load_balancer_type: it['Type'] ?? 'application' },
  }),
  'AWS::RDS::DBInstance': (it) => ({
    type: it['DBClusterIdentifier'] === undefined ? 'aws_db_instance' : 'aws_rds_cluster_instance',
    attributes: { ...database(it), instance_class: it['DBInstanceClass'], identifier: it['DBInstanceIdentifier'] },
  }),
  'AWS::RDS::DBCluster': (it) => ({
    type: 'aws_rds_cluster',
    attributes: { ...database(it), db_cluster_instance_class: it['DBClusterInstanceClass'], cluster_identifier: it['DBClusterIdentifier'] },
  }),
  'AWS::DocDB::DBInstance': (it) => ({ type: 'aws_docdb_cluster_instance', attributes: { instance_class: it['DBInstanceClass'] } }),
  'AWS::Neptune::DBInstance': (it) => ({ type: 'aws_neptune_cluster_instance', attributes: { instance_class: it['DBInstanceClass'] } }),
  'AWS::S3::Bucket': (it) => ({ type: 'aws_s3_bucket', attributes: { bucket: it['BucketName'] } }),
};

/** Those that have a kind of their own, for other tools that use these types. */
export const TRANSLATED_TYPES: readonly string[] = Object.keys(TYPES);

function blocks(value: unknown, convert: (block: Keys) => Keys): unknown {
  if (value === UNKNOWN || value === undefined) return value;
  return listOf(value).map((block) => (isKeys(block) ? convert(block) : UNKNOWN));
}

/** What is no EBS volume, such as an instance store, keeps its place in the list. */
function device(mapping: Keys): Keys {
  const { Ebs: ebs } = mapping;
  if (ebs === UNKNOWN) return { volume_size: UNKNOWN, volume_type: UNKNOWN };
  return isKeys(ebs) ? volume(ebs, 'VolumeSize') : { no_device: true };
}

function volume(it: Keys, size: 'Size' | 'VolumeSize'): Keys {
  const sizeKey = size === 'Size' ? 'size' : 'volume_size';
  return { [sizeKey]: it[size], volume_type: it['VolumeType'], iops: it['Iops'], throughput: it['Throughput'] };
}

function launchTemplate(data: Keys): Translated {
  const market = data['InstanceMarketOptions'];
  return {
    type: 'aws_launch_template',
    attributes: {
      instance_type: data['InstanceType'],
      block_device_mappings: blocks(data['BlockDeviceMappings'], (mapping) => {
        const { Ebs: ebs } = mapping;
        return isKeys(ebs) || ebs === UNKNOWN ? { ebs: [device(mapping)] } : {};
      }),
      tag_specifications: blocks(data['TagSpecifications'], (it) => ({ resource_type: it['ResourceType'], tags: tagsOf(it['Tags']) })),
      instance_market_options: isKeys(market) ? [{ market_type: market['MarketType'] }] : market,
    },
  };
}

function group(it: Keys): Keys {
  return {
    name: it['AutoScalingGroupName'],
    desired_capacity: it['DesiredCapacity'],
    min_size: it['MinSize'],
    max_size: it['MaxSize'],
    mixed_instances_policy: isKeys(it['MixedInstancesPolicy']) ? [mixed(it['MixedInstancesPolicy'])] : it['MixedInstancesPolicy'],
    tag: blocks(it['Tags'], (tag) => ({
      key: tag['Key'],
      value: asText(tag['Value']),
      propagate_at_launch: truth(tag['PropagateAtLaunch']),
    })),
  };
}

function mixed({ LaunchTemplate: template, InstancesDistribution: distribution }: Keys): Keys {
  const overrides = keysOf(template)['Overrides'];
  const of = keysOf(distribution);
  return {
    launch_template: [
      {
        override: blocks(overrides, (it) => ({
          instance_type: it['InstanceType'] ?? UNKNOWN,
          weighted_capacity: asText(it['WeightedCapacity']),
        })),
      },
    ],
    instances_distribution: [
      {
        on_demand_base_capacity: of['OnDemandBaseCapacity'],
        on_demand_percentage_above_base_capacity: of['OnDemandPercentageAboveBaseCapacity'],
      },
    ],
  };
}

/** Types and size of disk that EKS takes where none is given; with a launch template both are the template's. */
const EKS = { instanceType: 't3.medium', diskGb: 20 };

function nodeGroup(it: Keys): Keys {
  const scaling = it['ScalingConfig'];
  const { DesiredSize: desired, MinSize: least, MaxSize: most } = keysOf(scaling);
  const hasTemplate = it['LaunchTemplate'] !== undefined;
  return {
    name: it['NodegroupName'],
    scaling_config: scaling === UNKNOWN ? UNKNOWN : [{ desired_size: desired, min_size: least, max_size: most }],
    instance_types: it['InstanceTypes'] ?? (hasTemplate ? undefined : [EKS.instanceType]),
    capacity_type: it['CapacityType'],
    disk_size: it['DiskSize'] ?? (hasTemplate ? undefined : EKS.diskGb),
  };
}

function database(it: Keys): Keys {
  const engine = it['Engine'];
  return {
    allocated_storage: it['AllocatedStorage'],
    iops: it['Iops'],
    storage_throughput: it['StorageThroughput'],
    engine: typeof engine === 'string' ? engine.toLowerCase() : engine,
    multi_az: truth(it['MultiAZ']),
    availability_zone: it['AvailabilityZone'],
  };
}

/** Flags come as `true` and as `"true"`. */
function truth(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() === 'true' : value;
}

function asText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

/** A list of keys and values, or by some services an object. A key that is not known makes any tag possible. */
export function tagsOf(value: unknown): unknown {
  if (value === undefined || value === UNKNOWN) return value;
  if (isKeys(value)) return Object.fromEntries(Object.entries(value).map(([key, tag]) => [key, asText(tag)]));
  const tags = listOf(value).map(keysOf);
  if (listOf(value).includes(UNKNOWN) || tags.some(({ Key: key }) => key === UNKNOWN)) return UNKNOWN;
  return Object.fromEntries(tags.flatMap(({ Key: key, Value: tag }) => (textOf(key) === undefined ? [] : [[String(key), asText(tag)]])));
}
