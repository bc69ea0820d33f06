/** The detective control: reads every shard, then enforces, then tells. Only shard names and counts are in its history. */
import {
  ActivityFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createScanActivities } from '../activities/scan.js';
import type { ScanSummary } from '../activities/scan-close.js';
import { HOUR, MINUTE, SECOND } from '../policy/durations.js';
import { SA_PHASE } from './messages.js';
import type { ScanCycleInput, ScanProgress, ScanResume } from './scan-messages.js';

type Activities = ReturnType<typeof createScanActivities>;

/** Tried until they succeed: what they need is the database alone. */
const { nextShards, failShards, endScan } = proxyActivities<Activities>({
  startToCloseTimeout: 2 * MINUTE,
  retry: { initialInterval: SECOND, maximumInterval: 30 * SECOND },
});
const { openScan, tellEndedRemediations, beginRemediations, keepExceptions } = proxyActivities<Activities>({
  startToCloseTimeout: HOUR,
  heartbeatTimeout: 10 * SECOND,
  retry: { initialInterval: SECOND, maximumInterval: 30 * SECOND },
});
/** A worker that dies is noticed within ten seconds. A provider's failures are waited out inside; these attempts are for dead workers and a lost database. */
const { scanShards } = proxyActivities<Activities>({
  startToCloseTimeout: 4 * HOUR,
  heartbeatTimeout: 10 * SECOND,
  retry: { initialInterval: SECOND, maximumInterval: 15 * SECOND, maximumAttempts: 40 },
});

/** Names that are in history at once. */
const BATCH = 200;
/** Names that one activity gets at most: most shards are small, and an activity of its own costs more than reading one. */
const GROUP = 10;

const NOTHING_YET: ScanProgress = { shards: 0, shardsDone: 0, shardsFailed: 0, pages: 0, resources: 0, violations: 0 };

/** Scans all that is in scope, then starts and tells remediations. Answers its summary; null when it could not even be opened. */
export async function scanCycle(input: ScanCycleInput): Promise<ScanSummary | null> {
  const scanId = input.scanId ?? `scan_${workflowInfo().runId}`;
  try {
    const rest = await readShards(input, scanId);
    if (rest === null) return await enforceAndClose(input, scanId);
    return await continueAsNew<typeof scanCycle>({ ...input, scanId, resume: rest });
  } catch (error) {
    if (isCancellation(error)) await closeEarly(scanId, 'cancelled', null);
    else if (error instanceof ActivityFailure) await closeEarly(scanId, 'failed', reasonOf(error));
    throw error;
  }
}

/** Reads the shards that are left; null when there are no more, else how far it came when the history grew long. */
async function readShards(input: ScanCycleInput, scanId: string): Promise<ScanResume | null> {
  const board = createBoard(input, scanId);
  if (input.resume === undefined) {
    const { trigger, scope, dryRun, requestedBy } = input;
    board.add({ shards: await openScan({ id: scanId, trigger, scope, dryRun, requestedBy, workflowId: workflowInfo().workflowId }) });
  }
  let after = input.resume?.after ?? null;
  for (;;) {
    const shards = await nextShards({ scanId, after, limit: BATCH });
    const last = shards.at(-1);
    if (last === undefined) return null;
    await readBatch({ scanId, pageSize: input.pageSize }, shards, input.parallelShards, board);
    after = last;
    if (workflowInfo().continueAsNewSuggested) return { after, progress: board.progress() };
  }
}

type Reading = Pick<Parameters<Activities['scanShards']>[0], 'scanId' | 'pageSize'>;

/** Reads all of `shards`, in groups, `atOnce` groups at a time. What a group leaves undone is taken by whoever is free. */
async function readBatch(reading: Reading, shards: readonly string[], atOnce: number, board: Board): Promise<void> {
  const queue = [...shards];
  const readers = Math.min(Math.max(1, atOnce), shards.length);
  let busy = 0;
  const reader = async () => {
    for (;;) {
      await condition(() => queue.length > 0 || busy === 0);
      if (queue.length === 0) return;
      const group = queue.splice(0, Math.min(GROUP, Math.ceil(queue.length / readers)));
      busy += 1;
      queue.unshift(...(await readGroup(reading, group, board)));
      busy -= 1;
    }
  };
  await Promise.all(Array.from({ length: readers }, reader));
}

