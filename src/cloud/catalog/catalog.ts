import type { Lookup } from '../../intake/intake.js';
import type { Cost, Resource, Specs } from '../../policy/model.js';
import type { InstanceOffer } from '../provider.js';
import { createAwsPrices } from './aws-prices.js';
import { createLookup, isCatalogProvider, lazy } from './lookup.js';
import { type InstanceType, readAwsTypes, type VolumeType } from './tables.js';
import { PRICED_REGIONS } from './type-names.js';

/** The region whose list prices the simulated cloud has everywhere. */
export const PRICED_REGION = PRICED_REGIONS.aws;

export interface Catalog {
  /** An EC2 type (`m5.large`) or an RDS class (`db.m5.large`). */
  findInstanceType(name: string): InstanceType | undefined;
  /** A volume type of Amazon by its own name (`gp3`). */
  findVolumeType(name: string): VolumeType | undefined;
  /** Every EC2 type, smallest first; `hourly` is null outside the priced region and where no source has a price. */
  offers(region: string | null): readonly InstanceOffer[];
  /** Amazon's list price of a resource of these specs: on demand, Linux. What has no price is named; unknown is null. */
  price(resource: Pick<Resource, 'type' | 'region' | 'specs' | 'quantity'>): Cost;
  /** The same for three clouds, with what the doors look up. */
  readonly lookup: Lookup;
}

export function specsOf(type: InstanceType): Specs {
  return { vcpus: type.vcpus, memoryGb: type.memoryGb, instanceFamily: type.family, instanceType: type.name };
}

/** Reads each file under `data/` once, when something in it is first asked for. */
export function createCatalog(): Catalog {
  const types = lazy(() => new Map(readAwsTypes().map((type) => [type.name, type])));
  const findInstanceType = (name: string) => types().get(name);
  const awsPrices = lazy(() => createAwsPrices(findInstanceType));
  const lookup = createLookup({ findAwsType: findInstanceType, awsPrices });
  const pricedOffers = lazy(() => offersOf(types().values(), true));
  const unpricedOffers = lazy(() => offersOf(types().values(), false));
  return {
    findInstanceType,
    findVolumeType: (name) => awsPrices().findVolumeType(name),
    offers: (region) => (region === PRICED_REGION ? pricedOffers() : unpricedOffers()),
    price: (resource) => lookup.price({ ...resource, provider: 'aws' }),
    lookup,
  };
}

/**
 * What a request is priced by: the list of the cloud that it names, by its region; where it names none, or the simulated one, Amazon's list
 * in one region, as the simulated cloud has it everywhere. Without a region nothing has a price.
 */
export function priceOfRequest(catalog: Catalog): Lookup['price'] {
  return (resource) =>
    resource.provider !== null && isCatalogProvider(resource.provider)
      ? catalog.lookup.price(resource)
      : catalog.price({ ...resource, region: resource.region === null ? null : PRICED_REGION });
}

function offersOf(types: Iterable<InstanceType>, priced: boolean): readonly InstanceOffer[] {
  return [...types]
    .filter((type) => !type.name.startsWith('db.'))
    .sort((a, b) => a.vcpus - b.vcpus || a.memoryGb - b.memoryGb || (a.name < b.name ? -1 : 1))
    .map((type) => ({
      instanceType: type.name,
      instanceFamily: type.family,
      vcpus: type.vcpus,
      memoryGb: type.memoryGb,
      arch: type.arch,
      hourly: priced ? type.hourly : null,
    }));
}
