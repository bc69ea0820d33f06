/** The allow and deny lists of `ResourceLimit`: instance families and types. Denied comes first; a word breaks one list only. */
import type { Action, Json, LimitConstraint, Resource } from '../model.js';
import type { OfferFinder } from '../offer.js';
import { remember } from '../remember.js';
import { INSTANCE_FAMILIES, VOLUME_TYPES } from '../specs.js';
import type { Fix } from '../verdict.js';
import { type Check, type Offer, quoteList } from './check.js';
import { createFixes, failed, MAX_KEPT, specCheck, specPath } from './spec-check.js';

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

/** What is wrong with a word, or undefined. */
function createProblems({ noun, plural, allowed, denied }: WordLimit): (observed: string) => string | undefined {
  const isDenied = new Set(denied);
  const isAllowed = allowed === undefined ? undefined : new Set(allowed);
  const denial = remember(MAX_KEPT, (observed: string) => `${noun} '${observed}' is not allowed`);
  const refusal = remember(
    MAX_KEPT,
    (observed: string) => `${noun} '${observed}' is not in allowed ${plural}: ${quoteList(allowed ?? [])}`,
  );
  return (observed) => {
    if (isDenied.has(observed)) return denial(observed);
    return isAllowed === undefined || isAllowed.has(observed) ? undefined : refusal(observed);
  };
}

/** The word that `offer` has for the spec, so that the example and the value to set agree. */
function wordOf(offer: Offer | undefined, spec: WordSpec): string | undefined {
  if (spec === 'volumeType') return undefined;
  return offer?.[spec];
}

/** How to set the word right; null where no word is known that would pass. */
function createFix(limit: WordLimit): (resource: Resource, offer: Offer | undefined) => Fix | null {
  const permitted = (limit.allowed ?? limit.known).filter((word) => !limit.denied?.includes(word));
  const [first = null] = permitted;
  const words = limit.allowed === undefined ? `other than ${(limit.denied ?? []).join(', ')}` : permitted.join(' or ');
  const fixOf = createFixes({
    path: specPath(limit.spec),
    value: (offer) => wordOf(offer, limit.spec) ?? first,
    words: `use ${limit.noun.toLowerCase()} ${words}`,
  });
  return (resource, offer) => (offer === undefined && first === null ? null : fixOf(resource, offer));
}

/** What a violation shows as its limit: the words allowed, else those denied. */
function shownLimit({ allowed, denied }: WordLimit): Json {
  return Object.freeze(allowed === undefined ? { not: Object.freeze([...(denied ?? [])]) } : [...allowed]);
}

function wordCheck(limit: WordLimit, finder: OfferFinder): Check {
  const path = specPath(limit.spec);
  const shown = shownLimit(limit);
  const problemOf = createProblems(limit);
  const fixOf = createFix(limit);
  return specCheck(limit.spec, (observed, resource, question) => {
    const message = problemOf(observed);
    if (message === undefined) return 'passed';
    const offer = finder.example(resource, question.offers(resource.region));
    return failed({ path, observed, limit: shown, message, fix: fixOf(resource, offer) }, limit.action);
  });
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
