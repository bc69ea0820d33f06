/** The allow and deny lists of `ResourceLimit`: instance families and types. Denied comes first; a word breaks one list only. */
import type { Action, Fix, Json, LimitConstraint, Resource } from '../model.js';
import type { OfferFinder } from '../offer.js';
import { INSTANCE_FAMILIES, VOLUME_TYPES } from '../specs.js';
import { type Check, type CheckResult, type Offer, type Question, quoteList } from './check.js';
import { failed, forExample, setWithType, specCheck, specPath } from './spec-check.js';

type WordSpec = 'instanceFamily' | 'instanceType' | 'volumeType';

interface WordLimit {
  readonly spec: WordSpec;
  readonly allowed: readonly string[] | undefined;
  readonly denied: readonly string[] | undefined;
  /** `Instance family`, in the plural `families` */
  readonly noun: string;
  readonly plural: string;
  /** Words that are known to exist, to suggest one where only some are denied. */
  readonly known: readonly string[];
  readonly action: Action;
}

function problemOf({ noun, plural, allowed, denied }: WordLimit, observed: string): string | undefined {
  if (denied?.includes(observed)) return `${noun} '${observed}' is not allowed`;
  if (allowed === undefined || allowed.includes(observed)) return undefined;
  return `${noun} '${observed}' is not in allowed ${plural}: ${quoteList(allowed)}`;
}

/** The word that `offer` has for the spec, so that the example and the value to set agree. */
function wordOf(offer: Offer | undefined, spec: WordSpec): string | undefined {
  if (spec === 'volumeType') return undefined;
  return offer?.[spec];
}

function fixOf(limit: WordLimit, resource: Resource, offer: Offer | undefined): Fix | null {
  const permitted = (limit.allowed ?? limit.known).filter((word) => !limit.denied?.includes(word));
  const choice = wordOf(offer, limit.spec) ?? permitted[0];
  if (choice === undefined) return null;
  const noun = limit.noun.toLowerCase();
  const words = limit.allowed === undefined ? `other than ${(limit.denied ?? []).join(', ')}` : permitted.join(' or ');
  const set = setWithType(resource, specPath(limit.spec), choice, offer);
  return { set, text: `use ${noun} ${words}${forExample(offer)}` };
}

/** What a violation shows as its limit: the words allowed, else those denied. */
function shownLimit({ allowed, denied }: WordLimit): Json {
  return allowed ?? { not: denied ?? [] };
}

function wordCheck(limit: WordLimit, finder: OfferFinder): Check {
  const path = specPath(limit.spec);
  const judge = (observed: string, resource: Resource, question: Question): CheckResult => {
    const message = problemOf(limit, observed);
    if (message === undefined) return 'passed';
    const offer = finder.example(resource, question.offers(resource.region));
    return failed({ path, observed, limit: shownLimit(limit), message, fix: fixOf(limit, resource, offer) }, limit.action);
  };
  return specCheck(limit.spec, judge);
}

/** `allowedTypes` and `deniedTypes` read the volume type of a volume, and the instance type of anything else. */
function typeCheck(allowed: WordLimit['allowed'], denied: WordLimit['denied'], finder: OfferFinder): Check {
  const shared = { allowed, denied, plural: 'types', action: 'notify' } as const;
  const ofVolume = wordCheck({ ...shared, spec: 'volumeType', noun: 'Volume type', known: VOLUME_TYPES }, finder);
  const ofInstance = wordCheck({ ...shared, spec: 'instanceType', noun: 'Instance type', known: [] }, finder);
  return (resource, question) => (resource.type === 'storage/volume' ? ofVolume : ofInstance)(resource, question);
}

export function wordChecks(constraint: LimitConstraint, finder: OfferFinder): readonly Check[] {
  const { allowedInstanceFamilies, deniedInstanceFamilies, allowedTypes, deniedTypes } = constraint;
  const checks: Check[] = [];
  if (allowedInstanceFamilies !== undefined || deniedInstanceFamilies !== undefined) {
    const lists = { allowed: allowedInstanceFamilies, denied: deniedInstanceFamilies };
    const words = { noun: 'Instance family', plural: 'families', known: INSTANCE_FAMILIES };
    checks.push(wordCheck({ spec: 'instanceFamily', ...lists, ...words, action: 'resize' }, finder));
  }
  if (allowedTypes !== undefined || deniedTypes !== undefined) checks.push(typeCheck(allowedTypes, deniedTypes, finder));
  return checks;
}
