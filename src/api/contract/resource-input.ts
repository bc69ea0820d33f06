import type { Resource } from '../../policy/model.js';
import { SPEC_WIRE, type SpecKey } from '../../policy/specs.js';

/** A resource as `POST /v1/evaluate` takes it: reading the result again gives the same resource, cost included. */
export function toWireResourceInput(resource: Resource): Record<string, unknown> {
  const { cost, metrics, managedBy, unknownPaths, quantity, previousMonthly } = resource;
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
    specs: Object.fromEntries((Object.keys(SPEC_WIRE) as SpecKey[]).map((key) => [SPEC_WIRE[key], resource.specs[key]])),
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
    quantity,
  });
  // null: it was there before and nobody knows its cost; absent: it is new
  return previousMonthly === undefined ? wire : { ...wire, previous_monthly: previousMonthly };
}

function withoutNothing(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined && value !== null));
}
