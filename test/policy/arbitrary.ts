/** Random policies and requests for property tests: small alphabets, so that they meet often, with something strange now and then. */
import fc from 'fast-check';
import { type CompiledPolicies, compilePolicies } from '../../src/policy/compile.js';
import {
  type Cost,
  type LimitConstraint,
  type Policy,
  type PolicyOf,
  type RequiredTag,
  type Resource,
  type ResourceLimitRule,
  type RuleBase,
  type TagRequirementRule,
  UNKNOWN_REASONS,
} from '../../src/policy/model.js';
import type { Offer } from '../../src/policy/rules/check.js';
import { INSTANCE_FAMILIES, RESOURCE_TYPES, VOLUME_TYPES } from '../../src/policy/specs.js';

const TYPES = ['compute/instance', 'compute/instance', 'storage/volume', 'database/instance', 'aws/thing'] as const;
const NAMESPACES = ['production', 'staging'] as const;
export const TAG_KEYS = ['owner', 'environment', 'project', 'app', 'app.kubernetes.io/name', 'constructor', '__proto__'] as const;
const TAG_VALUES = ['production', 'staging', 'web', 'CC-000001', 'dana@company.com', '', 'x'.repeat(60)] as const;
const INSTANCE_TYPES = ['m5.large', 'm5.4xlarge', 'm5.24xlarge', 'c5.18xlarge', 'm6g.8xlarge', 'x1.32xlarge'] as const;

export const OFFERS: readonly Offer[] = [
  { instanceType: 'm5.large', instanceFamily: 'general-purpose', vcpus: 2, memoryGb: 8, arch: 'x86_64', hourly: '0.096' },
  { instanceType: 'm5.4xlarge', instanceFamily: 'general-purpose', vcpus: 16, memoryGb: 64, arch: 'x86_64', hourly: '0.768' },
  { instanceType: 'm5a.4xlarge', instanceFamily: 'general-purpose', vcpus: 16, memoryGb: 64, arch: 'x86_64', hourly: '0.688' },
  { instanceType: 'm5.24xlarge', instanceFamily: 'general-purpose', vcpus: 96, memoryGb: 384, arch: 'x86_64', hourly: '4.608' },
  { instanceType: 'm6g.2xlarge', instanceFamily: 'general-purpose', vcpus: 8, memoryGb: 32, arch: 'arm64', hourly: '0.308' },
  { instanceType: 'm6g.8xlarge', instanceFamily: 'general-purpose', vcpus: 32, memoryGb: 128, arch: 'arm64', hourly: '1.232' },
  { instanceType: 'c5.2xlarge', instanceFamily: 'compute-optimized', vcpus: 8, memoryGb: 16, arch: 'x86_64', hourly: '0.34' },
  { instanceType: 'c5.18xlarge', instanceFamily: 'compute-optimized', vcpus: 72, memoryGb: 144, arch: 'x86_64', hourly: '3.06' },
  { instanceType: 't3.micro', instanceFamily: 'burstable', vcpus: 2, memoryGb: 1, arch: 'x86_64', hourly: '0.0104' },
  { instanceType: 'p4d.24xlarge', instanceFamily: 'gpu', vcpus: 96, memoryGb: 1152, arch: 'x86_64', hourly: null },
];

