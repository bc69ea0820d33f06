/** Reads one shard of a scan: lists page by page, judges, stores, and reconciles when the listing is complete. */
import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { ListPage, Provider, Shard } from '../cloud/provider.js';
import { describeError, TollgateError } from '../errors.js';
import { longestPeriodMs } from '../policy/compile.js';
import { DAY, waitingLength } from '../policy/durations.js';
import { compileExceptions } from '../policy/exception.js';
import type { Metrics, Resource, ResourceKey } from '../policy/model.js';
import { accountMode } from '../policy/settings.js';
import type { CompiledCache, CompiledSet } from '../store/enforcing.js';
import { loadLiveExceptions } from '../store/exceptions.js';
import { findListing, type ListingOf, type ListingProgress, resumeListing, storePage } from '../store/findings.js';
import { getInstallation } from '../store/installation.js';
import { reconcileShard, type ShardOutcome } from '../store/reconcile.js';
import type { ActivityDeps } from './deps.js';
import { patiently } from './patience.js';
import { judgePage } from './scan-judge.js';

export type ShardDeps = Pick<ActivityDeps, 'pool' | 'providers' | 'settings' | 'directory' | 'now' | 'log'> & {
  readonly policies: CompiledCache;
};

export interface ScanShardInput {
  readonly scanId: string;
  readonly shard: string;
  readonly pageSize: number;
}

const METRICS_AT_ONCE = 500;

/**
 * Answers what became of the shard; null when the scan or the shard has ended meanwhile. A retry goes on behind the last stored page, and
 * each page counts once, so a worker may be killed at any instant.
 *
 * @throws ApplicationFailure not to be retried, in the provider's words, when the provider does not list it
 */
export async function readShard(
  deps: ShardDeps,
  input: ScanShardInput,
  report: (progress: ListingProgress) => void = () => {},
): Promise<ShardOutcome | null> {
  const listing = await findListing(deps.pool, input.scanId, input.shard);
  if (listing === undefined) return null;
  const provider = deps.providers.get(listing.provider);
  let progress = await resumeListing(deps.pool, listing, deps.now());
  while (!progress.complete) {
    report(progress);
    cancellationSignal().throwIfAborted();
    progress = await readPage(deps, provider, listing, progress, input.pageSize);
  }
  report(progress);
  const at = deps.now();
  const { acceleration } = await getInstallation(deps.pool);
  const newEpisodeBefore = at - waitingLength(deps.settings.course.newEpisodeAfterMs, acceleration);
  const enforced = accountMode(deps.settings, listing.provider, listing.account) === 'enforce';
  return reconcileShard(deps.pool, listing, { at, newEpisodeBefore, enforced });
}

async function readPage(
  deps: ShardDeps,
  provider: Provider,
  listing: ListingOf,
  progress: ListingProgress,
  pageSize: number,
): Promise<ListingProgress> {
  // INVARIANT: before policies, exceptions and the page are read, so that what is decided from now on counts as later.
  const seenAt = deps.now();
  const set = await deps.policies.load(deps.pool);
  const exceptions = compileExceptions(await loadLiveExceptions(deps.pool));
  const page = await listPage(provider, listing, { cursor: progress.cursor, limit: pageSize });
  const resources = await withMetrics(deps, provider, listing, page.resources, metricDays(set, listing.type));
  const judged = judgePage(resources, { set, exceptions, directory: deps.directory, offers: (region) => provider.offers(region), seenAt });
  return storePage(deps.pool, listing, progress, { ...judged, next: page.next });
}

/** What the provider refuses for good ends the shard: trying the whole activity again is useless. */
async function listPage(provider: Provider, shard: Shard, page: { cursor: string | null; limit: number }): Promise<ListPage> {
  try {
    return await patiently(() => provider.list(shard, page, cancellationSignal()));
  } catch (error) {
    if (error instanceof TollgateError) throw ApplicationFailure.nonRetryable(describeError(error), error.code);
    throw error;
  }
}

/** Over how many days the `Utilization` rules that can concern this type look back; 0 without one. */
function metricDays(set: CompiledSet, type: string): number {
  const concerned = new Set(set.compiled.rulesFor(type, 'scan').map((rule) => rule.policyName));
  return Math.ceil(longestPeriodMs(set.policies.map(({ policy }) => policy).filter(({ name }) => concerned.has(name))) / DAY);
}

async function withMetrics(
  deps: ShardDeps,
  provider: Provider,
  listing: ListingOf,
  resources: readonly Resource[],
  days: number,
): Promise<readonly Resource[]> {
  if (days === 0 || !provider.capabilities.metrics) return resources;
  const measured: Resource[] = [];
  for (let from = 0; from < resources.length; from += METRICS_AT_ONCE) {
    const some = resources.slice(from, from + METRICS_AT_ONCE);
    const keys = some.map(({ type, id }): ResourceKey => ({ provider: listing.provider, account: listing.account, type, id: id ?? '' }));
    const metrics = await readMetrics(deps, provider, keys, days);
    measured.push(...some.map((resource, index) => ({ ...resource, metrics: metrics[index] ?? null })));
  }
  return measured;
}

/** Metrics that cannot be read are unknown; everything else about these resources still counts. */
async function readMetrics(
  deps: ShardDeps,
  provider: Provider,
  keys: readonly ResourceKey[],
  days: number,
): Promise<readonly (Metrics | null)[]> {
  try {
    return await patiently(() => provider.metrics(keys, days, cancellationSignal()));
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    deps.log.warn(
      { provider: provider.name, resources: keys.length, error: error.message },
      'metrics could not be read, they count as unknown',
    );
    return keys.map(() => null);
  }
}
