/** The size that an instance should get so that it is within a rule's limits. */
import type { LimitConstraint, Resource } from './model.js';
import { compare, monthlyFromHourly } from './money.js';
import type { Offer } from './rules/check.js';

const ONLY_FOR = 'compute/instance';

/** `m5.8xlarge` is of series `m5`, `n2-standard-8` of `n2-standard`. */
function seriesOf(instanceType: string): string {
  const end = instanceType.includes('.') ? instanceType.indexOf('.') : instanceType.lastIndexOf('-');
  return end === -1 ? instanceType : instanceType.slice(0, end);
}

/** Whether the size itself breaks none of the constraint's limits. */
export function isWithin(constraint: LimitConstraint, offer: Offer): boolean {
  const { maxVCPUs, maxMemoryGB, allowedInstanceFamilies, deniedInstanceFamilies, allowedTypes, deniedTypes, maxMonthlyCost } = constraint;
  return (
    (maxVCPUs === undefined || offer.vcpus <= maxVCPUs) &&
    (maxMemoryGB === undefined || offer.memoryGb <= maxMemoryGB) &&
    (allowedInstanceFamilies?.includes(offer.instanceFamily) ?? true) &&
    !deniedInstanceFamilies?.includes(offer.instanceFamily) &&
    (allowedTypes?.includes(offer.instanceType) ?? true) &&
    !deniedTypes?.includes(offer.instanceType) &&
    (maxMonthlyCost === undefined || (offer.hourly !== null && compare(monthlyFromHourly(offer.hourly), maxMonthlyCost) <= 0))
  );
}

/** Never larger than what is there: a fix must not make the resource bigger in another direction. */
function isNoLarger(offer: Offer, { vcpus, memoryGb }: Resource['specs']): boolean {
  return (vcpus === undefined || offer.vcpus <= vcpus) && (memoryGb === undefined || offer.memoryGb <= memoryGb);
}

function comparePrice(a: Offer, b: Offer): number {
  if (a.hourly === null || b.hourly === null) return Number(a.hourly === null) - Number(b.hourly === null);
  return compare(a.hourly, b.hourly);
}

/** Negative when `a` is the better offer: same series, same family, then the largest, then the cheapest. */
function compareOffers(a: Offer, b: Offer, specs: Resource['specs']): number {
  const series = specs.instanceType === undefined ? null : seriesOf(specs.instanceType);
  const isSeries = (offer: Offer): number => Number(seriesOf(offer.instanceType) === series);
  const isFamily = (offer: Offer): number => Number(offer.instanceFamily === specs.instanceFamily);
  return (
    isSeries(b) - isSeries(a) ||
    isFamily(b) - isFamily(a) ||
    b.vcpus - a.vcpus ||
    b.memoryGb - a.memoryGb ||
    comparePrice(a, b) ||
    (a.instanceType < b.instanceType ? -1 : 1)
  );
}

function best(offers: readonly Offer[], specs: Resource['specs']): Offer | undefined {
  let chosen: Offer | undefined;
  for (const offer of offers) {
    if (isNoLarger(offer, specs) && (chosen === undefined || compareOffers(offer, chosen, specs) < 0)) chosen = offer;
  }
  return chosen;
}

/** Finds sizes within `constraint`; what is found is remembered for each list of offers. */
export interface OfferFinder {
  /** A size to resize to: of the same architecture, which must be known, or the instance would not start. */
  readonly target: (resource: Resource, offers: readonly Offer[]) => Offer | undefined;
  /** A size to name as an example in a fix; x86 where the architecture is not known. */
  readonly example: (resource: Resource, offers: readonly Offer[]) => Offer | undefined;
}

function archOf(resource: Resource, offers: readonly Offer[]): string | undefined {
  return offers.find((offer) => offer.instanceType === resource.specs.instanceType)?.arch;
}

/** What was found for one list of offers. */
interface Known {
  readonly within: readonly Offer[];
  readonly found: Map<string, Offer | undefined>;
}

/** Requests bring any specs they like: past this many different ones, what was found is forgotten. */
const MAX_FOUND = 10_000;

export function createOfferFinder(constraint: LimitConstraint): OfferFinder {
  const cache = new WeakMap<readonly Offer[], Known>();
  const knownOf = (offers: readonly Offer[]): Known => {
    const known = cache.get(offers) ?? { within: offers.filter((offer) => isWithin(constraint, offer)), found: new Map() };
    cache.set(offers, known);
    return known;
  };
  const find = (resource: Resource, offers: readonly Offer[], defaultArch: string | undefined): Offer | undefined => {
    if (resource.type !== ONLY_FOR) return undefined;
    const { within, found } = knownOf(offers);
    const { instanceType = '', instanceFamily = '', vcpus = '', memoryGb = '' } = resource.specs;
    const key = `${defaultArch ?? ''}|${vcpus}|${memoryGb}|${instanceFamily}|${instanceType}`;
    if (found.has(key)) return found.get(key);
    const arch = archOf(resource, offers) ?? defaultArch;
    const ofArch = within.filter((offer) => offer.arch === arch);
    const offer = best(ofArch, resource.specs);
    if (found.size >= MAX_FOUND) found.clear();
    found.set(key, offer);
    return offer;
  };
  return {
    target: (resource, offers) => find(resource, offers, undefined),
    example: (resource, offers) => find(resource, offers, 'x86_64'),
  };
}
