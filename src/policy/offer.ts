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

/** Finds sizes within `constraint`; what is within is worked out once for each list of offers. */
export interface OfferFinder {
  /** A size to resize to: of the same architecture, which must be known, or the instance would not start. */
  readonly target: (resource: Resource, offers: readonly Offer[]) => Offer | undefined;
  /** A size to name as an example in a fix; x86 where the architecture is not known. */
  readonly example: (resource: Resource, offers: readonly Offer[]) => Offer | undefined;
}

function archOf(resource: Resource, offers: readonly Offer[]): string | undefined {
  return offers.find((offer) => offer.instanceType === resource.specs.instanceType)?.arch;
}

export function createOfferFinder(constraint: LimitConstraint): OfferFinder {
  const cache = new WeakMap<readonly Offer[], readonly Offer[]>();
  const within = (offers: readonly Offer[]): readonly Offer[] => {
    const known = cache.get(offers);
    if (known !== undefined) return known;
    const found = offers.filter((offer) => isWithin(constraint, offer));
    cache.set(offers, found);
    return found;
  };
  const find = (resource: Resource, offers: readonly Offer[], arch: string | undefined): Offer | undefined => {
    if (resource.type !== ONLY_FOR || arch === undefined) return undefined;
    return best(
      within(offers).filter((offer) => offer.arch === arch),
      resource.specs,
    );
  };
  return {
    target: (resource, offers) => find(resource, offers, archOf(resource, offers)),
    example: (resource, offers) => find(resource, offers, archOf(resource, offers) ?? 'x86_64'),
  };
}
