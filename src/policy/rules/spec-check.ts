/** Checks over one spec of a resource, three-valued. */
import { isUnknownPath } from '../match.js';
import type { Action, FailedCheck, Json, Resource, Specs } from '../model.js';
import { canHaveSpec, SPEC_WIRE, type SpecKey } from '../specs.js';
import { type Check, type CheckResult, type Failed, KNOWN_AFTER_APPLY, NOT_GIVEN, type Offer, type Question, unknown } from './check.js';

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
  const notGiven = unknown(path, NOT_GIVEN);
  const afterApply = unknown(path, KNOWN_AFTER_APPLY);
  return (resource, question) => {
    if (!canHaveSpec(resource.type, spec)) return 'not-applicable';
    if (isUnknownPath(resource, path)) return afterApply;
    const value = resource.specs[spec];
    return value === undefined || value === null ? notGiven : judge(value, resource, question);
  };
}

export function failed(check: FailedCheck, action: Action): Failed {
  return { kind: 'failed', check, action };
}

/** `, for example m7i.4xlarge` */
export function forExample(offer: Offer | undefined): string {
  return offer === undefined ? '' : `, for example ${offer.instanceType}`;
}

/** Setting one spec of an instance whose type is named means naming another type. */
export function setWithType(resource: Resource, path: string, value: Json, offer: Offer | undefined): { readonly [path: string]: Json } {
  const renames = offer !== undefined && resource.specs.instanceType !== undefined;
  return renames ? { [path]: value, 'specs.instance_type': offer.instanceType } : { [path]: value };
}
