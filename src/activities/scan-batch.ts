/** Several shards read in turn by one activity, since most shards are small; each is reconciled or fails on its own. */
import { ApplicationFailure, CancelledFailure, cancellationSignal } from '@temporalio/activity';
import { describeError, TollgateError } from '../errors.js';
import { transaction } from '../store/db.js';
import { failShard, type ShardSums, sumShards } from '../store/scans.js';
import { alive } from './alive.js';
import { isRetryable } from './failure.js';
import { readShard, type ShardDeps } from './scan-shard.js';

export interface ScanShardsInput {
  readonly scanId: string;
  /** In the order in which they are read. */
  readonly shards: readonly string[];
  readonly pageSize: number;
}

/** The sums of the shards that were handled: of the first `handled` of the input. The others are as they were. */
export interface ScannedShards extends ShardSums {
  readonly handled: number;
}

/** An activity that has run this long takes no further shard: somebody else may be free. */
const TAKES_SHARDS_FOR_MS = 5_000;

/**
 * A shard that the provider refuses is failed here, with the provider's words. What may work later (a lost database) ends the activity
 * with an error, but only after the other shards had their turn; its retry finds those that are done and counts them once.
 */
export async function readShards(deps: ShardDeps, { scanId, shards, pageSize }: ScanShardsInput): Promise<ScannedShards> {
  const until = Date.now() + TAKES_SHARDS_FOR_MS;
  const handled: string[] = [];
  const lost: unknown[] = [];
  let at: object = {};
  await alive(
    async () => {
      for (const shard of shards) {
        if (handled.length > 0 && Date.now() >= until) return;
        at = { shard };
        await readShard(deps, { scanId, shard, pageSize }, (progress) => {
          at = { shard, ...progress };
        }).catch(async (error: unknown) => {
          if (!isFinal(error)) lost.push(error);
          else await transaction(deps.pool, (db) => failShard(db, scanId, shard, reasonOf(error)));
        });
        handled.push(shard);
      }
    },
    () => at,
  );
  if (lost.length > 0) throw lost[0];
  return { handled: handled.length, ...(await sumShards(deps.pool, scanId, handled)) };
}

/** True for what no retry mends. A cancellation ends everything. */
function isFinal(error: unknown): boolean {
  cancellationSignal().throwIfAborted();
  if (error instanceof CancelledFailure) throw error;
  if (error instanceof ApplicationFailure) return error.nonRetryable === true;
  return error instanceof TollgateError && !isRetryable(error.code);
}

function reasonOf(error: unknown): string {
  return error instanceof ApplicationFailure ? error.message : describeError(error);
}
