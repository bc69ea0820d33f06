import { type Client, ScheduleAlreadyRunning, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import { DAY, MINUTE, SECOND, waitingLength } from '../policy/durations.js';
import type { Settings } from '../policy/settings.js';
import { SCAN_SCHEDULE_ID, TASK_QUEUE, WORKFLOWS, workflowIds } from '../workflows/messages.js';
import type { ScanCycleInput } from '../workflows/scan-messages.js';

const SHORTEST_SCAN_INTERVAL_MS = 10 * SECOND;

/**
 * Makes what runs for as long as the installation does: the Schedule of the daily scan and the delivery of notices.
 * Every worker does it when it starts; a Schedule that an operator paused stays paused.
 */
export async function ensureStandingWorkflows(client: Client, settings: Settings, acceleration: number): Promise<void> {
  await ensureScanSchedule(client, settings, acceleration);
  await client.workflow.start(WORKFLOWS.noticeDelivery, {
    workflowId: workflowIds.noticeDelivery(),
    taskQueue: TASK_QUEUE,
    args: [],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'delivers the notices of the outbox',
  });
}

async function ensureScanSchedule(client: Client, settings: Settings, acceleration: number): Promise<void> {
  const schedule = scanSchedule(settings, acceleration);
  try {
    await client.schedule.create({ ...schedule, state: { note: 'the daily scan' } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId, ...rest } = schedule;
    await client.schedule.getHandle(scheduleId).update((before) => ({ ...rest, state: before.state }));
  }
}

/** Daily at `settings.scan`, UTC; on an accelerated clock every day ÷ N, never under 10 s. */
export function scanSchedule(settings: Settings, acceleration: number) {
  const { hour, minute, parallelShards, pageSize } = settings.scan;
  const everyMs = Math.max(SHORTEST_SCAN_INTERVAL_MS, waitingLength(DAY, acceleration));
  const input: ScanCycleInput = {
    scanId: null,
    trigger: 'schedule',
    scope: {},
    dryRun: false,
    requestedBy: 'system:schedule',
    parallelShards,
    pageSize,
  };
  return {
    scheduleId: SCAN_SCHEDULE_ID,
    spec: acceleration === 1 ? { calendars: [{ hour, minute }], timezone: 'UTC' } : { intervals: [{ every: everyMs }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 10 * MINUTE },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.scanCycle,
      workflowId: workflowIds.scan('scheduled'),
      taskQueue: TASK_QUEUE,
      args: [input],
      staticSummary: 'scheduled scan of all clouds',
    },
  } satisfies ScheduleOptions;
}