/** Answers what of the group is left to read. */
async function readGroup(reading: Reading, shards: readonly string[], board: Board): Promise<readonly string[]> {
  const summary = shards.length === 1 ? (shards[0] ?? '') : `${shards[0]} and ${shards.length - 1} more`;
  try {
    const { handled, ...sums } = await scanShards.executeWithOptions({ summary }, [{ ...reading, shards }]);
    board.add(sums);
    return shards.slice(handled);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    board.add(await failShards.executeWithOptions({ summary }, [{ scanId: reading.scanId, shards, error: reasonOf(error) }]));
    return [];
  }
}

/** Nothing acts before the whole scan is reconciled, so that a breach of the blast radius is seen before the first act. */
async function enforceAndClose({ dryRun }: ScanCycleInput, scanId: string): Promise<ScanSummary | null> {
  if (!dryRun) {
    upsertSearchAttributes([{ key: SA_PHASE, value: 'enforcing' }]);
    await tellEndedRemediations();
    await beginRemediations({ scanId });
    await keepExceptions({ scanId });
  }
  const summary = await endScan({ scanId, end: 'done', error: null });
  upsertSearchAttributes([{ key: SA_PHASE, value: summary?.status ?? 'failed' }]);
  if (summary !== null) setCurrentDetails(describeSummary(summary));
  return summary;
}

/** Clean-up that a cancellation does not cut short. */
async function closeEarly(scanId: string, end: 'cancelled' | 'failed', error: string | null): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    await endScan({ scanId, end, error });
    upsertSearchAttributes([{ key: SA_PHASE, value: end }]);
    setCurrentDetails(`**${end}**${error === null ? '' : `: ${error}`}`);
  });
}

/** Of an activity that failed: what it said, not that it failed. */
function reasonOf(failure: ActivityFailure): string {
  let reason: Error = failure;
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}

interface Board {
  add(more: Partial<ScanProgress>): void;
  progress(): ScanProgress;
}

/** Counts, and shows the counts in Temporal UI. */
function createBoard({ resume, dryRun }: ScanCycleInput, scanId: string): Board {
  let progress = resume?.progress ?? NOTHING_YET;
  const show = () => setCurrentDetails(describeProgress(scanId, dryRun, progress));
  upsertSearchAttributes([{ key: SA_PHASE, value: 'reading' }]);
  show();
  return {
    add(more) {
      progress = {
        shards: progress.shards + (more.shards ?? 0),
        shardsDone: progress.shardsDone + (more.shardsDone ?? 0),
        shardsFailed: progress.shardsFailed + (more.shardsFailed ?? 0),
        pages: progress.pages + (more.pages ?? 0),
        resources: progress.resources + (more.resources ?? 0),
        violations: progress.violations + (more.violations ?? 0),
      };
      show();
    },
    progress: () => progress,
  };
}

function describeProgress(scanId: string, dryRun: boolean, progress: ScanProgress): string {
  return [
    `**reading**${dryRun ? ' (dry run)' : ''} \`${scanId}\``,
    '',
    `- shards: ${progress.shardsDone} of ${progress.shards} done, ${progress.shardsFailed} failed`,
    `- pages: ${progress.pages}, resources: ${progress.resources}, violations: ${progress.violations}`,
  ].join('\n');
}

function describeSummary(summary: ScanSummary): string {
  return [
    `**${summary.status}** \`${summary.scanId}\`, score ${summary.complianceScore ?? 'unknown'}`,
    '',
    `- resources: ${summary.resourcesScanned}, shards not read: ${summary.shardsFailed}`,
    `- violations: ${summary.violationsFound} found, ${summary.violationsActionable} actionable, ${summary.violationsNew} new, ${summary.violationsResolved} resolved`,
    `- remediations begun: ${summary.remediationsStarted}`,
  ].join('\n');
}
