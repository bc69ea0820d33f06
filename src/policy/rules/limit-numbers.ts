/** The numeric limits of `ResourceLimit`. A value equal to its limit passes. */
import { isUnknownPath } from '../match.js';
import type { Action, LimitConstraint } from '../model.js';
import { compare } from '../money.js';
import type { OfferFinder } from '../offer.js';
import { kindOf } from '../specs.js';
import { type Check, KNOWN_AFTER_APPLY, NOT_GIVEN, type Point, unknown } from './check.js';
import { failed, forExample, setWithType, specCheck, specPath } from './spec-check.js';

interface NumericLimit {
  readonly key: 'maxVCPUs' | 'maxMemoryGB' | 'maxSizeGB' | 'maxStorageGB' | 'maxIops' | 'maxBandwidthMbps';
  readonly spec: 'vcpus' | 'memoryGb' | 'sizeGb' | 'storageGb' | 'iops' | 'bandwidthMbps';
  /** The unit behind the number, and what the number measures: `128`, `GB`, ` memory`. */
  readonly unit: string;
  readonly measures: string;
  readonly action: Action;
}

const NUMERIC_LIMITS: readonly NumericLimit[] = [
  { key: 'maxVCPUs', spec: 'vcpus', unit: '', measures: ' vCPUs', action: 'resize' },
  { key: 'maxMemoryGB', spec: 'memoryGb', unit: 'GB', measures: ' memory', action: 'resize' },
  { key: 'maxSizeGB', spec: 'sizeGb', unit: 'GB', measures: ' size', action: 'notify' },
  { key: 'maxStorageGB', spec: 'storageGb', unit: 'GB', measures: ' storage', action: 'notify' },
  { key: 'maxIops', spec: 'iops', unit: '', measures: ' IOPS', action: 'notify' },
  { key: 'maxBandwidthMbps', spec: 'bandwidthMbps', unit: 'Mbps', measures: ' bandwidth', action: 'notify' },
];

/** Deploy: `Requested 32 vCPUs exceeds limit of 16`; scan: `Instance has 32 vCPUs, exceeds limit of 16`. */
function exceeds(point: Point, type: string, amount: string, limit: string): string {
  return point === 'deploy'
    ? `Requested ${amount} exceeds limit of ${limit}`
    : `${kindOf(type).noun} has ${amount}, exceeds limit of ${limit}`;
}

function numericCheck({ spec, unit, measures, action }: NumericLimit, limit: number, finder: OfferFinder): Check {
  const path = specPath(spec);
  return specCheck(spec, (observed, resource, question) => {
    if (observed <= limit) return 'passed';
    const offer = action === 'resize' ? finder.example(resource, question.offers(resource.region)) : undefined;
    const message = exceeds(question.point, resource.type, `${observed}${unit}${measures}`, `${limit}${unit}`);
    const fix = { set: setWithType(resource, path, limit, offer), text: `use at most ${limit}${unit}${measures}${forExample(offer)}` };
    return failed({ path, observed, limit, message, fix }, action);
  });
}

/** Monthly estimate against `limit`; every type has a cost, and an unknown one is unknown. */
function costCheck(limit: string): Check {
  const path = 'cost.monthly';
  const notGiven = unknown(path, NOT_GIVEN);
  const afterApply = unknown(path, KNOWN_AFTER_APPLY);
  return (resource, question) => {
    if (isUnknownPath(resource, path)) return afterApply;
    const observed = resource.cost.monthly;
    if (observed === null) return notGiven;
    if (compare(observed, limit) <= 0) return 'passed';
    const message = exceeds(question.point, resource.type, `a monthly cost of ${observed}`, limit);
    const fix = { set: { [path]: limit }, text: `choose what costs at most ${limit} a month` };
    return failed({ path, observed, limit, message, fix }, 'notify');
  };
}

export function numericChecks(constraint: LimitConstraint, finder: OfferFinder): readonly Check[] {
  const checks = NUMERIC_LIMITS.flatMap((entry) => {
    const limit = constraint[entry.key];
    return limit === undefined ? [] : [numericCheck(entry, limit, finder)];
  });
  return constraint.maxMonthlyCost === undefined ? checks : [...checks, costCheck(constraint.maxMonthlyCost)];
}
