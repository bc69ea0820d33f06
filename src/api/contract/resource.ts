import { z } from 'zod';
import { withGiven } from '../../policy/issue.js';
import { type Cost, type Resource, type Specs, UNKNOWN_REASONS } from '../../policy/model.js';
import type { InventoryRecord } from '../../policy/records.js';
import { typeProblem } from '../../policy/resource-type.js';
import { SPEC_WIRE } from '../../policy/specs.js';
import type { Concerns } from '../../store/resource-concerns.js';
import { expecting } from '../input.js';
import { decimal, instant, instantInput, json, tags, text, toWireInstant, wireObject } from './values.js';

const number = expecting('a number of 0 or more', z.number().nonnegative()).nullish();
const word = text(200).nullish();

/** 0 is what a workload without replicas asks for; nobody else means it. */
const size = expecting('a positive number', z.number().nonnegative()).nullish();

const specsInput = wireObject({
  vcpus: size,
  memory_gb: size,
  instance_family: word,
  instance_type: word,
  size_gb: number,
  volume_type: word,
  storage_gb: number,
  iops: number,
  bandwidth_mbps: number,
  purchase_option: word,
  term_months: number,
});

const currencyWord = expecting('a currency such as `USD`', z.string().regex(/^[A-Z]{3}$/));
const unknown = expecting('a list of paths such as `specs.vcpus`', z.array(text(300)).max(1_000));

/** A word of ours that is mistyped would match no policy, and pass. */
const resourceType = expecting(
  'a resource type such as compute/instance or aws/sagemaker-endpoint',
  z
    .string()
    .min(1)
    .max(200)
    .check(({ value, issues }) => {
      const problem = typeProblem(value);
      if (problem !== undefined) issues.push({ code: 'custom', input: value, message: withGiven(problem, value) });
    }),
);

/** A resource as a deploy tool describes it (SPEC §1). What is not given, or null, is unknown. */
export const resourceInputKeys = {
  type: resourceType,
  id: text(2_048).nullish(),
  name: text(256).nullish(),
  address: text(2_048).nullish(),
  provider: text(64).nullish(),
  account: text(128).nullish(),
  region: text(64).nullish(),
  namespace: text(256).nullish(),
  state: text(64).nullish(),
  created_at: instantInput.nullish(),
  tags: tags.default({}),
  specs: specsInput.default({}),
  cost: wireObject({
    hourly: decimal.nullish(),
    monthly: decimal.nullish().meta({ description: 'The likely amount' }),
    low: decimal.nullish().meta({ description: 'Lower bound of the month, where it differs from `monthly`' }),
    high: decimal.nullish().meta({ description: 'Upper bound of the month; null with a `low` leaves it open' }),
    unpriced: z.array(text(200)).max(100).optional().meta({ description: 'Parts without a price; they leave the upper bound open' }),
    currency: currencyWord.nullish().meta({ description: 'The installation’s own; amounts are never converted' }),
  }).nullish(),
  metrics: wireObject({
    avg_cpu_percent: expecting('a number from 0 to 100', z.number().min(0).max(100)).nullish(),
    avg_network_bytes_per_day: number,
    days: expecting('a whole number of days', z.int().min(0).max(3_650)),
  }).nullish(),
  attached_to: text(2_048).nullish(),
  detached_at: instantInput.nullish(),
  unknown: unknown
    .optional()
    .meta({ description: 'Paths of what is known only after apply: `specs.vcpus`, `tags.owner`, `tags` for all of them' }),
  unknown_reason: z
    .enum(UNKNOWN_REASONS)
    .optional()
    .meta({ description: 'Why the paths of `unknown` are: `not given` where a document does not tell. Default `known after apply`' }),
  taggable: z.boolean().optional().meta({ description: 'False for a kind that cannot carry tags: no required tag is missing there' }),
  quantity: expecting('a whole number of 0 or more', z.int().min(0).max(1_000_000)).nullish().meta({
    description: 'How many alike: specs are those of one, the cost is that of all',
  }),
  previous_monthly: decimal.nullish().meta({ description: 'Of a change: what it costs a month before it. A budget holds the difference' }),
  managed_by: wireObject({ tool: text(64), address: text(2_048).nullish(), repository: text(2_048).nullish() }).nullish(),
};
export const resourceInput = wireObject(resourceInputKeys);
export type ResourceInput = z.output<typeof resourceInput>;

/** Values that a plan gives once for all its resources. */
export interface Target {
  readonly provider: string | null;
  readonly account: string | null;
  readonly region: string | null;
  readonly namespace: string | null;
}

/** `cost` is the caller's own estimate where it gives one; the price list is asked later. */
export function toResource(input: ResourceInput, target: Target): Resource {
  return {
    id: input.id ?? null,
    type: input.type,
    name: input.name ?? null,
    provider: input.provider ?? target.provider,
    account: input.account ?? target.account,
    region: input.region ?? target.region,
    state: input.state ?? null,
    createdAt: input.created_at ?? null,
    namespace: input.namespace ?? target.namespace,
    tags: input.tags,
    specs: toSpecs(input.specs),
    cost: toCost(input.cost),
    metrics: toMetrics(input.metrics),
    attachedTo: input.attached_to ?? null,
    detachedAt: input.detached_at ?? null,
    managedBy: toManagedBy(input.managed_by),
    address: input.address ?? null,
    ...(input.unknown === undefined ? {} : { unknownPaths: input.unknown }),
    ...(input.unknown_reason === undefined ? {} : { unknownReason: input.unknown_reason }),
    ...(input.taggable === undefined ? {} : { taggable: input.taggable }),
    ...(input.quantity === undefined || input.quantity === null ? {} : { quantity: input.quantity }),
    ...(input.previous_monthly === undefined ? {} : { previousMonthly: input.previous_monthly }),
  };
}

