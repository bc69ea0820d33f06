/** The effects of `scanCycle`. What crosses Temporal is ids and counts; every activity may run twice. */
import { activityInfo } from '@temporalio/activity';
import { transaction } from '../store/db.js';
import { createCompiledCache } from '../store/enforcing.js';
import type { NewScan } from '../store/scans.js';
import { failShard, nextShards, sumShards } from '../store/scans.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { withFailures } from './failure.js';
import { startUnstarted } from './remediation-start.js';
import { reviveRemediations } from './revive.js';
import { readShards, type ScanShardsInput } from './scan-batch.js';
import { type EndScanInput, endScan } from './scan-close.js';
import { beginRemediations, keepExceptions, tellEndedRemediations } from './scan-enforce.js';
import { planScan } from './scan-plan.js';

export interface NextShardsInput {
  readonly scanId: string;
  /** Name of the last shard that was taken; null for the first ones. */
  readonly after: string | null;
  readonly limit: number;
}

export interface FailShardsInput {
  readonly scanId: string;
  readonly shards: readonly string[];
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
    /** Reads, judges and reconciles some shards, and answers how many of them, from the first on, before it had worked long enough. */
    scanShards: withFailures((input: ScanShardsInput) => readShards({ ...deps, policies }, input)),
    /** Gives up those that are not reconciled. */
    failShards: withFailures(({ scanId, shards, error }: FailShardsInput) =>
      transaction(deps.pool, async (db) => {
        for (const shard of shards) await failShard(db, scanId, shard, error);
        return sumShards(db, scanId, shards);
      }),
    ),
    tellEndedRemediations: withFailures(() => alive(() => tellEndedRemediations(deps))),
    /** Answers how many began; those that a killed worker left half begun are begun too, and those whose workflow is lost get a new one. */
    beginRemediations: withFailures(({ scanId }: ScanOnly) =>
      alive(async () => {
        const started = await beginRemediations(deps, scanId);
        await (activityInfo().attempt > 1 ? startUnstarted(deps, 0) : startUnstarted(deps));
        await reviveRemediations(deps);
        return started;
      }),
    ),
    keepExceptions: withFailures(({ scanId }: ScanOnly) => alive(() => keepExceptions(deps, scanId))),
    endScan: withFailures((input: EndScanInput) => endScan(deps, input)),
  };
}
