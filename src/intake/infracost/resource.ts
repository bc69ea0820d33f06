import type { Resource } from '../../policy/model.js';
import { blankResource, type CatalogProvider, type Lookup, notTold } from '../intake.js';
import { isKeys, type Keys, listOf, textOf } from '../loose.js';
import { type MapContext, mapResource } from '../terraform/map-resource.js';
import { type CostNode, costNodeOf, costOfNode } from './cost.js';
import { diskOf, machineOf } from './specs.js';

export interface ProjectFacts {
  readonly lookup: Lookup;
  readonly namespace: string | null;
  readonly account: string | null;
  readonly region: string | null;
  /** Put before each address where a document has several projects; else empty. */
  readonly prefix: string;
  readonly repository: string | null;
}

/** Disks of a machine, which are resources of their own everywhere else too. */
const DISK = /^(?:root_block_device|ebs_block_device|block_device_mapping|boot_disk|attached_disk|os_disk|storage_data_disk)(?:\[\d+\])?$/;
/** What a group of machines is made from. */
const TEMPLATE = /^aws_launch_(?:template|configuration)\./;

/** A resource of a breakdown, and each disk of its machines. */
export function resourcesOf(value: Keys, facts: ProjectFacts): readonly Resource[] {
  const node = costNodeOf(value);
  const template = node.parts.find(({ name }) => TEMPLATE.test(name));
  const disks = (template ?? node).parts.filter(({ name }) => DISK.test(name));
  const terraformType = textOf(value['resourceType']) ?? typeOfAddress(node.name);
  const { namespace, account, region } = facts;
  const managedBy = { tool: 'terraform', address: node.name, repository: facts.repository };
  const { type, provider } = kindOf(terraformType, { ...facts, address: node.name, managedBy });
  const base = { ...blankResource(type), provider, namespace, account, region, managedBy };
  const cloud = catalogOf(provider);
  const machine = cloud === undefined ? undefined : machineOf(template ?? node, cloud, facts.lookup);
  const quantity = machine?.quantity ?? 1;
  const own: Resource = {
    ...base,
    ...tagsOf(value),
    address: facts.prefix + node.name,
    specs: type === 'storage/volume' && cloud !== undefined ? diskOf(node, cloud, facts.lookup, 1) : (machine?.specs ?? {}),
    cost: costWithoutDisks(node, template, disks),
    ...(quantity === 1 ? {} : { quantity }),
  };
  return [own, ...disks.map((disk) => volumeOf(disk, { value, base, cloud, quantity, facts }))].map(notTold);
}

/** As the door for plans calls it. A kind that is part of another there is kept under the provider's name: it has a price of its own here. */
function kindOf(terraformType: string, context: MapContext): Pick<Resource, 'type' | 'provider'> {
  const [mapped] = mapResource(terraformType, {}, () => false, context);
  return (
    mapped ?? { ...blankResource(terraformType.replace('_', '/').replaceAll('_', '-')), provider: terraformType.split('_')[0] ?? null }
  );
}

/** The cost of a group is that of its template's machines, whose disks are apart. */
function costWithoutDisks(node: CostNode, template: CostNode | undefined, disks: readonly CostNode[]): Resource['cost'] {
  if (template === undefined) return costOfNode(node, disks);
  const parts = node.parts.map((part) =>
    part === template ? { ...part, parts: part.parts.filter((each) => !disks.includes(each)) } : part,
  );
  return costOfNode({ ...node, parts: [...parts, ...disks] }, disks);
}

interface DiskFacts {
  readonly value: Keys;
  readonly base: Resource;
  readonly cloud: CatalogProvider | undefined;
  readonly quantity: number;
  readonly facts: ProjectFacts;
}

function volumeOf(disk: CostNode, { value, base, cloud, quantity, facts }: DiskFacts): Resource {
  // one block may be written without its index
  const address = `${textOf(value['name']) ?? ''}.${disk.name}${disk.name.endsWith(']') ? '' : '[0]'}`;
  return {
    ...base,
    ...volumeTagsOf(value),
    type: 'storage/volume',
    address: facts.prefix + address,
    specs: cloud === undefined ? {} : diskOf(disk, cloud, facts.lookup, quantity),
    cost: costOfNode(disk, []),
    ...(quantity === 1 ? {} : { quantity }),
  };
}

type Tags = Pick<Resource, 'tags' | 'unknownPaths'>;

/** Keys of tags that belong to something inside: `volume_tags.owner`, `root_block_device.tags.owner`. */
const INNER = /^(?:volume_tags|(?:root|ebs)_block_device(?:\[\d+\])?(?:\.tags)?)\.(.+)$/;

/** Tags are not in the documents of old versions, nor are those that depend on variables without a value: then they are unknown. */
function tagsOf(value: Keys): Tags {
  const entries = tagEntries(value);
  if (entries === undefined) return { tags: {}, unknownPaths: ['tags'] };
  return { tags: Object.fromEntries(entries.filter(([key]) => !INNER.test(key))), ...unknownTags(value) };
}

function volumeTagsOf(value: Keys): Tags {
  const inner = tagEntries(value)?.flatMap(([key, tag]) => {
    const name = INNER.exec(key)?.[1];
    return name === undefined ? [] : [[name, tag] as const];
  });
  if (inner === undefined || inner.length === 0) return { tags: {}, unknownPaths: ['tags'] };
  return { tags: Object.fromEntries(inner), ...unknownTags(value) };
}

function tagEntries(value: Keys): readonly (readonly [string, string])[] | undefined {
  const tags = value['tags'];
  if (!isKeys(tags)) return undefined;
  return Object.entries(tags).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

function unknownTags(value: Keys): Pick<Resource, 'unknownPaths'> {
  const missing = [...listOf(value['missingVarsCausingUnknownTagKeys']), ...listOf(value['missingVarsCausingUnknownDefaultTagKeys'])];
  return missing.length === 0 ? {} : { unknownPaths: ['tags'] };
}

function catalogOf(provider: string | null): CatalogProvider | undefined {
  return provider === 'aws' || provider === 'gcp' || provider === 'azure' ? provider : undefined;
}

/** `module.db.aws_db_instance.this["a.b"]` is an `aws_db_instance`: documents of old versions have no `resourceType`. */
function typeOfAddress(address: string): string {
  return partsOf(address).at(-2) ?? address;
}

function partsOf(address: string): readonly string[] {
  return address.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\]/g, '').split('.');
}
