import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createRunTaskActivities } from '../../src/activities/run-task.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import { createDocumentPool } from '../../src/runtime/document-pool.js';
import { closeGateParts, createGateParts } from '../../src/runtime/gate.js';
import { createPlanJudge } from '../../src/runtime/plan-judge.js';
import type { Pool } from '../../src/store/db.js';
import { KEY } from './hcp.js';

export const TASK_QUEUE = 'tollgate';

export interface WorkerParts {
  readonly pool: Pool;
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly origins: readonly string[];
  readonly workflowBundle: { readonly code: string } | { readonly codePath: string };
}

/** A worker as `src/worker.ts` makes it, as far as run tasks are concerned: its own gate, on the real database. */
export async function createRunTaskWorker({ pool, client, connection, namespace, origins, workflowBundle }: WorkerParts) {
  const log = pino({ level: 'silent' });
  const catalog = createCatalog();
  const gate = createGateParts(pool, { settings: defaultSettings(), decisionLog: 'durable' }, log);
  await gate.snapshot.start();
  const documents = createDocumentPool();
  const judge = createPlanJudge({
    ...gate,
    pool,
    directory: { people: [], groups: {}, owners: { team: [], owner: [], fallback: [] } },
    temporal: { client, taskQueue: TASK_QUEUE, address: '' },
    offers: () => [],
    lookup: catalog.lookup,
    readDocument: documents.read,
    metrics: { countDecision: () => {} },
    now: Date.now,
    log,
  });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle,
    activities: createRunTaskActivities({ pool, temporal: client, now: Date.now, log, runTasks: { key: KEY, origins, judge } }),
    stickyQueueScheduleToStartTimeout: 500,
  });
  return { worker, close: () => Promise.all([closeGateParts(gate), documents.close()]) };
}
