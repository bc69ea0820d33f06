/** Groups of Amazon's instances: specs are those of one, the cost is that of the desired size, within what the group scales to. */
import { type Attributes, known, UNKNOWN, type Value } from '../attributes.js';
import {
  isCatalogProvider,
  type KindContext,
  type Kinds,
  machineSpecs,
  type Part,
  type Size,
  type SpecValues,
  type TagSources,
} from '../mapping.js';
import { blocksOf, taggedAs, templateVolumes } from './aws-volumes.js';

export const AWS_GROUPS: Kinds = {
  aws_autoscaling_group: (it, context) => autoscalingParts(it, context),
  aws_eks_node_group: (it, context) => nodeGroupParts(it, context),
  aws_launch_template: (it, context) => [{ type: 'aws/launch-template', specs: machineSpecs(it.text('instance_type'), context) }],
  aws_launch_configuration: (it, context) => [{ type: 'aws/launch-configuration', specs: machineSpecs(it.text('instance_type'), context) }],
};

function autoscalingParts(it: Attributes, context: KindContext): readonly Part[] {
  const template = templateOf(it, context);
  const overrides = overriddenTypes(it);
  const size: Size = weighted(it) ? { desired: UNKNOWN } : groupSize(it, 'desired_capacity', 'min_size', 'max_size');
  const type = overrides === UNKNOWN ? UNKNOWN : (largest(overrides, context) ?? template?.text('instance_type'));
  const machine: Part = {
    type: 'compute/instance',
    specs: { ...machineSpecs(type, context), purchaseOption: purchaseOf(it, template) },
    size,
    tags: launchedTags(it, template),
    ...(overrides === UNKNOWN ? {} : { anyOf: overrides }),
  };
  return template === undefined ? [machine] : [machine, ...templateVolumes(template, context, size)];
}

function templateOf(it: Attributes, { related }: KindContext): Attributes | undefined {
  return (
    related('launch_template', 'aws_launch_template') ??
    related('mixed_instances_policy', 'aws_launch_template') ??
    related('launch_configuration', 'aws_launch_configuration')
  );
}

const MIXED = ['mixed_instances_policy', 0, 'launch_template', 0] as const;

/** Types that a mixed group chooses from; one that is chosen by its measures is known only when it is started. */
function overriddenTypes(it: Attributes): readonly string[] | typeof UNKNOWN {
  const types = blocksOf(it.at(...MIXED), 'override').map(({ block }) => block.text('instance_type'));
  return types.every((type) => typeof type === 'string') ? types : UNKNOWN;
}

/** A weight makes the sizes of a group those of something else than instances. */
function weighted(it: Attributes): boolean {
  return blocksOf(it.at(...MIXED), 'override').some(({ block }) => (block.text('weighted_capacity') ?? '1') !== '1');
}

/** The one that a limit would catch first, since any of them may be started. */
function largest(types: readonly string[], { provider, lookup }: KindContext): string | undefined {
  const vcpus = (type: string) => (isCatalogProvider(provider) ? (lookup.instance(provider, type)?.vcpus ?? 0) : 0);
  return types.reduce<string | undefined>((top, type) => (top === undefined || vcpus(type) > vcpus(top) ? type : top), undefined);
}

/** A group whose desired size is not given starts at its least. */
function groupSize(it: Attributes, desired: string, least: string, most: string): Size {
  const smallest = known(it.whole(least));
  return { desired: known(it.whole(desired)) ?? smallest ?? UNKNOWN, least: smallest, most: known(it.whole(most)) };
}

function purchaseOf(it: Attributes, template: Attributes | undefined): string {
  const distribution = it.at('mixed_instances_policy', 0, 'instances_distribution', 0);
  const onlySpot =
    known(distribution.number('on_demand_percentage_above_base_capacity')) === 0 &&
    (known(distribution.number('on_demand_base_capacity')) ?? 0) === 0;
  const market = known(template?.text('instance_market_options', 0, 'market_type')) ?? (hasSpotPrice(template) ? 'spot' : undefined);
  return onlySpot || market === 'spot' ? 'spot' : 'on-demand';
}

/** Of a launch configuration. */
function hasSpotPrice(template: Attributes | undefined): boolean {
  return known(template?.text('spot_price')) !== undefined;
}

/** What the machines of a group carry: tags of the template, and those of the group that it hands on. */
function launchedTags(it: Attributes, template: Attributes | undefined): TagSources {
  const handedOn = { from: it, path: ['tag'], only: 'propagate_at_launch' };
  if (template === undefined) return { sources: [handedOn], withDefaults: false, incomplete: true };
  return { sources: [...taggedAs(template, 'instance'), handedOn], withDefaults: false };
}

function nodeGroupParts(it: Attributes, context: KindContext): readonly Part[] {
  const template = context.related('launch_template', 'aws_launch_template');
  const size = groupSize(it.at('scaling_config', 0), 'desired_size', 'min_size', 'max_size');
  const types = it.texts('instance_types');
  const choices = known(types) ?? [];
  const type: Value<string> =
    largest(choices, context) ?? known(template?.text('instance_type')) ?? (types === UNKNOWN ? UNKNOWN : undefined);
  const purchaseOption = known(it.text('capacity_type')) === 'SPOT' ? 'spot' : 'on-demand';
  const machine: Part = { type: 'compute/instance', specs: { ...machineSpecs(type, context), purchaseOption }, size, anyOf: choices };
  return [machine, ...nodeVolumes(it, size), ...(template === undefined ? [] : templateVolumes(template, context, size))];
}

/** Of which type the volumes of a node are, depends on its image. */
function nodeVolumes(it: Attributes, size: Size): readonly Part[] {
  const sizeGb = known(it.number('disk_size'));
  const specs: SpecValues = { sizeGb, volumeType: UNKNOWN };
  return sizeGb === undefined ? [] : [{ type: 'storage/volume', suffix: '.disk_size', specs, size }];
}