const SPEC_NAMES = Object.entries(SPEC_WIRE);

function toSpecs(specs: ResourceInput['specs']): Specs {
  const given: Record<string, string | number> = {};
  for (const [name, wireName] of SPEC_NAMES) {
    const value = specs[wireName as keyof typeof specs];
    if (value !== undefined && value !== null) given[name] = value;
  }
  return given;
}

function toCost(cost: ResourceInput['cost']): Cost {
  const hourly = cost?.hourly ?? null;
  const monthly = cost?.monthly ?? null;
  const unpriced = cost?.unpriced ?? [];
  const hasBounds = (cost?.low ?? null) !== null || (cost?.high ?? null) !== null;
  // Parts that are named beside no amount at all say what is unknown, and bound nothing.
  const bounded = hasBounds || (unpriced.length > 0 && (hourly ?? monthly) !== null);
  return {
    hourly,
    monthly,
    source: hourly === null && monthly === null && !bounded ? 'none' : 'request',
    ...(bounded ? { range: { low: cost?.low ?? monthly ?? '0', high: unpriced.length > 0 ? null : (cost?.high ?? null) } } : {}),
    ...(unpriced.length > 0 ? { unpriced } : {}),
  };
}

function toMetrics(metrics: ResourceInput['metrics']): Resource['metrics'] {
  if (metrics === null || metrics === undefined) return null;
  return {
    avgCpuPercent: metrics.avg_cpu_percent ?? null,
    avgNetworkBytesPerDay: metrics.avg_network_bytes_per_day ?? null,
    days: metrics.days,
  };
}

function toManagedBy(owner: ResourceInput['managed_by']): Resource['managedBy'] {
  return owner === null || owner === undefined
    ? null
    : { tool: owner.tool, address: owner.address ?? null, repository: owner.repository ?? null };
}

const nullableText = z.string().nullable();

export const resourceSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    name: nullableText,
    provider: z.string(),
    account: z.string(),
    region: nullableText,
    namespace: nullableText,
    state: nullableText,
    created_at: instant.nullable(),
    tags: z.record(z.string(), z.string()),
    specs: z
      .record(z.string(), json)
      .meta({ description: '`vcpus`, `memory_gb`, `instance_family`, `size_gb` …: what the provider tells' }),
    cost: z.object({
      hourly: nullableText,
      monthly: nullableText,
      currency: z.string(),
      source: z.enum(['bill', 'price-list', 'request', 'none']),
    }),
    metrics: z
      .object({ avg_cpu_percent: z.number().nullable(), avg_network_bytes_per_day: z.number().nullable(), days: z.number() })
      .nullable(),
    attached_to: nullableText,
    detached_at: instant.nullable(),
    managed_by: z.object({ tool: z.string(), address: nullableText, repository: nullableText }).nullable(),
    team: z.string(),
    owner: nullableText,
    first_seen_at: instant,
    last_seen_at: instant,
    gone_at: instant.nullable(),
  })
  .meta({ id: 'Resource' });
type WireResource = z.infer<typeof resourceSchema>;

export const inventoryItem = resourceSchema
  .extend({
    open_violations: z.int(),
    open_violation_ids: z.array(z.string()),
    exception_ids: z.array(z.string()).meta({ description: 'Exceptions in force that are for it, whatever their rules' }),
  })
  .meta({ id: 'InventoryItem' });

export function toWireItem(
  record: InventoryRecord,
  { openViolationIds, exceptions }: Concerns,
  currency: string,
): z.infer<typeof inventoryItem> {
  return {
    ...toWireResource(record, currency),
    open_violations: openViolationIds.length,
    open_violation_ids: [...openViolationIds],
    exception_ids: exceptions.filter(({ status }) => status === 'approved').map(({ id }) => id),
  };
}

export function toWireResource(record: InventoryRecord, currency: string): WireResource {
  const { resource } = record;
  return {
    id: resource.id ?? '',
    type: resource.type,
    name: resource.name,
    provider: resource.provider ?? '',
    account: resource.account ?? '',
    region: resource.region,
    namespace: resource.namespace,
    state: resource.state,
    created_at: toWireInstant(resource.createdAt),
    tags: { ...resource.tags },
    specs: toWireSpecs(resource.specs),
    cost: { ...resource.cost, currency },
    metrics: resource.metrics && {
      avg_cpu_percent: resource.metrics.avgCpuPercent,
      avg_network_bytes_per_day: resource.metrics.avgNetworkBytesPerDay,
      days: resource.metrics.days,
    },
    attached_to: resource.attachedTo,
    detached_at: toWireInstant(resource.detachedAt),
    managed_by: resource.managedBy,
    team: record.team,
    owner: record.owner,
    first_seen_at: toWireInstant(record.firstSeenAt),
    last_seen_at: toWireInstant(record.lastSeenAt),
    gone_at: toWireInstant(record.goneAt),
  };
}

function toWireSpecs(specs: Specs): Record<string, string | number> {
  const wire: Record<string, string | number> = {};
  for (const [name, wireName] of Object.entries(SPEC_WIRE)) {
    const value = specs[name as keyof Specs];
    if (value !== undefined) wire[wireName] = value;
  }
  return wire;
}
