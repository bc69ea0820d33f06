/** What `selector.service` of a budget stands for: at the gate by the type of a resource, in a bill by what FOCUS says of a charge. Pure. */
import { matchGlob } from './match.js';
import type { Resource } from './model.js';

/** FOCUS `ServiceCategory` of the families of our resource types. */
const CATEGORIES: Readonly<Record<string, string>> = {
  compute: 'Compute',
  storage: 'Storage',
  database: 'Databases',
  network: 'Networking',
};

/** FOCUS `ServiceName` under which a cloud bills our kinds. What is not here is no resource's at the gate, and counts in bills alone. */
const SERVICE_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws: {
    'compute/instance': 'Amazon Elastic Compute Cloud',
    'storage/volume': 'Amazon Elastic Compute Cloud',
    'storage/snapshot': 'Amazon Elastic Compute Cloud',
    'storage/bucket': 'Amazon Simple Storage Service',
    'database/instance': 'Amazon Relational Database Service',
    'network/load-balancer': 'Elastic Load Balancing',
    'network/nat-gateway': 'Amazon Elastic Compute Cloud',
    'network/address': 'Amazon Virtual Private Cloud',
  },
  azure: { 'compute/instance': 'Virtual Machines', 'storage/bucket': 'Storage Accounts', 'network/load-balancer': 'Load Balancer' },
  gcp: {
    'compute/instance': 'Compute Engine',
    'storage/volume': 'Compute Engine',
    'storage/snapshot': 'Compute Engine',
    'storage/bucket': 'Cloud Storage',
    'database/instance': 'Cloud SQL',
  },
};

/** A glob over resource types has a slash, and no name of a service has one; `*` is everything. */
function isTypeGlob(service: string): boolean {
  return service === '*' || service.includes('/');
}

/** Without regard to case; `*` stands for any text. */
function isCalled(service: string, name: string): boolean {
  return matchGlob(service.toLowerCase(), name.toLowerCase());
}

/** Whether the service is, or may be, that of a resource. Where the cloud is not known, any that has such a service may be meant. */
export function isOfService(service: string, { type, provider }: Pick<Resource, 'type' | 'provider'>): boolean {
  if (isTypeGlob(service)) return matchGlob(service, type);
  const [family = ''] = type.split('/');
  const billed = provider === null ? undefined : SERVICE_NAMES[provider];
  const names = (billed === undefined ? Object.values(SERVICE_NAMES) : [billed]).map((kinds) => kinds[type]);
  return [family, CATEGORIES[family], ...names].some((name) => name !== undefined && isCalled(service, name));
}

/** How charges of a service are found in a bill; null for all charges. */
export interface BilledService {
  /** Each of these categories whole: a bill tells families of resource types apart, and no kinds within them. */
  readonly categories: readonly string[];
  /** Pattern of SQL's `like` for the service's name, or its category, without regard to case; null for none. */
  readonly like: string | null;
}

export function billedServiceOf(service: string | undefined): BilledService | null {
  if (service === undefined || service === '*') return null;
  const isGlob = isTypeGlob(service);
  const [wanted = ''] = service.toLowerCase().split('/');
  const categories = Object.entries(CATEGORIES).flatMap(([family, category]) => (matchGlob(wanted, family) ? [category] : []));
  return { categories, like: isGlob ? null : service.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%') };
}
