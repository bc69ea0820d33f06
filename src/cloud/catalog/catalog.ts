import type { Cost, Decimal, Resource, Specs } from '../../policy/model.js';
import { add, hourlyFromMonthly, monthlyFromHourly, multiply, roundMoney } from '../../policy/money.js';
import type { InstanceOffer } from '../provider.js';
import { type InstanceType, readInstanceTypes, readUnitPrices, readVolumeTypes, type VolumeType } from './tables.js';

/** The one region whose list prices the sources give; there is no factor for others, so elsewhere a price is unknown. */
export const PRICED_REGION = 'us-east-1';

export interface Catalog {
  /** An EC2 type (`m5.large`) or an RDS class (`db.m5.large`). */
  findInstanceType(name: string): InstanceType | undefined;
  /** A volume type (`gp3`), or the usual one of a class (`ssd` is gp3). */
  findVolumeType(name: string): VolumeType | undefined;
  /** Every EC2 type, smallest first; `hourly` is null outside the priced region and where no source has a price. */
  offers(region: string | null): readonly InstanceOffer[];
  /** List price of a resource of these specs: on demand, Linux. A database is priced without its storage. Unknown is null. */
  price(resource: Pick<Resource, 'type' | 'region' | 'specs'>): Cost;
}

const UNKNOWN: Cost = { hourly: null, monthly: null, source: 'none' };
/** What a volume class means when only the class is given. */
const USUAL_TYPE: Readonly<Record<string, string>> = { ssd: 'gp3', 'provisioned-iops': 'io2', standard: 'st1', archive: 'sc1' };

export function specsOf(type: InstanceType): Specs {
  return { vcpus: type.vcpus, memoryGb: type.memoryGb, instanceFamily: type.family, instanceType: type.name };
}

function costByHour(hourly: Decimal): Cost {
  return { hourly, monthly: monthlyFromHourly(hourly), source: 'price-list' };
}

function costByMonth(monthly: Decimal): Cost {
  return { hourly: hourlyFromMonthly(monthly), monthly: roundMoney(monthly), source: 'price-list' };
}

/** What exceeds the included amount, at its price. A type without such a price (gp2, st1) does not charge for it. */
function extra(amount: number | undefined, included: number, price: Decimal | null): Decimal {
  return price === null ? '0' : multiply(price, String(Math.max(0, (amount ?? 0) - included)));
}

function volumeCost(type: VolumeType | undefined, specs: Specs): Cost {
  if (type === undefined || specs.sizeGb === undefined) return UNKNOWN;
  const iops = extra(specs.iops, type.includedIops, type.iopsMonth);
  const throughput = extra(specs.bandwidthMbps, type.includedMbps, type.mbpsMonth);
  return costByMonth(add(add(multiply(type.gbMonth, String(specs.sizeGb)), iops), throughput));
}

/** Reads the files under `data/` once. */
export function createCatalog(): Catalog {
  const instanceTypes = new Map(readInstanceTypes().map((type) => [type.name, type]));
  const volumeTypes = new Map(readVolumeTypes().map((type) => [type.name, type]));
  const unitPrices = new Map(readUnitPrices().map((price) => [price.type, price]));
  const findVolumeType = (name: string) => volumeTypes.get(USUAL_TYPE[name] ?? name);

  function unitCost(type: string, specs: Specs): Cost {
    const unit = unitPrices.get(type);
    if (unit === undefined) return UNKNOWN;
    if (unit.unit === 'hour') return costByHour(unit.price);
    return specs.sizeGb === undefined ? UNKNOWN : costByMonth(multiply(unit.price, String(specs.sizeGb)));
  }

  const offersIn = (priced: boolean): readonly InstanceOffer[] =>
    [...instanceTypes.values()]
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
  const pricedOffers = offersIn(true);
  const unpricedOffers = offersIn(false);

  return {
    findInstanceType: (name) => instanceTypes.get(name),
    findVolumeType,
    offers: (region) => (region === PRICED_REGION ? pricedOffers : unpricedOffers),
    price({ type, region, specs }) {
      if (region !== PRICED_REGION) return UNKNOWN;
      if (type === 'storage/volume') return volumeCost(findVolumeType(specs.instanceType ?? specs.volumeType ?? ''), specs);
      if (type !== 'compute/instance' && type !== 'database/instance') return unitCost(type, specs);
      const hourly = instanceTypes.get(specs.instanceType ?? '')?.hourly ?? null;
      return hourly === null ? UNKNOWN : costByHour(hourly);
    },
  };
}
