/** What crosses Temporal for scans. */
import type { ScanScope } from '../policy/records.js';

export interface ScanCycleInput {
  /** Null for a run of the Schedule: the workflow then makes `scan_<run id>`. */
  readonly scanId: string | null;
  readonly trigger: 'manual' | 'schedule' | 'startup';
  readonly scope: ScanScope;
  readonly dryRun: boolean;
  readonly requestedBy: string;
  readonly parallelShards: number;
  readonly pageSize: number;
  /** Set by the workflow itself when it continues as new: how far it came. */
  readonly resume?: ScanResume;
}

export interface ScanResume {
  /** Name of the last shard that was handled. */
  readonly after: string;
  readonly progress: ScanProgress;
}

/** What a running scan shows in Temporal UI; the same, exact and by shard, is in the API. */
export interface ScanProgress {
  readonly shards: number;
  readonly shardsDone: number;
  readonly shardsFailed: number;
  readonly pages: number;
  readonly resources: number;
  readonly violations: number;
}
