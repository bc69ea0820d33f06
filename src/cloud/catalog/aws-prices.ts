/** List prices of Amazon in us-east-1, by kind of resource. */
import type { Decimal, Specs } from '../../policy/model.js';
import { add, multiply } from '../../policy/money.js';
import type { Estimate } from './estimate.js';
import { type InstanceType, readUnitPrices, readVolumeTypes, type VolumeType } from './tables.js';

/** What a volume class means when only the class is given. */
const USUAL_TYPE: Readonly<Record<string, string>> = { ssd: 'gp3', 'provisioned-iops': 'io2', standard: 'st1', archive: 'sc1' };

/** What a kind costs besides its price by the hour or gigabyte. */
const UNPRICED: Readonly<Record<string, readonly string[]>> = {
  'network/nat-gateway': ['data processed'],
  'network/load-balancer': ['capacity units'],
};

/** Up to here the price of io2 is that of the list; the tiers above it cost less, the list does not say how much. */
const IO2_FIRST_TIER = 32_000;

export interface AwsPrices {
  /** A volume type by its own name (`gp3`). */
  findVolumeType(name: string): VolumeType | undefined;
  /** Of one resource of this kind; undefined where the list has no price. */
  estimate(type: string, specs: Specs): Estimate | undefined;
}

/** Reads the small tables; `findInstanceType` has the large one. */
export function createAwsPrices(findInstanceType: (name: string) => InstanceType | undefined): AwsPrices {
  const volumeTypes = new Map(readVolumeTypes().map((type) => [type.name, type]));
  const unitPrices = new Map(readUnitPrices().map((price) => [price.type, price]));
  const findVolumeType = (name: string) => volumeTypes.get(name);
  // `standard` is both a type and a class: a type's own name comes in `instanceType` only.
  const volumeTypeFor = ({ instanceType, volumeType = '' }: Specs) => findVolumeType(instanceType ?? USUAL_TYPE[volumeType] ?? volumeType);

  function unitEstimate(type: string, specs: Specs): Estimate | undefined {
    const unit = unitPrices.get(type);
    if (unit === undefined) return undefined;
    if (unit.unit === 'hour') return { unit: 'hour', amount: unit.price, unpriced: UNPRICED[type] ?? [] };
    return specs.sizeGb === undefined ? undefined : { unit: 'month', amount: multiply(unit.price, String(specs.sizeGb)) };
  }

  return {
    findVolumeType,
    estimate(type, specs) {
      if (type === 'storage/volume') return volumeEstimate(volumeTypeFor(specs), specs);
      if (type === 'compute/instance') return instanceEstimate(findInstanceType(specs.instanceType ?? ''), specs);
      if (type === 'storage/bucket') return { unit: 'month', amount: null, unpriced: ['storage', 'requests'] };
      if (type === 'database/instance') return databaseEstimate(findInstanceType(specs.instanceType ?? ''));
      return unitEstimate(type, specs);
    },
  };
}

/** On demand. Spot and reserved capacity costs no more than that, and the list does not say how much less. */
export function instanceEstimate(type: InstanceType | undefined, { purchaseOption }: Specs): Estimate | undefined {
  const hourly = type?.hourly ?? null;
  if (hourly === null) return undefined;
  const isOnDemand = purchaseOption === undefined || purchaseOption === 'on-demand';
  return { unit: 'hour', amount: hourly, ...(isOnDemand ? {} : { least: '0' }) };
}

/** The list has classes (MySQL, one zone) and no storage. */
function databaseEstimate(type: InstanceType | undefined): Estimate | undefined {
  const hourly = type?.hourly ?? null;
  return hourly === null ? undefined : { unit: 'hour', amount: hourly, unpriced: ['storage'] };
}

function volumeEstimate(type: VolumeType | undefined, specs: Specs): Estimate | undefined {
  if (type === undefined || specs.sizeGb === undefined) return undefined;
  const throughput = extra(specs.bandwidthMbps, type.includedMbps, type.mbpsMonth);
  const base = add(multiply(type.gbMonth, String(specs.sizeGb)), throughput);
  const amount = add(base, extra(specs.iops, type.includedIops, type.iopsMonth));
  const cheaperTier = type.name === 'io2' && (specs.iops ?? 0) > IO2_FIRST_TIER;
  return {
    unit: 'month',
    amount,
    ...(cheaperTier ? { least: add(base, extra(IO2_FIRST_TIER, 0, type.iopsMonth)) } : {}),
    unpriced: unpricedOf(type, specs),
  };
}

/** What exceeds the included amount, at its price. A type without such a price (gp2, st1) does not charge for it. */
function extra(amount: number | undefined, included: number, price: Decimal | null): Decimal {
  return price === null ? '0' : multiply(price, String(Math.max(0, (amount ?? 0) - included)));
}

/** A type that includes IOPS has those by default; one that includes none always has some, which have to be given to be priced. */
function unpricedOf(type: VolumeType, specs: Specs): readonly string[] {
  const iops = type.iopsMonth !== null && type.includedIops === 0 && specs.iops === undefined;
  return [...(iops ? ['provisioned IOPS'] : []), ...(type.requestsMillion === null ? [] : ['I/O requests'])];
}
