/** Volumes that are blocks of an instance, a launch template or a launch configuration. */
import { type Attributes, known } from '../attributes.js';
import { type KindContext, type Part, type Size, type TagSources, type VolumeAttributes, volumeSpecs } from '../mapping.js';

/** One volume for each block, as `ADDRESS.root_block_device[0]`. Blocks that the plan does not describe are those of the image: none. */
export function blockDevices(it: Attributes, blocks: string, context: KindContext): readonly Part[] {
  return blocksOf(it, blocks)
    .filter(({ block }) => known(block.flag('no_device')) !== true)
    .map(({ block, index }) => ({ ...volumePart(block, context), suffix: `.${blocks}[${index}]`, tags: volumeTags(it, block) }));
}

/** The same of a template, for each machine that is made by it. */
export function templateVolumes(template: Attributes, context: KindContext, size: Size): readonly Part[] {
  const tags: TagSources = {
    sources: taggedAs(template, 'volume'),
    withDefaults: false,
  };
  const mapped = blocksOf(template, 'block_device_mappings')
    .map(({ block, index }) => ({ ebs: block.at('ebs', 0), described: known(block.count('ebs')) === 1, index }))
    .filter(({ described }) => described)
    .map(({ ebs, index }) => ({ ...volumePart(ebs, context), suffix: `.block_device_mappings[${index}]`, tags, size }));
  const older = ['root_block_device', 'ebs_block_device'].flatMap((blocks) => blockDevices(template, blocks, context));
  return [...mapped, ...older.map((part) => ({ ...part, tags, size }))];
}

/** What a launch template puts on the `instance` or `volume` that it starts. */
export function taggedAs(template: Attributes, what: 'instance' | 'volume'): TagSources['sources'] {
  return blocksOf(template, 'tag_specifications')
    .filter(({ block }) => known(block.text('resource_type')) === what)
    .map(({ block }) => ({ from: block, path: ['tags'] }));
}

function volumePart(block: Attributes, context: KindContext): Part {
  const volume: VolumeAttributes = {
    sizeGb: block.number('volume_size'),
    kind: block.text('volume_type'),
    iops: block.number('iops'),
    bandwidthMbps: block.number('throughput'),
  };
  return { type: 'storage/volume', specs: volumeSpecs(volume, context) };
}

/** The volume's own over those of `volume_tags`; newer providers put their default tags on volumes too, and then say so by `tags_all`. */
function volumeTags(it: Attributes, block: Attributes): TagSources {
  if (Array.isArray(block.keys('tags_all'))) return { sources: [{ from: block, path: ['tags_all'] }], withDefaults: false };
  return {
    sources: [
      { from: it, path: ['volume_tags'] },
      { from: block, path: ['tags'] },
    ],
    withDefaults: block.has('tags_all'),
  };
}

export function blocksOf(it: Attributes, blocks: string): readonly { readonly block: Attributes; readonly index: number }[] {
  const count = known(it.count(blocks)) ?? 0;
  return Array.from({ length: count }, (_, index) => ({ block: it.at(blocks, index), index }));
}
