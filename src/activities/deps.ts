import type { Client } from '@temporalio/client';
import type { Providers } from '../cloud/provider.js';
import type { Channels } from '../notify/channel.js';
import type { Directory } from '../policy/directory.js';
import type { Settings } from '../policy/settings.js';
import type { Pool } from '../store/db.js';
import type { RunTaskDeps } from './run-task.js';

/** The structured log, as activities use it; the worker passes a pino logger. */
export interface ActivityLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What activities are made from. Built once by the worker; tests pass a real database and client, a clock, and the simulated cloud. */
export interface ActivityDeps {
  readonly pool: Pool;
  /** To start and signal other workflows from activities. */
  readonly temporal: Client;
  readonly taskQueue: string;
  readonly providers: Providers;
  readonly channels: Channels;
  readonly settings: Settings;
  readonly directory: Directory;
  /** Absent where this worker has no key for run tasks. */
  readonly runTasks?: RunTaskDeps;
  readonly now: () => number;
  readonly log: ActivityLog;
}
