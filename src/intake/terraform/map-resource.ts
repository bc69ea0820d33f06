/** A planned resource, by its type of Terraform, as resources in our words. Pure; the doors of Terraform and Pulumi share it. */
import type { ManagedBy, Resource, Specs } from '../../policy/model.js';
import { canHaveSpec, SPEC_WIRE, type SpecKey } from '../../policy/specs.js';
import { blankResource, type Lookup } from '../intake.js';
import { type Attributes, type IsUnknown, known, readAttributes, UNKNOWN } from './attributes.js';
import { AWS_KINDS } from './kinds/aws.js';
import { AZURE_KINDS } from './kinds/azure.js';
import { GOOGLE_KINDS } from './kinds/google.js';
import { type KindContext, type Kinds, type MapKind, machineSpecs, type Part, type SpecValues } from './mapping.js';
import { costOfPart } from './part-cost.js';
import { accountOf, regionOf } from './place.js';
import { type DefaultTags, ownTags, readTags } from './tags.js';

/** What surrounds a planned resource. */
export interface MapContext {
  readonly lookup: Lookup;
  readonly address: string;
  readonly managedBy: ManagedBy;
  readonly namespace: string | null;
  /** Of its provider, or of the request: where its own attributes do not tell. */
  readonly region: string | null;
  readonly account: string | null;
  /** Tags that the provider puts on all it makes. */
  readonly defaultTags?: DefaultTags;
  /** False where the document tells that the type has no tags of its own. @default true */
  readonly isTaggable?: boolean;
  /** Attributes of the planned resource that an attribute refers to; undefined when the plan does not tell. @default never tells */
  readonly related?: KindContext['related'];
}

/**
 * The resources that a planned resource stands for: itself with suffix none, its volumes as `ADDRESS.root_block_device[0]`. Each has its
 * list price.
 *
 * @param type of Terraform: `aws_instance`, `google_compute_disk`. One that no table has becomes `aws/sagemaker-endpoint`, tags and all.
 * @param attributes in the names of Terraform, plain JSON
 * @param isUnknown whether a path in them, or what contains it, is known only after apply or a secret; such a value is never read
 */
export function mapResource(type: string, attributes: unknown, isUnknown: IsUnknown, context: MapContext): readonly Resource[] {
  const { provider, mapKind } = kindOf(type);
  const read = readAttributes(attributes, isUnknown);
  const related = context.related ?? (() => undefined);
  const parts = mapKind(read, { provider, lookup: context.lookup, related });
  const place = { region: regionOf(provider, read) ?? context.region, account: accountOf(provider, read) ?? context.account };
  const surroundings = { ...context, ...place, provider };
  const [first, ...others] = parts.map((part) => toResource(part, read, surroundings));
  return first === undefined ? [] : [first, ...others.map((part) => withNamespaceOf(first, part))];
}

/** A volume without an environment of its own is in that of the machine it is made with. */
function withNamespaceOf({ tags }: Resource, part: Resource): Resource {
  const isOwn =
    Object.hasOwn(part.tags, 'environment') || part.unknownPaths?.some((path) => path === 'tags' || path === 'tags.environment');
  const given = part.namespace !== null || isOwn === true || !Object.hasOwn(tags, 'environment');
  return given ? part : { ...part, namespace: tags['environment'] ?? null };
}

const KINDS: ReadonlyMap<string, { readonly provider: string; readonly kinds: Kinds }> = new Map([
  ['aws', { provider: 'aws', kinds: AWS_KINDS }],
  ['google', { provider: 'gcp', kinds: GOOGLE_KINDS }],
  ['azurerm', { provider: 'azure', kinds: AZURE_KINDS }],
]);

function kindOf(type: string): { readonly provider: string; readonly mapKind: MapKind } {
  const [prefix = type, ...rest] = type.split('_');
  const { provider, kinds } = KINDS.get(prefix) ?? { provider: prefix, kinds: {} };
  const mapKind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return { provider, mapKind: mapKind ?? keptAs(`${provider}/${rest.join('-') || prefix}`) };
}

/** Kinds that no table has: under the provider's name, with the machine they run on where they tell. */
function keptAs(type: string): MapKind {
  return (it, context) => {
    const machine = ['instance_type', 'node_type', 'instance_class'].find((key) => it.text(key) !== undefined);
    return [{ type, ...(machine === undefined ? {} : { specs: machineSpecs(it.text(machine), context) }) }];
  };
}

type Surroundings = MapContext & { readonly provider: string };

function toResource(part: Part, attributes: Attributes, context: Surroundings): Resource {
  const { provider, account, region, namespace, managedBy } = context;
  const { specs, unknownPaths } = settleSpecs(part.type, part.specs ?? {});
  const tags = readTags(part.tags ?? ownTags(attributes), context.defaultTags);
  const unknown = [...unknownPaths, ...tags.unknownPaths];
  const quantity = part.size === undefined ? undefined : known(part.size.desired);
  const address = `${context.address}${part.suffix ?? ''}`;
  return {
    ...blankResource(part.type),
    id: part.suffix === undefined ? (known(attributes.text('id')) ?? null) : null,
    name: nameOf(part, attributes, tags.tags),
    provider,
    account,
    region,
    namespace,
    tags: tags.tags,
    specs,
    cost: costOfPart(part, specs, context),
    managedBy: { ...managedBy, address },
    address,
    ...(unknown.length === 0 ? {} : { unknownPaths: unknown }),
    ...(part.tags?.incomplete === true && unknownPaths.length === 0 ? { unknownReason: 'not given' } : {}),
    ...(part.tags === undefined && context.isTaggable === false ? { taggable: false } : {}),
    ...(quantity === undefined || quantity === 1 ? {} : { quantity }),
  };
}

/** What is unknown and what the kind can have is named by its path on the wire. */
function settleSpecs(type: string, values: SpecValues): { readonly specs: Specs; readonly unknownPaths: readonly string[] } {
  const specs: Record<string, unknown> = {};
  const unknownPaths: string[] = [];
  for (const key in values) {
    const value = values[key as SpecKey];
    if (isMeant(value)) specs[key] = value;
    else if (value === UNKNOWN && canHaveSpec(type, key as SpecKey)) unknownPaths.push(`specs.${SPEC_WIRE[key as SpecKey]}`);
  }
  return { specs, unknownPaths };
}

const LONGEST_WORD = 200;

/** No provider has a size below nothing, or a type of so long a name. */
function isMeant(value: unknown): boolean {
  return typeof value === 'number' ? value >= 0 : typeof value === 'string' && value.length <= LONGEST_WORD;
}

const LONGEST_NAME = 256;
const NAMES = ['name', 'identifier', 'cluster_identifier', 'bucket', 'function_name'];

/** As the scan would name it later: by tag `Name`, else by the provider's own name. */
function nameOf(part: Part, attributes: Attributes, tags: Readonly<Record<string, string>>): string | null {
  const tagged = Object.hasOwn(tags, 'Name') ? tags['Name'] : undefined;
  const own = part.suffix === undefined ? NAMES.map((key) => known(attributes.text(key))) : [];
  const name = [tagged, ...own].find((each) => each !== undefined && each !== '');
  return name === undefined || name.length > LONGEST_NAME ? null : name;
}
