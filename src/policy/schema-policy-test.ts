/** The test file beside a policy: resources as they are on the wire, and the verdicts that they should get. */
import { z } from 'zod';
import { contradictionsOf } from './cost-range.js';
import { type Cost, type Resource, UNKNOWN_REASONS } from './model.js';
import type { Expectation } from './policy-test.js';
import type { Offer } from './rules/check.js';
import { amount, list, resourceType, text } from './schema-values.js';

const instant = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-01-15T00:00:00Z' })
  .transform((value) => Date.parse(value));
const count = z.number().nonnegative();

const specs = z
  .strictObject({
    vcpus: count.exactOptional(),
    memory_gb: count.exactOptional(),
    instance_family: text.exactOptional(),
    instance_type: text.exactOptional(),
    size_gb: count.exactOptional(),
    volume_type: text.exactOptional(),
    storage_gb: count.exactOptional(),
    iops: count.exactOptional(),
    bandwidth_mbps: count.exactOptional(),
    purchase_option: text.exactOptional(),
    term_months: count.exactOptional(),
  })
  .transform(
    ({
      memory_gb,
      instance_family,
      instance_type,
      size_gb,
      volume_type,
      storage_gb,
      bandwidth_mbps,
      purchase_option,
      term_months,
      ...same
    }) => ({
      ...same,
      ...(memory_gb === undefined ? {} : { memoryGb: memory_gb }),
      ...(instance_family === undefined ? {} : { instanceFamily: instance_family }),
      ...(instance_type === undefined ? {} : { instanceType: instance_type }),
      ...(size_gb === undefined ? {} : { sizeGb: size_gb }),
      ...(volume_type === undefined ? {} : { volumeType: volume_type }),
      ...(storage_gb === undefined ? {} : { storageGb: storage_gb }),
      ...(bandwidth_mbps === undefined ? {} : { bandwidthMbps: bandwidth_mbps }),
      ...(purchase_option === undefined ? {} : { purchaseOption: purchase_option }),
      ...(term_months === undefined ? {} : { termMonths: term_months }),
    }),
  );

const metrics = z
  .strictObject({ avg_cpu_percent: count.nullable(), avg_network_bytes_per_day: count.nullable(), days: count })
  .transform(({ avg_cpu_percent, avg_network_bytes_per_day, days }) => {
    return { avgCpuPercent: avg_cpu_percent, avgNetworkBytesPerDay: avg_network_bytes_per_day, days };
  });

const cost = z
  .strictObject({
    hourly: amount.exactOptional(),
    monthly: amount.exactOptional(),
    low: amount.exactOptional(),
    high: amount.exactOptional(),
    unpriced: list(text).exactOptional(),
  })
  .superRefine((given, context) => {
    for (const { key, message } of contradictionsOf(given)) context.addIssue({ code: 'custom', path: [key], message });
  })
  .transform(({ hourly = null, monthly = null, low, high, unpriced }): Cost => {
    const bounds = low === undefined && high === undefined ? {} : { range: { low: low ?? monthly ?? '0', high: high ?? null } };
    return { hourly, monthly, source: 'request', ...bounds, ...(unpriced === undefined ? {} : { unpriced }) };
  });

