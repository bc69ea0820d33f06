/** The numeric limits of `ResourceLimit`. A value equal to its limit passes. */
import { boundsOf, compareWithLimit, whyOpen } from '../cost-range.js';
import { isUnknownPath } from '../match.js';
import type { Action, Decimal, LimitConstraint } from '../model.js';
import { moneyWords, moneyWordsOf } from '../money.js';
import type { OfferFinder } from '../offer.js';
import { remember } from '../remember.js';
import { kindOf } from '../specs.js';
import { type Check, createNotKnown, fixTo, NOT_GIVEN, type Point, unknown } from './check.js';
import { createFixes, failed, MAX_KEPT, specCheck, specPath } from './spec-check.js';

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
  const messageOf = (point: Point, type: string, observed: number): string =>
    exceeds(point, type, `${observed}${unit}${measures}`, `${limit}${unit}`);
  const messageAtDeploy = remember(MAX_KEPT, (observed: number) => messageOf('deploy', '', observed));
  const fixOf = createFixes({ path, value: () => limit, words: `use at most ${limit}${unit}${measures}` });
  return specCheck(spec, (observed, resource, { point, offers }) => {
    if (observed <= limit) return 'passed';
    const offer = action === 'resize' ? finder.example(resource, offers(resource.region)) : undefined;
    const message = point === 'deploy' ? messageAtDeploy(observed) : messageOf(point, resource.type, observed);
    return failed({ path, observed, limit, message, fix: fixOf(resource, offer) }, action);
  });
}

/** Monthly estimate against `limit`; every type has a cost. What is above at its low end is, what is above at its high end only may be. */
function costCheck(limit: Decimal): Check {
  const path = 'cost.monthly';
  const notKnown = createNotKnown(path);
  const fix = fixTo({ [path]: limit }, `choose what costs at most ${moneyWords(limit)} a month`);
  return (resource, question) => {
    const { cost, type } = resource;
    const bounds = isUnknownPath(resource, path) ? null : boundsOf(cost);
    if (bounds === null) return notKnown(resource);
    const { low, high } = bounds;
    switch (compareWithLimit(bounds, limit)) {
      case 'within':
        return 'passed';
      case 'unknown':
        return unknown(path, whyOpen(cost) ?? NOT_GIVEN);
      case 'above': {
        const [amount, most] = moneyWordsOf(low, limit);
        const message = exceeds(question.point, type, `a monthly cost of ${low === high ? '' : 'at least '}${amount}`, most);
        return failed({ path, observed: low, limit, message, fix }, 'notify');
      }
      default: {
        const [amount, most] = moneyWordsOf(high as Decimal, limit);
        // A scan finds nothing on what may be; at deploy it is worth a warning.
        if (question.point === 'scan') return unknown(path, `between the limit and ${amount}`);
        const message = `Requested a monthly cost of up to ${amount} may exceed limit of ${most}`;
        return { ...failed({ path, observed: high, limit, message, fix }, 'notify'), possible: true };
      }
    }
  };
}

export function numericChecks(constraint: LimitConstraint, finder: OfferFinder): readonly Check[] {
  const checks = NUMERIC_LIMITS.flatMap((entry) => {
    const limit = constraint[entry.key];
    return limit === undefined ? [] : [numericCheck(entry, limit, finder)];
  });
  return constraint.maxMonthlyCost === undefined ? checks : [...checks, costCheck(constraint.maxMonthlyCost)];
}
