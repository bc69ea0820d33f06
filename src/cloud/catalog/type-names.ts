/** How the clouds write the names of sizes, volumes and regions. Pure. */
import type { CatalogProvider } from '../../intake/intake.js';

/** The one region of each whose list prices the sources give; there is no factor for others, so elsewhere a price is unknown. */
export const PRICED_REGIONS: Readonly<Record<CatalogProvider, string>> = { aws: 'us-east-1', gcp: 'us-central1', azure: 'eastus' };

/** Google's and Azure's volume types in our words; Amazon's are in its table of prices. */
const VOLUME_TYPES: Readonly<Record<string, string>> = {
  'pd-standard': 'standard',
  'pd-balanced': 'ssd',
  'pd-ssd': 'ssd',
  'pd-extreme': 'provisioned-iops',
  'hyperdisk-balanced': 'provisioned-iops',
  'hyperdisk-balanced-high-availability': 'provisioned-iops',
  'hyperdisk-extreme': 'provisioned-iops',
  'hyperdisk-ml': 'provisioned-iops',
  'hyperdisk-throughput': 'standard',
  standard_lrs: 'standard',
  standardssd_lrs: 'ssd',
  standardssd_zrs: 'ssd',
  premium_lrs: 'ssd',
  premium_zrs: 'ssd',
  premiumv2_lrs: 'provisioned-iops',
  ultrassd_lrs: 'provisioned-iops',
};

/** Azure's names are case-insensitive; the others' are lower case. */
export const volumeTypeOf = (type: string): string | undefined => {
  const name = type.toLowerCase();
  return Object.hasOwn(VOLUME_TYPES, name) ? VOLUME_TYPES[name] : undefined;
};

/** `us-east-1a`, `us-central1-a` and `East US` lie in regions too. */
const REGION_OF: Readonly<Record<CatalogProvider, (place: string) => string>> = {
  aws: (place) => place.replace(/(\d)[a-z]$/, '$1'),
  gcp: (place) => place.replace(/-[a-z]$/, ''),
  azure: (place) => place.toLowerCase().replaceAll(' ', ''),
};

export function isPricedPlace(provider: CatalogProvider, place: string | null): boolean {
  return place !== null && REGION_OF[provider](place) === PRICED_REGIONS[provider];
}

/** A machine of its own measures: `custom-4-8192`, `n2-custom-8-16384-ext`, `db-custom-2-7680`; memory in MiB. */
export function customMachine(type: string): { readonly vcpus: number; readonly memoryGb: number } | undefined {
  const match = /^(?:[a-z]\d[a-z]?-|db-)?custom-(\d{1,4})-(\d{1,8})(?:-ext)?$/.exec(type);
  return match === null ? undefined : { vcpus: Number(match[1]), memoryGb: Number(match[2]) / 1024 };
}

/** The machine that a database runs on, which has its specs and not its price: `GP_Standard_D4s_v3`, `db-n1-standard-4`. */
export function machineOfDatabase(provider: CatalogProvider, type: string): string | undefined {
  const pattern = provider === 'azure' ? /^(?:B|GP|MO)_(Standard_\w+)$/i : /^db-([a-z]\d[a-z]?-\w+-\d+)$/;
  return pattern.exec(type)?.[1];
}
