import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledPolicies } from '../../src/policy/compile.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Json, LimitConstraint, Resource } from '../../src/policy/model.js';
import { compare, monthlyFromHourly } from '../../src/policy/money.js';
import type { Offer } from '../../src/policy/rules/check.js';
import { SPEC_WIRE } from '../../src/policy/specs.js';
import type { DeployFinding } from '../../src/policy/verdict.js';
import { compileAll, limitPolicy, OFFERS, policies, resource } from './arbitrary.js';

const SPEC_OF = new Map(Object.entries(SPEC_WIRE).map(([key, wire]) => [`specs.${wire}`, key]));

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The resource with one wire path set: it is then known. */
function withValue(found: Resource, path: string, value: Json): Resource {
  const unknownPaths = (found.unknownPaths ?? []).filter((unknown) => unknown !== path);
  const known = { ...found, unknownPaths };
  if (path.startsWith('tags.'))
    return { ...known, tags: Object.fromEntries([...Object.entries(found.tags), [path.slice(5), textOf(value)]]) };
  if (path === 'cost.monthly') return { ...known, cost: { hourly: null, monthly: textOf(value), source: 'request' } };
  const spec = SPEC_OF.get(path);
  if (spec === undefined) throw new Error(`a fix sets ${path}`);
  return { ...known, specs: { ...found.specs, [spec]: value } };
}

function fixed(found: Resource, findings: readonly DeployFinding[]): Resource {
  const values = findings.flatMap(({ fix }) => Object.entries(fix?.set ?? {}));
  return values.reduce((changed, [path, value]) => withValue(changed, path, value), found);
}

function findingsOf(compiled: CompiledPolicies, found: Resource, offers: readonly Offer[]): readonly DeployFinding[] {
  const { violations, warnings } = evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [found] }, 0, { offers: () => offers });
  return [...violations, ...warnings];
}

function byRule(findings: readonly DeployFinding[]): readonly (readonly DeployFinding[])[] {
  const rules = new Map<string, DeployFinding[]>();
  for (const finding of findings) {
    const key = `${finding.policyName}/${finding.ruleName}`;
    rules.set(key, [...(rules.get(key) ?? []), finding]);
  }
  return [...rules.values()];
}

const offers = fc.constantFrom(OFFERS, []);

describe('the fixes of a rule', () => {
  it('are enough: with all of them applied, the rule finds nothing', () => {
    fc.assert(
      fc.property(policies, resource, offers, (list, found, market) => {
        const compiled = compileAll(list);
        for (const findings of byRule(findingsOf(compiled, found, market))) {
          // A value that nobody could work out is not invented: such a fix has words only.
          if (findings.some(({ fix }) => Object.keys(fix?.set ?? {}).length === 0)) continue;
          const { policyName, ruleName } = findings[0] as DeployFinding;
          const left = findingsOf(compiled, fixed(found, findings), market);
          expect(left.filter((finding) => finding.policyName === policyName && finding.ruleName === ruleName)).toEqual([]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are all needed: with one left out, the rule still finds what that one would mend', () => {
    fc.assert(
      fc.property(policies, resource, offers, (list, found, market) => {
        const compiled = compileAll(list);
        for (const findings of byRule(findingsOf(compiled, found, market))) {
          for (const left of findings) {
            const others = findings.filter((finding) => finding !== left && !(left.path in (finding.fix?.set ?? {})));
            if (others.length < findings.length - 1) continue;
            const { policyName, ruleName, path } = left;
            const still = findingsOf(compiled, fixed(found, others), market).filter((finding) => finding.policyName === policyName);
            // A tag that is mended may move the resource out of the rule.
            if (policyName.startsWith('limits'))
              expect(still.filter((finding) => finding.ruleName === ruleName)).toContainEqual(expect.objectContaining({ path }));
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('set numbers and costs to the limit itself', () => {
    fc.assert(
      fc.property(limitPolicy(), resource, offers, (policy, found, market) => {
        for (const { path, limit, fix } of findingsOf(compileAll([policy]), found, market)) {
          if (typeof limit === 'number' || path === 'cost.monthly') expect(fix?.set[path]).toBe(limit);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Written anew from the words of the rule, one offer at a time. */
function isAllowed({ instanceType, instanceFamily, vcpus, memoryGb, hourly }: Offer, limits: LimitConstraint): boolean {
  if (limits.maxMonthlyCost !== undefined && (hourly === null || compare(monthlyFromHourly(hourly), limits.maxMonthlyCost) > 0))
    return false;
  if (vcpus > (limits.maxVCPUs ?? vcpus) || memoryGb > (limits.maxMemoryGB ?? memoryGb)) return false;
  if (limits.deniedInstanceFamilies?.includes(instanceFamily) || limits.deniedTypes?.includes(instanceType)) return false;
  return (
    (limits.allowedInstanceFamilies ?? [instanceFamily]).includes(instanceFamily) &&
    (limits.allowedTypes ?? [instanceType]).includes(instanceType)
  );
}

/** Larger is better: series before family before size. */
function merit({ instanceType, instanceFamily, vcpus, memoryGb }: Offer, { specs }: Resource): number {
  const sameSeries = specs.instanceType?.split('.')[0] === instanceType.split('.')[0];
  const sameFamily = specs.instanceFamily === instanceFamily;
  return Number(sameSeries) * 1e9 + Number(sameFamily) * 1e8 + vcpus * 1e4 + memoryGb;
}

/** Rules that apply to everything, and instances with something to shrink. */
const sweeping = limitPolicy({ namespace: fc.constant(undefined), common: fc.constant({}) });
const large = fc.tuple(resource, fc.integer({ min: 8, max: 200 }), fc.integer({ min: 16, max: 800 })).map(
  ([found, vcpus, memoryGb]): Resource => ({
    ...found,
    type: 'compute/instance',
    specs: { ...found.specs, vcpus, memoryGb },
    unknownPaths: [],
  }),
);
const RESIZED = ['specs.vcpus', 'specs.memory_gb', 'specs.instance_family', 'specs.instance_type'];

describe('the size that a fix names', () => {
  it('is the largest that the rule allows of the same series, else family, no larger than what was asked for', () => {
    fc.assert(
      fc.property(sweeping, large, (policy, found) => {
        const arch = OFFERS.find(({ instanceType }) => instanceType === found.specs.instanceType)?.arch ?? 'x86_64';
        const { vcpus = 0, memoryGb = 0 } = found.specs;
        for (const { ruleName, path, fix } of findingsOf(compileAll([policy]), found, OFFERS)) {
          if (!RESIZED.includes(path)) continue;
          const limits = policy.rules.find(({ name }) => name === ruleName)?.constraint ?? {};
          const choice = OFFERS.filter(
            (offer) => offer.arch === arch && offer.vcpus <= vcpus && offer.memoryGb <= memoryGb && isAllowed(offer, limits),
          );
          const best = Math.max(...choice.map((offer) => merit(offer, found)));
          const named = OFFERS.find(({ instanceType }) => fix?.text.endsWith(`, for example ${instanceType}`));
          if (choice.length === 0) expect(named).toBeUndefined();
          else expect(named && choice.includes(named) ? merit(named, found) : undefined).toBe(best);
        }
      }),
      { numRuns: 300 },
    );
  });
});
