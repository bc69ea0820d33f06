/** Kinds of Amazon's provider that have a word of their own in our model. Groups of instances are in `aws-groups.ts`. */
import { type Attributes, firstGiven, known, mapped, UNKNOWN, type Value } from '../attributes.js';
import { type KindContext, type Kinds, machineSpecs, one, type Part, type SpecValues, volumeSpecs } from '../mapping.js';
import { AWS_GROUPS } from './aws-groups.js';
import { blockDevices } from './aws-volumes.js';

export const AWS_KINDS: Kinds = {
  ...AWS_GROUPS,
  aws_instance: (it, context) => instanceParts(it, context, purchaseOf(it, context)),
  aws_spot_instance_request: (it, context) => instanceParts(it, context, 'spot'),
  aws_ebs_volume: one('storage/volume', (it, context) =>
    volumeSpecs(
      { sizeGb: it.number('size'), kind: it.text('type'), iops: it.number('iops'), bandwidthMbps: it.number('throughput') },
      context,
    ),
  ),
  aws_ebs_snapshot: one('storage/snapshot', snapshotSpecs),
  aws_ebs_snapshot_copy: one('storage/snapshot', snapshotSpecs),
  aws_s3_bucket: one('storage/bucket'),
  aws_db_instance: (it, context) => [databasePart(it, context)],
  aws_rds_cluster_instance: (it, context) => [{ ...databasePart(it, context), listed: false }],
  aws_docdb_cluster_instance: (it, context) => [{ ...databasePart(it, context), listed: false }],
  aws_neptune_cluster_instance: (it, context) => [{ ...databasePart(it, context), listed: false }],
  aws_rds_cluster: (it, context) => [clusterPart(it, context)],
  aws_lb: (it) => [loadBalancer(it)],
  aws_alb: (it) => [loadBalancer(it)],
  aws_elb: one('network/load-balancer'),
  aws_nat_gateway: one('network/nat-gateway'),
  aws_eip: one('network/address'),
  aws_ec2_capacity_reservation: (it, context) => [
    {
      type: 'commitment/reservation',
      specs: machineSpecs(it.text('instance_type'), context),
      size: { desired: it.whole('instance_count') },
      pricedAs: 'compute/instance',
    },
  ],
  aws_rds_reserved_instance: (it) => [
    {
      type: 'commitment/reservation',
      specs: { purchaseOption: 'reserved', termMonths: mapped(it.number('duration'), monthsOf) },
      size: { desired: firstGiven(it.whole('instance_count'), 1) },
    },
  ],
};

/** An instance that names no type of its own has that of its launch template. */
function instanceParts(it: Attributes, context: KindContext, purchaseOption: string): readonly Part[] {
  const template = context.related('launch_template', 'aws_launch_template');
  const type = firstGiven(known(it.text('instance_type')), template?.text('instance_type'), it.text('instance_type'));
  const tenancy = known(it.text('tenancy'));
  const machine: Part = {
    type: 'compute/instance',
    specs: { ...machineSpecs(type, context), purchaseOption, storageGb: storageOf(it) },
    listed: tenancy === undefined || tenancy === 'default',
  };
  return [machine, ...blockDevices(it, 'root_block_device', context), ...blockDevices(it, 'ebs_block_device', context)];
}

/** The provider leaves the market for the apply where nobody asked for spot. */
function purchaseOf(it: Attributes, { related }: KindContext): string {
  const template = related('launch_template', 'aws_launch_template');
  const market =
    known(it.text('instance_market_options', 0, 'market_type')) ?? known(template?.text('instance_market_options', 0, 'market_type'));
  return market === 'spot' || known(it.text('instance_lifecycle')) === 'spot' ? 'spot' : 'on-demand';
}

/** Sum of the volumes that the plan describes; the root volume of an image that it does not describe has the image's size. */
function storageOf(it: Attributes): Value<number> {
  const sizes = ['root_block_device', 'ebs_block_device'].flatMap((blocks) =>
    Array.from({ length: known(it.count(blocks)) ?? 0 }, (_, index) => it.number(blocks, index, 'volume_size')),
  );
  if (known(it.count('root_block_device')) === undefined || known(it.count('root_block_device')) === 0) return UNKNOWN;
  return sizes.reduce<Value<number>>((total, size) => (typeof total === 'number' && typeof size === 'number' ? total + size : UNKNOWN), 0);
}

function snapshotSpecs(it: Attributes): SpecValues {
  return { sizeGb: it.number('volume_size') };
}

/** The price list has MySQL in one zone; in two zones it costs twice as much. */
function databasePart(it: Attributes, context: KindContext): Part {
  return {
    type: 'database/instance',
    specs: {
      ...machineSpecs(it.text('instance_class'), context),
      storageGb: it.number('allocated_storage'),
      iops: it.number('iops'),
      bandwidthMbps: it.number('storage_throughput'),
    },
    listed: known(it.text('engine')) === 'mysql',
    times: known(it.flag('multi_az')) === true ? 2 : 1,
  };
}

/** A cluster with machines of its own is a database in three zones; one of Aurora has its machines in resources of their own. */
function clusterPart(it: Attributes, context: KindContext): Part {
  const machine = it.text('db_cluster_instance_class');
  if (known(machine) === undefined) return { type: 'aws/rds-cluster', specs: { storageGb: it.number('allocated_storage') } };
  return {
    type: 'database/instance',
    specs: { ...machineSpecs(machine, context), storageGb: it.number('allocated_storage'), iops: it.number('iops') },
    size: { desired: 3 },
    listed: false,
  };
}

/** The list has the price of application and network load balancers. */
function loadBalancer(it: Attributes): Part {
  return { type: 'network/load-balancer', listed: known(it.text('load_balancer_type')) !== 'gateway' };
}

const SECONDS_A_YEAR = 31_536_000;

function monthsOf(seconds: number): number {
  return Math.round((seconds / SECONDS_A_YEAR) * 12);
}
