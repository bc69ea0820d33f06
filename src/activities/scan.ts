/** The effects of `scanCycle`. What crosses Temporal is ids and counts; every activity may run twice. */
import { activityInfo } from '@temporalio/activity';
import { transaction } from '../store/db.js';
import { createCompiledCache } from '../store/enforcing.js';
import type { NewScan } from '../store/scans.js';
import { failShard, nextShards } from '../store/scans.js';
import type { ActivityDeps } from './deps.js';
import { withFailures } from './failure.js';
import { startUnstarted } from './remediation-start.js';
import { type EndScanInput, endScan } from './scan-close.js';
import { beginRemediations, keepExceptions, tellEndedRemediations } from './scan-enforce.js';
import { planScan } from './scan-plan.js';
import { readShard, type ScanShardInput } from './scan-shard.js';

export interface NextShardsInput {
  readonly scanId: string;
  /** Name of the last shard that was taken; null for the first ones. */
  readonly after: string | null;
  readonly limit: number;
}

export interface FailShardInput {
  readonly scanId: string;
  readonly shard: string;
  readonly error: string;
}

export interface ScanOnly {
  readonly scanId: string;
}

export function createScanActivities(deps: ActivityDeps) {
  const policies = createCompiledCache((problem) => deps.log.warn({ problem }, 'an enforcing policy cannot be read'));
  return {
    /** Opens the scan; answers how many shards it has. */
    openScan: withFailures((scan: NewScan) => planScan(deps, scan)),
    nextShards: withFailures(({ scanId, after, limit }: NextShardsInput) => nextShards(deps.pool, scanId, after, limit)),
    /** Reads, judges and reconciles one shard. */
    scanShard: withFailures((input: ScanShardInput) => readShard({ ...deps, policies }, input)),
    failShard: withFailures(({ scanId, shard, error }: FailShardInput) =>
      transaction(deps.pool, (db) => failShard(db, scanId, shard, error)),
    ),
    tellEndedRemediations: withFailures(() => tellEndedRemediations(deps)),
    /** Answers how many began; those that a killed worker left half begun are begun too. */
    beginRemediations: withFailures(async ({ scanId }: ScanOnly) => {
      const started = await beginRemediations(deps, scanId);
      await (activityInfo().attempt > 1 ? startUnstarted(deps, 0) : startUnstarted(deps));
      return started;
    }),
    keepExceptions: withFailures(({ scanId }: ScanOnly) => keepExceptions(deps, scanId)),
    endScan: withFailures((input: EndScanInput) => endScan(deps, input)),
  };
}
