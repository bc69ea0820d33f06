/** What kinds of resources there are, which specs each can have, and how both are called. */
import type { Specs } from './model.js';

export type SpecKey = keyof Specs;

/** Names of specs on the wire. */
export const SPEC_WIRE: { readonly [K in SpecKey]-?: string } = {
  vcpus: 'vcpus',
  memoryGb: 'memory_gb',
  instanceFamily: 'instance_family',
  instanceType: 'instance_type',
  sizeGb: 'size_gb',
  volumeType: 'volume_type',
  storageGb: 'storage_gb',
  iops: 'iops',
  bandwidthMbps: 'bandwidth_mbps',
  purchaseOption: 'purchase_option',
  termMonths: 'term_months',
};

export const INSTANCE_FAMILIES = [
  'general-purpose',
  'compute-optimized',
  'memory-optimized',
  'high-memory',
  'storage-optimized',
  'gpu',
  'burstable',
  'hpc',
] as const;

export const VOLUME_TYPES = ['standard', 'ssd', 'provisioned-iops', 'archive'] as const;

interface Kind {
  /** What messages call it. */
  readonly noun: string;
  /** A check over any other spec does not apply: a volume has no vCPUs. */
  readonly specs: readonly SpecKey[];
  /** Whether it does work that can be metered, so that `Utilization` can judge it. */
  readonly metered: boolean;
  /** Whether it can be left behind by what it belongs to, so that `Orphan` can judge it. */
  readonly attachable: boolean;
  /** Whether it can be stopped and started again, so that a `Schedule` can. */
  readonly stoppable: boolean;
}

/** INVARIANT: a spec that is absent here is never asked for. Kinds that are not in this table may have any. */
const KINDS = {
  'compute/instance': {
    noun: 'Instance',
    specs: ['vcpus', 'memoryGb', 'instanceFamily', 'instanceType', 'storageGb', 'bandwidthMbps', 'purchaseOption', 'termMonths'],
    metered: true,
    attachable: false,
    stoppable: true,
  },
  'storage/volume': {
    noun: 'Volume',
    specs: ['sizeGb', 'volumeType', 'iops', 'bandwidthMbps'],
    metered: false,
    attachable: true,
    stoppable: false,
  },
  'storage/snapshot': { noun: 'Snapshot', specs: ['sizeGb'], metered: false, attachable: true, stoppable: false },
  'storage/bucket': { noun: 'Bucket', specs: ['sizeGb', 'storageGb'], metered: false, attachable: false, stoppable: false },
  'database/instance': {
    noun: 'Database',
    specs: ['vcpus', 'memoryGb', 'instanceFamily', 'instanceType', 'storageGb', 'iops', 'bandwidthMbps', 'purchaseOption', 'termMonths'],
    metered: true,
    attachable: false,
    stoppable: true,
  },
  'network/load-balancer': { noun: 'Load balancer', specs: ['bandwidthMbps'], metered: true, attachable: false, stoppable: false },
  'network/nat-gateway': { noun: 'NAT gateway', specs: ['bandwidthMbps'], metered: true, attachable: false, stoppable: false },
  'network/address': { noun: 'Address', specs: [], metered: false, attachable: true, stoppable: false },
  'commitment/reservation': {
    noun: 'Reservation',
    specs: ['vcpus', 'memoryGb', 'instanceFamily', 'instanceType', 'purchaseOption', 'termMonths'],
    metered: false,
    attachable: false,
    stoppable: false,
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type ResourceType = keyof typeof KINDS;

/** The kinds that every provider maps its own to; all others are kept as `provider/kind`. */
export const RESOURCE_TYPES = Object.keys(KINDS) as readonly ResourceType[];

/** What messages, fixes and checks need to know of a kind that no provider mapped. */
const OTHER: Kind = {
  noun: 'Resource',
  specs: Object.keys(SPEC_WIRE) as readonly SpecKey[],
  metered: true,
  attachable: true,
  stoppable: false,
};

const KIND_BY_TYPE: ReadonlyMap<string, Kind> = new Map<string, Kind>(Object.entries(KINDS));

export function kindOf(type: string): Kind {
  return KIND_BY_TYPE.get(type) ?? OTHER;
}

export function canHaveSpec(type: string, key: SpecKey): boolean {
  return kindOf(type).specs.includes(key);
}

/** The kinds that never have this spec: quicker to ask than `canHaveSpec` where the spec is always the same. */
export function kindsWithout(key: SpecKey): ReadonlySet<string> {
  return new Set(RESOURCE_TYPES.filter((type) => !canHaveSpec(type, key)));
}
