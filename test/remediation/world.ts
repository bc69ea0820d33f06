import { Worker } from '@temporalio/worker';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { createRemediationActivities } from '../../src/activities/remediation.js';
import { startRemediations } from '../../src/activities/remediation-start.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createSimulatedAdmin, type SimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import type { ResourceKey } from '../../src/policy/model.js';
import type { RemediationRecord, TimelineEvent, ViolationRecord } from '../../src/policy/records.js';
import type { Settings } from '../../src/policy/settings.js';
import type { Pool } from '../../src/store/db.js';
import { listEffects } from '../../src/store/effects.js';
import { listNotices } from '../../src/store/outbox.js';
import { getRemediationOf, timelineOf } from '../../src/store/remediations.js';
import { getViolation } from '../../src/store/violations.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connectTestTemporal, type TestTemporal, workflowBundle } from '../support/temporal.js';
import { ACCOUNT, depsOf, type Found, idleInstance, insertViolation, orphanedVolume, seedTestPolicies, TASK_QUEUE } from './fixtures.js';

export interface World {
  readonly pool: Pool;
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly admin: SimulatedAdmin;
  readonly deps: ActivityDeps;
  /** Opens the violation and starts its remediation. */
  begin(found?: Found): Promise<Case>;
  /** Runs `work` under other settings, which the worker reads as well. */
  under(changes: Partial<Settings>, work: () => Promise<void>): Promise<void>;
  idleInstance(id?: string, more?: object): Promise<void>;
  volume(id?: string, more?: object): Promise<void>;
  close(): Promise<void>;
}

/** One remediation, as a test follows it. */
export interface Case {
  readonly violationId: string;
  readonly id: string;
  readonly workflowId: string;
  read(): Promise<RemediationRecord>;
  /** Reads until it holds; a test that never gets there runs into its time limit. */
  until(holds: (remediation: RemediationRecord) => boolean): Promise<RemediationRecord>;
  reaches(phase: RemediationRecord['phase'], waitingFor?: RemediationRecord['waitingFor']): Promise<RemediationRecord>;
  violation(): Promise<ViolationRecord>;
  timeline(): Promise<readonly TimelineEvent[]>;
  events(): Promise<readonly string[]>;
  stages(): Promise<readonly string[]>;
  effects(): Promise<readonly string[]>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const temporal = await connectTestTemporal();
  const { pool } = database;
  const catalog = createCatalog();
  await seedTestPolicies(pool);
  const deps = depsOf(pool, temporal.client, catalog);
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    // Short, so that waiting for an effect in the workflow is met as well.
    activities: createRemediationActivities(deps, { settleWithinMs: 500 }),
  });
  const running = worker.run();
  const admin = createSimulatedAdmin(pool, { catalog });
  return {
    pool,
    database,
    temporal,
    admin,
    deps,
    async begin(found = {}) {
      const violationId = await insertViolation(pool, found);
      await startRemediations(deps, [violationId], { recheckEveryMs: 50 });
      return follow(pool, violationId);
    },
    async under(changes, work) {
      const before = { ...deps.settings };
      Object.assign(deps.settings, changes);
      await work().finally(() => Object.assign(deps.settings, before));
    },
    idleInstance: (id = 'i-1', more = {}) => idleInstance(admin, id, more),
    volume: (id = 'vol-1', more = {}) => orphanedVolume(admin, id, more),
    async close() {
      worker.shutdown();
      await running;
      await temporal.close();
      await database.drop();
    },
  };
}

export async function follow(pool: Pool, violationId: string): Promise<Case> {
  const read = () => getRemediationOf(pool, violationId);
  const { id, workflowId } = await read();
  const until: Case['until'] = async (holds) => {
    for (;;) {
      const remediation = await read();
      if (holds(remediation)) return remediation;
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  };
  return {
    violationId,
    id,
    workflowId,
    read,
    until,
    reaches: (phase, waitingFor) => until((now) => now.phase === phase && (waitingFor === undefined || now.waitingFor === waitingFor)),
    violation: () => getViolation(pool, violationId),
    timeline: () => timelineOf(pool, id),
    events: async () => (await timelineOf(pool, id)).map(({ event }) => event),
    stages: async () => (await listNotices(pool, id)).map(({ stage }) => stage.split('/')[0] ?? ''),
    effects: async () => (await listEffects(pool, id)).filter(({ status }) => status === 'done').map(({ step }) => step),
  };
}

export const keyOf = (id: string, type = 'compute/instance'): Omit<ResourceKey, 'provider'> => ({ account: ACCOUNT, type, id });
