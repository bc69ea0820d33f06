import type { CatalogProvider, InstanceFacts, Lookup } from '../../intake/intake.js';
import { type AwsPrices, instanceEstimate } from './aws-prices.js';
import { costOf } from './estimate.js';
import { type InstanceType, readAzureTypes, readGcpTypes } from './tables.js';
import { customMachine, isPricedPlace, machineOfDatabase, volumeTypeOf } from './type-names.js';

/** Each cloud's sizes by name, as the provider writes them. */
export type FindType = (name: string) => InstanceType | undefined;

interface Parts {
  readonly findAwsType: FindType;
  readonly awsPrices: () => AwsPrices;
}

/** Facts and prices of three clouds. Another cloud's tables are read when it is first asked about. */
export function createLookup({ findAwsType, awsPrices }: Parts): Lookup {
  const find: Readonly<Record<CatalogProvider, FindType>> = {
    aws: findAwsType,
    gcp: lazyFind(readGcpTypes, (name) => name),
    azure: lazyFind(readAzureTypes, (name) => name.toLowerCase()),
  };
  return {
    instance: (provider, type) => factsOf(provider, type, find[provider]),
    volumeType: (provider, type) => (provider === 'aws' ? awsPrices().findVolumeType(type)?.volumeClass : volumeTypeOf(type)),
    price({ provider, type, region, specs, quantity = 1 }) {
      const cloud = provider ?? 'aws';
      if (!isCatalogProvider(cloud) || !isPricedPlace(cloud, region)) return costOf(undefined, quantity);
      if (cloud === 'aws') return costOf(awsPrices().estimate(type, specs), quantity);
      const machine = type === 'compute/instance' ? find[cloud](specs.instanceType ?? '') : undefined;
      return costOf(instanceEstimate(machine, specs), quantity);
    },
  };
}

function factsOf(provider: CatalogProvider, type: string, find: FindType): InstanceFacts | undefined {
  const found = find(type) ?? find(machineOfDatabase(provider, type) ?? '');
  if (found !== undefined) return { vcpus: found.vcpus, memoryGb: found.memoryGb, instanceFamily: found.family };
  const custom = provider === 'gcp' ? customMachine(type) : undefined;
  return custom === undefined ? undefined : { ...custom, instanceFamily: 'general-purpose' };
}

export function isCatalogProvider(name: string): name is CatalogProvider {
  return name === 'aws' || name === 'gcp' || name === 'azure';
}

function lazyFind(read: () => InstanceType[], keyOf: (name: string) => string): FindType {
  const types = lazy(() => new Map(read().map((type) => [keyOf(type.name), type])));
  return (name) => types().get(keyOf(name));
}

/** Makes it when it is first asked for. */
export function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
