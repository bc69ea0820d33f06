/** Kinds of Google's provider that have a word of their own in our model. */
import { type Attributes, firstGiven, known, mapped, type Value } from '../attributes.js';
import { type KindContext, type Kinds, type MapKind, machineSpecs, one, type Part, type Size, volumeSpecs } from '../mapping.js';
import { blocksOf } from './aws-volumes.js';

const disk: MapKind = one('storage/volume', (it, context) =>
  volumeSpecs(
    {
      sizeGb: it.number('size'),
      kind: mapped(it.text('type'), lastStep),
      iops: it.number('provisioned_iops'),
      bandwidthMbps: it.number('provisioned_throughput'),
    },
    context,
  ),
);
const instanceGroup: MapKind = (it, context) => groupParts(it, context);

export const GOOGLE_KINDS: Kinds = {
  google_compute_instance: (it, context) => [machinePart(it, context), ...bootDisk(it, context)],
  google_compute_instance_group_manager: instanceGroup,
  google_compute_region_instance_group_manager: instanceGroup,
  google_compute_disk: disk,
  google_compute_region_disk: disk,
  google_compute_snapshot: one('storage/snapshot', (it) => ({ sizeGb: it.number('disk_size_gb') })),
  google_container_node_pool: (it, context) => nodePoolParts(it, context),
  google_sql_database_instance: (it, context) => [databasePart(it, context)],
  google_alloydb_instance: one('database/instance', (it) => ({ vcpus: it.number('machine_config', 0, 'cpu_count') })),
  google_storage_bucket: one('storage/bucket'),
  google_compute_forwarding_rule: one('network/load-balancer'),
  google_compute_global_forwarding_rule: one('network/load-balancer'),
  google_compute_router_nat: one('network/nat-gateway'),
  google_compute_address: one('network/address'),
  google_compute_global_address: one('network/address'),
  google_compute_reservation: (it, context) => [
    {
      type: 'commitment/reservation',
      specs: machineSpecs(it.text('specific_reservation', 0, 'instance_properties', 0, 'machine_type'), context),
      size: { desired: it.whole('specific_reservation', 0, 'count') },
      pricedAs: 'compute/instance',
    },
  ],
};

/** Types may be given as links: `zones/us-central1-a/machineTypes/n2-standard-4`. */
function lastStep(link: string): string {
  return link.slice(link.lastIndexOf('/') + 1);
}

function machinePart(it: Attributes, context: KindContext): Part {
  const scheduling = it.at('scheduling', 0);
  const isSpot = known(scheduling.flag('preemptible')) === true || known(scheduling.text('provisioning_model')) === 'SPOT';
  const type = mapped(it.text('machine_type'), lastStep);
  return { type: 'compute/instance', specs: { ...machineSpecs(type, context), purchaseOption: purchaseOption(isSpot) } };
}

const purchaseOption = (isSpot: boolean): string => (isSpot ? 'spot' : 'on-demand');

/** Only a disk that is made with the instance; an attached one is a resource of its own. */
function bootDisk(it: Attributes, context: KindContext): readonly Part[] {
  const made = it.at('boot_disk', 0, 'initialize_params', 0);
  if (known(it.count('boot_disk', 0, 'initialize_params')) !== 1) return [];
  return [{ ...diskPart(made.number('size'), made.text('type'), context), suffix: '.boot_disk[0]' }];
}

function diskPart(sizeGb: Value<number>, kind: Value<string>, context: KindContext): Part {
  return { type: 'storage/volume', specs: volumeSpecs({ sizeGb, kind: mapped(kind, lastStep) }, context) };
}

function groupParts(it: Attributes, context: KindContext): readonly Part[] {
  const template =
    context.related('version', 'google_compute_instance_template') ?? context.related('version', 'google_compute_region_instance_template');
  const size: Size = { desired: it.whole('target_size') };
  if (template === undefined) return [{ type: 'compute/instance', size, tags: { sources: [], withDefaults: false, incomplete: true } }];
  const tags = { sources: [{ from: template, path: ['labels'] }], withDefaults: template.has('effective_labels') };
  const disks = blocksOf(template, 'disk')
    .filter(({ block }) => block.text('source') === undefined || known(block.text('source')) === undefined)
    .map(({ block, index }) => ({
      ...diskPart(block.number('disk_size_gb'), block.text('disk_type'), context),
      suffix: `.disk[${index}]`,
      size,
      tags,
    }));
  return [{ ...machinePart(template, context), size, tags }, ...disks];
}

/** The counts of a pool are those of one zone: in how many zones a regional pool runs, only `node_locations` tells. */
function nodePoolParts(it: Attributes, context: KindContext): readonly Part[] {
  const node = it.at('node_config', 0);
  const isSpot = known(node.flag('spot')) === true || known(node.flag('preemptible')) === true;
  const zones = zonesOf(it);
  const scaling = it.at('autoscaling', 0);
  const size: Size = {
    desired: firstGiven(known(it.whole('node_count')), it.whole('initial_node_count'), it.whole('node_count')),
    least: known(scaling.whole('min_node_count')),
    most: known(scaling.whole('max_node_count')),
  };
  const alike = {
    size,
    times: zones ?? 1,
    listed: zones !== undefined,
    tags: { sources: [{ from: node, path: ['resource_labels'] }], withDefaults: false },
  };
  const machine = { ...machineSpecs(node.text('machine_type'), context), purchaseOption: purchaseOption(isSpot) };
  const disk =
    known(node.number('disk_size_gb')) === undefined ? [] : [diskPart(node.number('disk_size_gb'), node.text('disk_type'), context)];
  return [
    { type: 'compute/instance', specs: machine, ...alike },
    ...disk.map((part) => ({ ...part, ...alike, suffix: '.node_config[0]' })),
  ];
}

function zonesOf(it: Attributes): number | undefined {
  const listed = known(it.texts('node_locations'))?.length ?? 0;
  if (listed > 0) return listed;
  const location = known(it.text('location')) ?? known(it.text('zone'));
  return location !== undefined && /-[a-z]$/.test(location) ? 1 : undefined;
}

function databasePart(it: Attributes, context: KindContext): Part {
  const settings = it.at('settings', 0);
  return {
    type: 'database/instance',
    specs: { ...machineSpecs(settings.text('tier'), context), storageGb: settings.number('disk_size') },
    tags: { sources: [{ from: settings, path: ['user_labels'] }], withDefaults: false },
  };
}