const resource = z
  .strictObject({
    type: resourceType,
    id: text.exactOptional(),
    name: text.exactOptional(),
    provider: text.exactOptional(),
    account: text.exactOptional(),
    region: text.exactOptional(),
    state: text.exactOptional(),
    created_at: instant.exactOptional(),
    namespace: text.exactOptional(),
    tags: z.record(z.string(), z.string()).default({}),
    specs: specs.exactOptional(),
    cost: cost.exactOptional(),
    metrics: metrics.exactOptional(),
    attached_to: text.exactOptional(),
    detached_at: instant.exactOptional(),
    address: text.exactOptional(),
    /** Wire paths of what is known only after apply: `specs.vcpus`, `tags.owner`, `tags`. */
    unknown: list(text).exactOptional(),
    unknown_reason: z.enum(UNKNOWN_REASONS).exactOptional(),
    taggable: z.boolean().exactOptional(),
    previous_monthly: amount.nullable().exactOptional(),
  })
  .transform((wire): Resource => {
    return {
      id: wire.id ?? null,
      type: wire.type,
      name: wire.name ?? null,
      provider: wire.provider ?? null,
      account: wire.account ?? null,
      region: wire.region ?? null,
      state: wire.state ?? null,
      createdAt: wire.created_at ?? null,
      namespace: wire.namespace ?? null,
      tags: wire.tags,
      specs: wire.specs ?? {},
      cost: wire.cost ?? { hourly: null, monthly: null, source: 'none' },
      metrics: wire.metrics ?? null,
      attachedTo: wire.attached_to ?? null,
      detachedAt: wire.detached_at ?? null,
      managedBy: null,
      address: wire.address ?? null,
      ...(wire.unknown === undefined ? {} : { unknownPaths: wire.unknown }),
      ...(wire.unknown_reason === undefined ? {} : { unknownReason: wire.unknown_reason }),
      ...(wire.taggable === undefined ? {} : { taggable: wire.taggable }),
      ...(wire.previous_monthly === undefined ? {} : { previousMonthly: wire.previous_monthly }),
    };
  });

const offer = z
  .strictObject({
    instance_type: text,
    instance_family: text,
    vcpus: count,
    memory_gb: count,
    arch: text.default('x86_64'),
    hourly: amount.nullable().default(null),
  })
  .transform((wire): Offer => {
    const { vcpus, arch, hourly } = wire;
    return { instanceType: wire.instance_type, instanceFamily: wire.instance_family, vcpus, memoryGb: wire.memory_gb, arch, hourly };
  });

const verdict = z.enum(['compliant', 'violating', 'not-applicable', 'unknown', 'error']);
const textByPath = z.record(z.string(), z.string());

/** See `Expectation` for what each means. */
const details = z.strictObject({
  verdict: verdict.default('violating'),
  severity: text.exactOptional(),
  enforcement: text.exactOptional(),
  checks: textByPath.exactOptional(),
  effects: textByPath.exactOptional(),
  note: text.nullable().exactOptional(),
  fixes: textByPath.exactOptional(),
  unknowns: textByPath.exactOptional(),
  message: text.exactOptional(),
  action: text.exactOptional(),
  target_type: text.nullable().exactOptional(),
  missing_tags: z.array(text).exactOptional(),
  savings: amount.nullable().exactOptional(),
});

/** A verdict, or one with details. */
const expectation = z.union([verdict.transform((word): Expectation => ({ verdict: word })), details]);

const crossed = z.strictObject({
  percent: z.number().positive(),
  of: z.enum(['actual', 'forecast']).default('actual'),
  action: z.enum(['require-approval', 'block-new-resources']),
});

const budget = z
  .strictObject({
    rule: text,
    period: text,
    actual: amount.default('0'),
    committed: amount.default('0'),
    held: amount.default('0'),
    actual_until: instant.nullable().default(null),
    crossed: z.array(crossed).default([]),
  })
  .transform(({ actual_until, ...state }) => ({ ...state, actualUntil: actual_until }));

const testCase = z.strictObject({
  note: text,
  point: z.enum(['deploy', 'scan']).default('deploy'),
  resource,
  want: z.record(z.string(), expectation),
  decision: z.enum(['allow', 'warn', 'needs_approval', 'deny']).exactOptional(),
  budgets: z.array(budget).default([]),
  approved: z.array(text).default([]),
});

export const policyTestSchema = z.strictObject({
  /** The instant of all cases. */
  at: instant.default(Date.UTC(2026, 0, 15)),
  /** Policies in the test file itself; without it, the policy beside it. */
  policies: z.array(z.unknown()).exactOptional(),
  offers: z.array(offer).default([]),
  cases: list(testCase),
});
