import type { Resource, Specs } from '../../policy/model.js';
import { SPEC_WIRE, type SpecKey } from '../../policy/specs.js';

/** A resource as `POST /v1/evaluate` takes it: reading the result again gives the same resource, cost included. */
export function toWireResourceInput(resource: Resource): Record<string, unknown> {
  const { cost, metrics, managedBy, unknownPaths, unknownReason, taggable, quantity, previousMonthly } = resource;
  const { id, type, name, address, provider, account, region, namespace, state, tags } = resource;
  const instant = (at: number | null) => (at === null ? undefined : new Date(at).toISOString());
  const wire = withoutNothing({
    id,
    type,
    name,
    address,
    provider,
    account,
    region,
    namespace,
    state,
    tags,
    created_at: instant(resource.createdAt),
    specs: toWireSpecs(resource.specs),
    cost:
      cost.source === 'none' && cost.unpriced === undefined
        ? null
        : withoutNothing({ hourly: cost.hourly, monthly: cost.monthly, ...cost.range, unpriced: cost.unpriced }),
    metrics: metrics && {
      avg_cpu_percent: metrics.avgCpuPercent,
      avg_network_bytes_per_day: metrics.avgNetworkBytesPerDay,
      days: metrics.days,
    },
    attached_to: resource.attachedTo,
    detached_at: instant(resource.detachedAt),
    managed_by: managedBy,
    unknown: unknownPaths,
    unknown_reason: unknownReason,
    taggable,
    quantity,
  });
  // null: it was there before and nobody knows its cost; absent: it is new
  return previousMonthly === undefined ? wire : { ...wire, previous_monthly: previousMonthly };
}

function withoutNothing(entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key in entries) {
    const value = entries[key];
    if (value !== undefined && value !== null) kept[key] = value;
  }
  return kept;
}

const SPEC_KEYS = Object.keys(SPEC_WIRE) as readonly SpecKey[];

function toWireSpecs(specs: Specs): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const key of SPEC_KEYS) if (specs[key] !== undefined) wire[SPEC_WIRE[key]] = specs[key];
  return wire;
}
