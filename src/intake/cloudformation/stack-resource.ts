import type { Resource } from '../../policy/model.js';
import { notTold } from '../intake.js';
import { isKeys, type Keys } from '../loose.js';
import { unknownIn } from '../sentinel.js';
import { UNKNOWN } from '../terraform/attributes.js';
import { type MapContext, mapResource } from '../terraform/map-resource.js';
import { tagsOf, translate } from './attributes.js';
import type { StackContext } from './cloudformation.js';

export interface StackResource {
  /** Of CloudFormation: `AWS::EC2::Instance`. */
  readonly type: string;
  readonly logicalId: string;
  readonly physicalId: string | null;
  /** Resolved; undefined when the document does not show them, and nothing is known then. */
  readonly properties: Keys | undefined;
  /** Tags of the whole stack, which CloudFormation hands on. */
  readonly stackTags?: Keys;
  readonly related?: MapContext['related'];
}

/** Each in our words; volumes of an instance beside it. */
export function mapStackResource(resource: StackResource, context: StackContext): readonly Resource[] {
  const { type, logicalId, physicalId, properties, stackTags = {}, related } = resource;
  if (properties === undefined) return mapHidden(resource, context);
  const translated = translate(type, properties);
  const attributes = { ...translated.attributes, ...withStackTags(translated.attributes, stackTags) };
  const mapped = mapResource(translated.type, attributes, unknownIn(attributes), {
    ...context,
    address: logicalId,
    managedBy: { tool: 'cloudformation', address: logicalId, repository: null },
    ...(related === undefined ? {} : { related }),
  });
  return mapped.map((each) => renamed({ ...each, id: each.address === logicalId ? physicalId : null }));
}

/** Its kind is known and nothing else. */
function mapHidden({ type, logicalId, physicalId }: StackResource, context: StackContext): readonly Resource[] {
  const translated = translate(type, {});
  const managedBy = { tool: 'cloudformation', address: logicalId, repository: null };
  const [first] = mapResource(translated.type, {}, () => true, { ...context, address: logicalId, managedBy });
  if (first === undefined) return [];
  const hidden = { specs: {}, cost: { hourly: null, monthly: null, source: 'none' }, unknownPaths: ['specs', 'tags'] } as const;
  return [notTold({ ...first, id: physicalId, ...hidden })];
}

function withStackTags({ tags }: Keys, stackTags: Keys): Keys {
  if (Object.keys(stackTags).length === 0 || tags === UNKNOWN) return {};
  return { tags: { ...stackTags, ...(isKeys(tags) ? tags : {}) } };
}

/** In the words of the template: its author knows no `ebs_block_device`. */
function renamed(resource: Resource): Resource {
  const address = resource.address?.replace(/\.(?:ebs_block_device|block_device_mappings)\[(\d+)\]$/, '.BlockDeviceMappings[$1]') ?? null;
  const owned = resource.managedBy === null ? {} : { managedBy: { ...resource.managedBy, address } };
  return { ...resource, address, ...owned };
}

export function stackTagsOf(value: unknown): Keys {
  const tags = tagsOf(value ?? undefined);
  return isKeys(tags) ? tags : {};
}
