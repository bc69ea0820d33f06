import { DefaultLogger, type LogLevel, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Once per process, before any worker or connection. Signals stay ours: what runs is stopped in our own order. With `metricsAddress`
 * (`host:port`) the SDK's metrics are shown there to Prometheus, at `/metrics`.
 */
export function installTemporalRuntime(log: Logger, metricsAddress: string | null): void {
  const metrics = metricsAddress === null ? {} : { metrics: { prometheus: { bindAddress: metricsAddress } } };
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => log[LEVELS[level]](toFields(meta), message)),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} }, ...metrics },
  });
}

/** The ids under which everything of ours logs; the SDK's symbols and noise are left out. */
function toFields(meta: Record<string, unknown> = {}): object {
  const { workflowId, runId, workflowType, activityType, activityId, attempt, taskQueue, error } = meta;
  return {
    workflow_id: workflowId,
    run_id: runId,
    workflow_type: workflowType,
    activity_type: activityType,
    activity_id: activityId,
    attempt,
    task_queue: taskQueue,
    err: error,
  };
}
