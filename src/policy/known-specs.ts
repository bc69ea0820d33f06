/** What the provider's own catalog knows of a type that a request names. Pure. */
import { isUnknownPath } from './match.js';
import type { Resource, Specs } from './model.js';
import { SPEC_WIRE, type SpecKey } from './specs.js';

const CLOUDS = ['aws', 'gcp', 'azure'] as const;
type Cloud = (typeof CLOUDS)[number];

/** The catalogs of the clouds, by their own names. */
export interface TypeFacts {
  readonly instance: (provider: Cloud, type: string) => Pick<Specs, 'vcpus' | 'memoryGb' | 'instanceFamily'> | undefined;
  readonly volumeType: (provider: Cloud, type: string) => string | undefined;
}

/**
 * The specs of a resource with what its `instanceType` stands for: sizes and family of a machine, the class of a volume. What is given
 * wins, and what is known only after apply stays unknown. By the cloud that is named, else by the first that has the type.
 */
export function knownSpecs(resource: Resource, facts: TypeFacts): Specs {
  const { type, specs } = resource;
  const { instanceType } = specs;
  if (instanceType === undefined) return specs;
  if (type === 'storage/volume') {
    const volumeType = specs.volumeType ?? firstOf(resource, (cloud) => facts.volumeType(cloud, instanceType));
    return volumeType === undefined ? specs : filled(resource, { volumeType });
  }
  if (specs.vcpus !== undefined && specs.memoryGb !== undefined && specs.instanceFamily !== undefined) return specs;
  const found = firstOf(resource, (cloud) => facts.instance(cloud, instanceType));
  return found === undefined ? specs : filled(resource, found);
}

function firstOf<T>({ provider }: Resource, find: (cloud: Cloud) => T | undefined): T | undefined {
  const named = CLOUDS.find((cloud) => cloud === provider);
  if (named !== undefined) return find(named);
  for (const cloud of CLOUDS) {
    const found = find(cloud);
    if (found !== undefined) return found;
  }
  return undefined;
}

function filled(resource: Resource, found: Specs): Specs {
  const { specs, unknownPaths } = resource;
  if (unknownPaths === undefined) return { ...found, ...specs };
  const known = Object.entries(found).filter(([key]) => !isUnknownPath(resource, `specs.${SPEC_WIRE[key as SpecKey]}`));
  return { ...Object.fromEntries(known), ...specs };
}
