/** The end of a scan: its score, its status, its summary notice. */
import { scanWords } from '../notify/words.js';
import { membersOf } from '../policy/directory.js';
import type { ScanRecord, ScanStatus } from '../policy/records.js';
import { scoreOf, statusWordOf } from '../report/score.js';
import { transaction } from '../store/db.js';
import { addressed, writeNotices } from '../store/outbox.js';
import { countStarted, refreshStatistics } from '../store/scan-enforcement.js';
import { closeScan, countCompliance, findScan } from '../store/scans.js';
import { recordScores } from '../store/scores.js';
import type { ActivityDeps } from './deps.js';

export interface EndScanInput {
  readonly scanId: string;
  readonly end: 'done' | 'cancelled' | 'failed';
  /** Why it failed as a whole. */
  readonly error: string | null;
}

/** What the workflow answers. */
export interface ScanSummary {
  readonly scanId: string;
  readonly status: ScanStatus;
  readonly complianceScore: number | null;
  readonly resourcesScanned: number;
  readonly violationsFound: number;
  readonly violationsActionable: number;
  readonly violationsNew: number;
  readonly violationsResolved: number;
  readonly remediationsStarted: number;
  readonly shardsFailed: number;
}

type CloseDeps = Pick<ActivityDeps, 'pool' | 'directory' | 'channels' | 'now'>;

/** Closes a scan and tells of it, in one transaction; a repeat answers what the first call did. Null when the scan was never opened. */
export async function endScan(deps: CloseDeps, input: EndScanInput): Promise<ScanSummary | null> {
  await refreshStatistics(deps.pool);
  return transaction(deps.pool, async (db) => {
    const running = await findScan(db, input.scanId);
    if (running === undefined) return null;
    const at = deps.now();
    const status = statusOf(running, input.end);
    const { total, nonCompliant } = await countCompliance(db, input.scanId);
    const score = running.shards.completed === 0 ? null : scoreOf({ total, nonCompliant, excepted: 0 });
    const remediationsStarted = running.dryRun ? 0 : await countStarted(db, input.scanId);
    const closed = await closeScan(db, input.scanId, { status, score, error: input.error, remediationsStarted }, at);
    const scan = (await findScan(db, input.scanId)) ?? running;
    if (closed && !scan.dryRun && score !== null) await recordScores(db, at);
    if (closed && score !== null) await writeNotices(db, summaryNotices(deps, scan, score), at);
    return toSummary(scan);
  });
}

function statusOf({ shards }: ScanRecord, end: EndScanInput['end']): Exclude<ScanStatus, 'running'> {
  if (end !== 'done') return end;
  if (shards.failed === 0) return 'completed';
  return shards.completed === 0 ? 'failed' : 'partial';
}

/** To the groups that answer for what has no owner. */
function summaryNotices({ directory, channels }: CloseDeps, scan: ScanRecord, score: number) {
  const words = scanWords({
    scanId: scan.id,
    status: scan.status,
    resourcesScanned: scan.resourcesScanned,
    score,
    statusWord: statusWordOf(score),
    found: scan.violationsFound,
    actionable: scan.violationsActionable,
    remediated: scan.remediationsCompleted,
    failed: scan.remediationsFailed,
    errors: scan.errors.map(({ shard, message }) => `${shard}: ${message}`),
  });
  const recipients = directory.owners.fallback.flatMap((group) => membersOf(directory, group));
  return [...channels.keys()].flatMap((channel) => [...addressed({ subject: scan.id, stage: 'summary', ...words }, recipients, channel)]);
}

function toSummary(scan: ScanRecord): ScanSummary {
  return {
    scanId: scan.id,
    status: scan.status,
    complianceScore: scan.complianceScore,
    resourcesScanned: scan.resourcesScanned,
    violationsFound: scan.violationsFound,
    violationsActionable: scan.violationsActionable,
    violationsNew: scan.violationsNew,
    violationsResolved: scan.violationsResolved,
    remediationsStarted: scan.remediationsStarted,
    shardsFailed: scan.shards.failed,
  };
}
