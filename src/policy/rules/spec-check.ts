/** Checks over one spec of a resource, three-valued. */
import { isUnknownPath } from '../match.js';
import type { Action, Json, Resource, Specs } from '../model.js';
import { remember } from '../remember.js';
import { kindsWithout, SPEC_WIRE, type SpecKey } from '../specs.js';
import type { FailedCheck, Fix } from '../verdict.js';
import { type Check, type CheckResult, createNotKnown, type Failed, fixTo, type Offer, type Question } from './check.js';

/** Its path on the wire: `specs.memory_gb`. */
export function specPath(spec: SpecKey): string {
  return `specs.${SPEC_WIRE[spec]}`;
}

/** Judges the value of a spec where there is one: a type that never has it is not concerned, one that does not say it is unknown. */
export function specCheck<K extends SpecKey>(
  spec: K,
  judge: (value: NonNullable<Specs[K]>, resource: Resource, question: Question) => CheckResult,
): Check {
  const path = specPath(spec);
  const notConcerned = kindsWithout(spec);
  const notKnown = createNotKnown(path);
  return (resource, question) => {
    if (notConcerned.has(resource.type)) return 'not-applicable';
    if (isUnknownPath(resource, path)) return notKnown(resource);
    const value = resource.specs[spec];
    return value === undefined || value === null ? notKnown(resource) : judge(value, resource, question);
  };
}

export function failed(check: FailedCheck, action: Action): Failed {
  return { kind: 'failed', check, action };
}

/** Messages and fixes are made once for as many observed values or offers, so that a denial costs little more than a pass. */
export const MAX_KEPT = 100;

/** How to set one spec, given the size that would be an example of it. */
interface SpecFix {
  readonly path: string;
  readonly value: (offer: Offer | undefined) => Json;
  /** `use at most 16 vCPUs`; the example is added. */
  readonly words: string;
}

/** Fixes by offer. Setting a spec of an instance whose type is named means naming another type too. */
export function createFixes({ path, value, words }: SpecFix): (resource: Resource, offer: Offer | undefined) => Fix {
  const make = (offer: Offer | undefined, renamed: Fix['set']): Fix => {
    const text = offer === undefined ? words : `${words}, for example ${offer.instanceType}`;
    return fixTo({ [path]: value(offer), ...renamed }, text);
  };
  const plain = remember(MAX_KEPT, (offer: Offer | undefined) => make(offer, {}));
  const renaming = remember(MAX_KEPT, (offer: Offer) => make(offer, { 'specs.instance_type': offer.instanceType }));
  return (resource, offer) => (offer === undefined || resource.specs.instanceType === undefined ? plain(offer) : renaming(offer));
}