function orAbsent<T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(members, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const size = fc.oneof(fc.constantFrom(1, 2, 8, 16, 16.5, 32, 64, 96, 100, 500), fc.nat({ max: 200 }));
const money = fc.constantFrom('0', '10', '70.08', '500.00', '1000.5');

/** Two lists without a common word, each given or not; an allow list is never empty, as in a parsed policy. */
function lists(words: readonly string[]): fc.Arbitrary<{ readonly allowed?: readonly string[]; readonly denied?: readonly string[] }> {
  return fc.tuple(fc.shuffledSubarray([...words]), fc.nat({ max: 6 })).map(([some, cut]) => {
    const allowed = some.slice(0, cut);
    const denied = some.slice(cut);
    return { ...(allowed.length === 0 ? {} : { allowed }), ...(denied.length === 0 ? {} : { denied }) };
  });
}

function renamed(lists: { readonly allowed?: readonly string[]; readonly denied?: readonly string[] }, what: 'InstanceFamilies' | 'Types') {
  return Object.fromEntries(Object.entries(lists).map(([list, words]) => [`${list}${what}`, words]));
}

const numbers = orAbsent<LimitConstraint>({
  maxVCPUs: size,
  maxMemoryGB: size,
  maxSizeGB: size,
  maxStorageGB: size,
  maxIops: size,
  maxBandwidthMbps: size,
  maxMonthlyCost: money,
});

const constraint: fc.Arbitrary<LimitConstraint> = fc
  .tuple(numbers, fc.option(lists(INSTANCE_FAMILIES), { nil: {} }), fc.option(lists([...VOLUME_TYPES, ...INSTANCE_TYPES]), { nil: {} }))
  .map(([limits, families, types]) => ({ ...limits, ...renamed(families, 'InstanceFamilies'), ...renamed(types, 'Types') }));

const pattern = fc.constantFrom('^CC-[0-9]{6}$', '^[a-z]+@company\\.com$', 'web', '^(production|staging)$', '(?i)^x+$', '^.{3,}$');

const requiredTag: fc.Arbitrary<RequiredTag> = fc
  .record(
    {
      key: fc.constantFrom<string>(...TAG_KEYS),
      pattern,
      allowedValues: fc.subarray<string>([...TAG_VALUES], { minLength: 1 }),
      minLength: fc.nat({ max: 10 }),
      maxLength: fc.integer({ min: 10, max: 60 }),
      description: fc.constant('who pays'),
    },
    { requiredKeys: ['key'] },
  )
  .map((tag) => tag as RequiredTag);

export const base = orAbsent<Omit<RuleBase, 'name'>>({
  severity: orAbsent({ deploy: fc.constantFrom('critical' as const, 'high' as const) }),
  enforcement: orAbsent({ deploy: fc.constantFrom('deny' as const, 'warn' as const, 'audit' as const) }),
  onUnknown: fc.constantFrom('deny' as const, 'warn' as const, 'ignore' as const),
  resource: fc.subarray(['compute/*', 'storage/volume', '*'], { minLength: 1 }),
  selector: fc.record({ tags: fc.dictionary(fc.constantFrom('project', 'app'), fc.constantFrom('web', ''), { maxKeys: 1 }) }),
});

/** Rules of one policy, with names of their own. */
function rulesOf<R extends RuleBase>(own: fc.Arbitrary<Omit<R, keyof RuleBase>>, common: fc.Arbitrary<Omit<RuleBase, 'name'>>) {
  return fc
    .array(fc.tuple(common, own), { minLength: 1, maxLength: 3 })
    .map((rules) => rules.map(([shared, body], index) => ({ name: `rule-${index}`, ...shared, ...body }) as unknown as R));
}

interface Options {
  /** What rules have in common. @default anything */
  readonly common?: fc.Arbitrary<Omit<RuleBase, 'name'>>;
  /** @default any or none */
  readonly namespace?: fc.Arbitrary<string | undefined>;
}

const anyNamespace = fc.option(fc.constantFrom<string>(...NAMESPACES), { nil: undefined });

export function limitPolicy({ common = base, namespace = anyNamespace }: Options = {}): fc.Arbitrary<PolicyOf<'ResourceLimit'>> {
  return fc
    .tuple(namespace, rulesOf<ResourceLimitRule>(fc.record({ constraint }), common))
    .map(([own, rules]) => ({ name: 'limits', ...(own === undefined ? {} : { namespace: own }), type: 'ResourceLimit', rules }));
}

export function tagPolicy({ common = base, namespace = anyNamespace }: Options = {}): fc.Arbitrary<PolicyOf<'TagRequirement'>> {
  const tags = fc.uniqueArray(requiredTag, { selector: ({ key }) => key, minLength: 1, maxLength: 4 });
  return fc
    .tuple(namespace, rulesOf<TagRequirementRule>(fc.record({ requiredTags: tags }), common))
    .map(([own, rules]) => ({ name: 'tags', ...(own === undefined ? {} : { namespace: own }), type: 'TagRequirement', rules }));
}

/** Some policies of both types, each with a name of its own. */
export const policies: fc.Arbitrary<readonly Policy[]> = fc
  .array(fc.oneof(limitPolicy(), tagPolicy()), { minLength: 1, maxLength: 5 })
  .map((list) => list.map((policy, index): Policy => ({ ...policy, name: `${policy.name}-${index}` })));

export function compileAll(list: readonly Policy[]): CompiledPolicies {
  return compilePolicies(list.map((policy) => ({ version: '1.0.0', policy })));
}

const cost: fc.Arbitrary<Cost> = fc.oneof(
  fc.constant<Cost>({ hourly: null, monthly: null, source: 'none' }),
  money.map((monthly): Cost => ({ hourly: '0.10', monthly, source: 'request' })),
  money.map((low): Cost => ({ hourly: null, monthly: low, source: 'price-list', range: { low, high: '5000' } })),
  money.map((low): Cost => ({ hourly: null, monthly: low, source: 'price-list', range: { low, high: null }, unpriced: ['storage'] })),
);

const tags = fc
  .array(
    fc.tuple(fc.oneof(fc.constantFrom<string>(...TAG_KEYS), fc.string()), fc.oneof(fc.constantFrom<string>(...TAG_VALUES), fc.string())),
    {
      maxLength: 6,
    },
  )
  // Each key an own property, `__proto__` too: as JSON.parse makes it.
  .map((entries) => Object.fromEntries(entries));

export const UNKNOWN_PATHS = [
  'tags',
  'tags.owner',
  'tags.app',
  'tags.environment',
  'specs',
  'specs.vcpus',
  'specs.instance_type',
  'cost.monthly',
  'namespace',
];

export const resource: fc.Arbitrary<Resource> = fc.record({
  id: fc.option(fc.string()),
  type: fc.oneof({ weight: 8, arbitrary: fc.constantFrom<string>(...TYPES) }, fc.constantFrom<string>(...RESOURCE_TYPES), fc.string()),
  name: fc.option(fc.string()),
  provider: fc.option(fc.string()),
  account: fc.option(fc.constantFrom('111122223333', 'other')),
  region: fc.option(fc.constantFrom('us-east-1', 'eu-west-1')),
  state: fc.option(fc.constantFrom('running', 'stopped')),
  createdAt: fc.constant(null),
  namespace: fc.option(fc.constantFrom<string>(...NAMESPACES, '')),
  tags,
  specs: orAbsent<Resource['specs']>({
    vcpus: size,
    memoryGb: size,
    instanceFamily: fc.constantFrom(...INSTANCE_FAMILIES, 'strange'),
    instanceType: fc.constantFrom<string>(...INSTANCE_TYPES, 'strange'),
    sizeGb: size,
    volumeType: fc.constantFrom(...VOLUME_TYPES, 'strange'),
    storageGb: size,
    iops: size,
    bandwidthMbps: size,
  }),
  cost,
  metrics: fc.option(
    fc.record({
      avgCpuPercent: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
      avgNetworkBytesPerDay: fc.option(fc.nat()),
      days: fc.nat({ max: 30 }),
    }),
  ),
  attachedTo: fc.option(fc.string()),
  detachedAt: fc.option(fc.nat()),
  managedBy: fc.constant(null),
  address: fc.option(fc.string()),
  unknownPaths: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray(UNKNOWN_PATHS, { maxLength: 2 })),
  unknownReason: fc.constantFrom(...UNKNOWN_REASONS),
  taggable: fc.boolean(),
});

/** Any attempt to change it throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
