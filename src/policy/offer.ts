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
function isWithin(constraint: LimitConstraint, offer: Offer): boolean {
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

/** The largest first, then the cheapest. */
function compareOffers(a: Offer, b: Offer): number {
  return b.vcpus - a.vcpus || b.memoryGb - a.memoryGb || comparePrice(a, b) || (a.instanceType < b.instanceType ? -1 : 1);
}

interface Ranked {
  readonly offer: Offer;
  readonly series: string;
}

/** One list of offers, in the order above, and each by its name. */
interface Market {
  readonly ranked: readonly Ranked[];
  readonly byType: ReadonlyMap<string, Offer>;
}

/** Worked out once for each list, whichever rules ask; it goes when the list goes. */
const markets = new WeakMap<readonly Offer[], Market>();

function marketOf(offers: readonly Offer[]): Market {
  const known = markets.get(offers);
  if (known !== undefined) return known;
  const ranked = [...offers].sort(compareOffers).map((offer) => ({ offer, series: seriesOf(offer.instanceType) }));
  const market = { ranked, byType: new Map(offers.map((offer) => [offer.instanceType, offer])) };
  markets.set(offers, market);
  return market;
}

/** The first of the same series and family that is no larger, else of the same series, else of the same family, else of any. */
function best(ranked: readonly Ranked[], specs: Resource['specs'], arch: string | undefined): Offer | undefined {
  const ownSeries = specs.instanceType === undefined ? undefined : seriesOf(specs.instanceType);
  let chosen: Offer | undefined;
  let nearest = -1;
  for (const { offer, series } of ranked) {
    const near = (series === ownSeries ? 2 : 0) + (offer.instanceFamily === specs.instanceFamily ? 1 : 0);
    if (near <= nearest || offer.arch !== arch || !isNoLarger(offer, specs)) continue;
    chosen = offer;
    nearest = near;
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

/** What was found for one list of offers. */
interface Known {
  readonly byType: Market['byType'];
  readonly within: readonly Ranked[];
  readonly found: Map<string, Offer | undefined>;
}

/** Requests bring any specs they like: past this many different ones, what was found is forgotten. */
const MAX_FOUND = 1_000;

export function createOfferFinder(constraint: LimitConstraint): OfferFinder {
  const cache = new WeakMap<readonly Offer[], Known>();
  const knownOf = (offers: readonly Offer[]): Known => {
    const before = cache.get(offers);
    if (before !== undefined) return before;
    const { byType, ranked } = marketOf(offers);
    const known = { byType, within: ranked.filter(({ offer }) => isWithin(constraint, offer)), found: new Map() };
    cache.set(offers, known);
    return known;
  };
  const find = (resource: Resource, offers: readonly Offer[], defaultArch: string | undefined): Offer | undefined => {
    if (offers.length === 0 || resource.type !== ONLY_FOR) return undefined;
    const { byType, within, found } = knownOf(offers);
    const { instanceType = '', instanceFamily = '', vcpus = '', memoryGb = '' } = resource.specs;
    const key = `${defaultArch ?? ''}|${vcpus}|${memoryGb}|${instanceFamily}|${instanceType}`;
    const before = found.get(key);
    if (before !== undefined || found.has(key)) return before;
    const offer = best(within, resource.specs, byType.get(instanceType)?.arch ?? defaultArch);
    if (found.size >= MAX_FOUND) found.clear();
    found.set(key, offer);
    return offer;
  };
  return {
    target: (resource, offers) => find(resource, offers, undefined),
    example: (resource, offers) => find(resource, offers, 'x86_64'),
  };
}
