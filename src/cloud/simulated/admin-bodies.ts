import { z } from 'zod';
import type { Specs } from '../../policy/model.js';
import { FAULT_KINDS } from './gate.js';

// Bodies of the simulated cloud's admin operations, as they come over HTTP.

const milliseconds = z.int().min(0).max(60_000);
const count = z.int().min(1).max(1_000_000);
const perSecond = z.number().gt(0).max(1_000_000);
const size = z.number().min(0.001).max(1_000_000_000);

export const faultBody = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  /** `shards`, `list`, `find`, `metrics`, or the kind of a command; absent matches all, as do the following. */
  api: z.string().min(1).optional(),
  account: z.string().min(1).optional(),
  region: z.string().min(1).optional(),
  type: z.string().min(1).optional(),
  resource_id: z.string().min(1).optional(),
  message: z.string().min(1).max(500).optional(),
  latency_ms: milliseconds.default(0),
  /** How many calls it hits; absent: every one, until it is cleared. */
  times: count.optional(),
  probability: z.number().gt(0).max(1).default(1),
});
export type FaultBody = z.infer<typeof faultBody>;

export const settingsBody = z.strictObject({
  latency_ms: milliseconds.optional(),
  reads_burst: count.optional(),
  reads_per_second: perSecond.optional(),
  writes_burst: count.optional(),
  writes_per_second: perSecond.optional(),
});
export type SettingsBody = z.infer<typeof settingsBody>;

const specsBody = z.strictObject({
  vcpus: size.optional(),
  memory_gb: size.optional(),
  instance_family: z.string().optional(),
  /** Of a known type the other specs and the price follow. */
  instance_type: z.string().optional(),
  size_gb: size.optional(),
  volume_type: z.string().optional(),
  storage_gb: size.optional(),
  iops: z.number().min(0).max(1_000_000_000).optional(),
  bandwidth_mbps: z.number().min(0).max(1_000_000_000).optional(),
});
export type SpecsBody = z.infer<typeof specsBody>;

const metricsBody = z.strictObject({
  avg_cpu_percent: z.number().min(0).max(100).nullable(),
  avg_network_bytes_per_day: z.number().min(0).nullable(),
  days: z.int().min(0).max(400),
});
export type MetricsBody = z.infer<typeof metricsBody>;

const hourlyCost = z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'a decimal number as text, such as `0.096`');
const instant = z.iso.datetime({ offset: true });

const changeable = {
  name: z.string().max(255).nullable().optional(),
  state: z.string().min(1).max(40).optional(),
  /** Merged with those it has; null takes one away. */
  tags: z.record(z.string().min(1).max(128), z.string().max(256).nullable()).optional(),
  specs: specsBody.optional(),
  metrics: metricsBody.nullable().optional(),
  hourly_cost: hourlyCost.nullable().optional(),
  attached_to: z.string().nullable().optional(),
  detached_at: instant.nullable().optional(),
  managed_by: z.strictObject({ tool: z.string(), address: z.string().nullable(), repository: z.string().nullable() }).nullable().optional(),
};

export const changeBody = z.strictObject(changeable);
export type ChangeBody = z.infer<typeof changeBody>;

export const createBody = z.strictObject({
  account: z.string().min(1).max(255),
  region: z.string().min(1).max(64).default('us-east-1'),
  type: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'family/kind, such as `compute/instance`'),
  id: z.string().min(1).max(512),
  namespace: z.string().optional(),
  created_at: instant.optional(),
  ...changeable,
});
export type CreateBody = z.infer<typeof createBody>;

const SPEC_NAMES = {
  vcpus: 'vcpus',
  memory_gb: 'memoryGb',
  instance_family: 'instanceFamily',
  instance_type: 'instanceType',
  size_gb: 'sizeGb',
  volume_type: 'volumeType',
  storage_gb: 'storageGb',
  iops: 'iops',
  bandwidth_mbps: 'bandwidthMbps',
} as const satisfies { readonly [K in keyof Required<SpecsBody>]: keyof Specs };

export function toSpecs(body: SpecsBody): Specs {
  const entries = Object.entries(SPEC_NAMES).map(([wire, name]) => [name, body[wire as keyof SpecsBody]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
