/** The words in which a kind of resource is described: what `kinds/*.ts` are written in. */

import type { Specs } from '../../policy/model.js';
import type { SpecKey } from '../../policy/specs.js';
import type { CatalogProvider, Lookup } from '../intake.js';
import { type Attributes, mapped, type Path, UNKNOWN, type Value } from './attributes.js';

/** Specs of one part, each given, not given, or known after apply. */
export type SpecValues = { readonly [K in SpecKey]?: Value<NonNullable<Specs[K]>> };

/** How many alike a group has: likely, and the least and most that it scales to. */
export interface Size {
  readonly desired: Value<number>;
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** A map of tags at a path (`labels`, `volume_tags`), or blocks of `{ key, value }` there, of which those without the flag `only` do not count. */
export interface TagSource {
  readonly from: Attributes;
  readonly path: Path;
  readonly only?: string;
}

/** Where the tags of a part come from, a later source winning over an earlier one. */
export interface TagSources {
  readonly sources: readonly TagSource[];
  /** Whether the default tags of the provider come first. */
  readonly withDefaults: boolean;
  /** Whether there may be others, which the plan does not tell. */
  readonly incomplete?: boolean;
}

/** One resource in our words that a planned resource stands for; most stand for one, an instance also for its volumes. */
export interface Part {
  readonly type: string;
  /** After the address: `.root_block_device[0]`. @default none */
  readonly suffix?: string;
  readonly specs?: SpecValues;
  readonly size?: Size;
  /** In place of the tags of the planned resource itself. */
  readonly tags?: TagSources;
  /** False where the list price is not that of this one: another engine, dedicated hardware. @default true */
  readonly listed?: boolean;
  /** How many times the list price one of it costs: two for a database in two zones. @default 1 */
  readonly times?: number;
  /** The kind whose list price holds, where it is not its own. */
  readonly pricedAs?: string;
  /** Types of which each may be started: the cost is likely that of the first, and lies between the cheapest and the dearest. */
  readonly anyOf?: readonly string[];
}

export interface KindContext {
  readonly provider: string;
  readonly lookup: Lookup;
  /** The planned resource that an attribute refers to, such as a launch template; undefined when the plan does not tell. */
  readonly related: (attribute: string, type: string) => Attributes | undefined;
}

/** What a planned resource stands for. None: it is part of another, and judged there. */
export type MapKind = (attributes: Attributes, context: KindContext) => readonly Part[];

/** By type of Terraform: `aws_instance`. */
export type Kinds = Readonly<Record<string, MapKind>>;

/** A kind that is one resource. */
export function one(type: string, specs?: (attributes: Attributes, context: KindContext) => SpecValues): MapKind {
  return (attributes, context) => [{ type, ...(specs === undefined ? {} : { specs: specs(attributes, context) }) }];
}

/** Size, family and name of an instance type or database class. A type that the catalog does not have gives its name only. */
export function machineSpecs(type: Value<string>, { provider, lookup }: KindContext): SpecValues {
  if (type === UNKNOWN) return { instanceType: UNKNOWN, vcpus: UNKNOWN, memoryGb: UNKNOWN, instanceFamily: UNKNOWN };
  if (type === undefined) return {};
  return { instanceType: type, ...(isCatalogProvider(provider) ? lookup.instance(provider, type) : undefined) };
}

export interface VolumeAttributes {
  readonly sizeGb: Value<number>;
  /** As the provider calls it: `gp3`. */
  readonly kind: Value<string>;
  readonly iops?: Value<number>;
  readonly bandwidthMbps?: Value<number>;
}

export function volumeSpecs({ sizeGb, kind, iops, bandwidthMbps }: VolumeAttributes, { provider, lookup }: KindContext): SpecValues {
  const volumeType = mapped(kind, (type) => (isCatalogProvider(provider) ? lookup.volumeType(provider, type) : undefined));
  return { sizeGb, instanceType: kind, volumeType, iops, bandwidthMbps };
}

export function isCatalogProvider(provider: string): provider is CatalogProvider {
  return provider === 'aws' || provider === 'gcp' || provider === 'azure';
}
