import type { Cost, Json, Metrics, Resource, ResourceKey } from '../policy/model.js';

/** One listing: the unit that a scan reads, completes or fails as a whole. */
export interface Shard {
  readonly provider: string;
  readonly account: string;
  readonly region: string;
  readonly type: string;
}

export interface ListPage {
  /** In the provider's own order, which is the same for each page of one listing. */
  readonly resources: readonly Resource[];
  /** Opaque; null when this was the last page. */
  readonly next: string | null;
}

/** What a provider can do, so that callers ask for capabilities and never for a provider's name. */
export interface Capabilities {
  readonly actions: readonly CloudAction[];
  readonly dryRun: boolean;
  readonly metrics: boolean;
  readonly snapshots: boolean;
  /** Largest number of tags a resource may carry, and the longest key and value. */
  readonly tagLimits: { readonly count: number; readonly keyLength: number; readonly valueLength: number };
}

export const CLOUD_ACTIONS = [
  'stop',
  'start',
  'resize',
  'terminate',
  'delete',
  'set-tags',
  'remove-tags',
  'create-snapshot',
  'restore-volume',
] as const;
export type CloudAction = (typeof CLOUD_ACTIONS)[number];

/** One call that changes something at a provider. `kind` decides what else is needed. */
export type CloudCommand =
  | { readonly kind: 'stop' | 'start' | 'terminate' | 'delete' | 'create-snapshot'; readonly key: ResourceKey; readonly name?: string }
  | { readonly kind: 'resize'; readonly key: ResourceKey; readonly instanceType: string }
  | { readonly kind: 'set-tags'; readonly key: ResourceKey; readonly tags: Readonly<Record<string, string>> }
  | { readonly kind: 'remove-tags'; readonly key: ResourceKey; readonly tagKeys: readonly string[] }
  | { readonly kind: 'restore-volume'; readonly key: ResourceKey; readonly snapshotId: string; readonly saved: Resource };

export interface CommandOptions {
  /** The provider does a command once per token, whatever happens to the caller, and answers a repeat with the first outcome. */
  readonly idempotencyToken: string;
  /** Checks permissions and parameters and changes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface CommandOutcome {
  /** True when this call changed something, or would have for a dry run; false when it was so already, or for a repeat. */
  readonly changed: boolean;
  /** Ids of what the command made: `{ snapshotId }`, `{ resourceId }` of a restored volume. */
  readonly made: { readonly [name: string]: string };
  readonly details: { readonly [name: string]: Json };
}

export interface InstanceOffer {
  readonly instanceType: string;
  readonly instanceFamily: string;
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly arch: string;
  readonly hourly: string | null;
}

/**
 * A cloud, as Tollgate needs it. Every method throws `TollgateError` with `throttled` (try again later), `provider-unreachable`
 * (try again), `not-found` or `provider-refused` (trying again is useless). Effects are eventual: a stopped instance is `stopping` first.
 */
export interface Provider {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** All shards that exist, in a stable order. */
  shards(signal?: AbortSignal): Promise<readonly Shard[]>;
  /** One page of at most `limit` (1 to 1,000) resources, with specs, cost and tags; metrics come from `metrics`. */
  list(shard: Shard, page: { readonly cursor: string | null; readonly limit: number }, signal?: AbortSignal): Promise<ListPage>;
  /** The resource as it is now, or null when it is gone. A read that fails throws: unreadable is not gone. */
  find(key: ResourceKey, signal?: AbortSignal): Promise<Resource | null>;
  /** Averages over the last `days` days, in the order of `keys`; null for what has no metrics. At most 500 keys. */
  metrics(keys: readonly ResourceKey[], days: number, signal?: AbortSignal): Promise<readonly (Metrics | null)[]>;
  /** Does `command` once per token. Answers when the provider has accepted it, which is before its effect is visible. */
  execute(command: CloudCommand, options: CommandOptions): Promise<CommandOutcome>;
  /** Estimate for a resource of these specs; unknown is null. */
  price(resource: Pick<Resource, 'type' | 'region' | 'specs'>): Cost;
  /** Sizes that an instance may be resized to in `region`, for `fix` and `resize`. */
  offers(region: string | null): readonly InstanceOffer[];
}

/** Providers by name; `get` throws `not-found` and names those that are configured. */
export interface Providers {
  readonly names: readonly string[];
  get(name: string): Provider;
}
