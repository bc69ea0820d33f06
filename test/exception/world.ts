import { WithStartWorkflowOperation } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { createActivities } from '../../src/activities/index.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import type { Channel } from '../../src/notify/channel.js';
import { type ExceptionRequest, exceptionLengths } from '../../src/policy/exception-request.js';
import { parsePolicies } from '../../src/policy/parse.js';
import type { ExceptionRecord } from '../../src/policy/records.js';
import type { Settings } from '../../src/policy/settings.js';
import { transaction } from '../../src/store/db.js';
import { prepareException } from '../../src/store/exception-requests.js';
import { seedPolicies } from '../../src/store/policy-files.js';
import { type ExceptionInput, requestException } from '../../src/workflows/exception-messages.js';
import { WORKFLOWS } from '../../src/workflows/messages.js';
import { recordHistory } from '../support/histories.js';
import { createTestDatabase } from '../support/postgres.js';
import { connectTestTemporal, workflowBundle } from '../support/temporal.js';

/** dana's manager is bob, whose manager is carol; sam decides on limits and tags. */
export const DIRECTORY = {
  people: [
    { id: 'dana', manager: 'bob', teams: ['CC-1'] },
    { id: 'bob', manager: 'carol', teams: [] },
  ],
  groups: { finops: ['fiona'], security: ['sam'] },
  owners: { team: ['tag:cost-center'], owner: ['tag:owner'], fallback: ['finops'] },
};

export const POLICY = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: sizes }
spec:
  type: ResourceLimit
  rules:
    - { name: vcpus, resource: compute/instance, constraint: { maxVCPUs: 16 } }
`;

export const REQUEST: ExceptionRequest = {
  resourceId: 'i-1',
  account: null,
  resource: null,
  selector: null,
  policyName: 'sizes',
  ruleName: 'vcpus',
  type: 'temporary',
  justification: 'Black Friday standby',
  durationDays: 14,
  expiresAt: null,
  conditions: {},
  caps: { money: null, uses: null },
  reviewIntervalDays: null,
};

const TASK_QUEUE = 'test';

/** A database with one policy and one violation of it, a Temporal namespace, and workers when asked for. */
export async function createWorld(channels: readonly Channel[] = []) {
  const database = await createTestDatabase();
  const temporal = await connectTestTemporal();
  const { pool } = database;
  const deps: ActivityDeps = {
    pool,
    temporal: temporal.client,
    taskQueue: TASK_QUEUE,
    providers: {
      names: [],
      get: () => {
        throw new Error('these tests reach no provider');
      },
    },
    channels: new Map(channels.map((channel) => [channel.name, channel])),
    settings: defaultSettings(),
    directory: DIRECTORY,
    now: Date.now,
    log: { info() {}, warn() {}, error() {} },
  };
  const { documents } = parsePolicies(POLICY, null);
  await transaction(pool, (db) => seedPolicies(db, documents, Date.now()));

  async function startWorker(): Promise<{ stop(): Promise<void> }> {
    const worker = await Worker.create({
      connection: temporal.nativeConnection,
      namespace: temporal.namespace,
      taskQueue: TASK_QUEUE,
      workflowBundle: await workflowBundle(),
      activities: createActivities(deps),
      stickyQueueScheduleToStartTimeout: 200,
    });
    const running = worker.run();
    return {
      async stop() {
        worker.shutdown();
        await running;
      },
    };
  }

  async function insertViolation(resourceId: string): Promise<string> {
    const id = `vio_${resourceId}`;
    await pool.query(
      `insert into resources (provider, account, type, id, name, region, tags, specs, cost_source, team, first_seen_at, last_seen_at, last_scan_id)
       values ('simulated', '1111', 'compute/instance', $1, $1, 'r', '{}', '{"vcpus":32}', 'none', 'CC-1', now(), now(), 's')
       on conflict do nothing`,
      [resourceId],
    );
    await pool.query(
      `insert into violations (id, episode, status, provider, account, resource_type, resource_id, tags, policy_name, policy_version, rule_name,
         severity, enforcement, message, checks, recommended_action, action_parameters, team, detected_at, last_seen_at)
       values ($1, 1, 'open', 'simulated', '1111', 'compute/instance', $2, '{}', 'sizes', '1.0.0', 'vcpus', 'high', 'deny', 'too big', '[]',
         'notify', '{}', 'CC-1', now(), now())`,
      [id, resourceId],
    );
    return id;
  }

  function prepare(given: Partial<ExceptionRequest> = {}, principal = 'dana', settings: Partial<Settings['exceptions']> = {}) {
    const house = { directory: DIRECTORY, settings: { ...deps.settings, exceptions: { ...deps.settings.exceptions, ...settings } } };
    return prepareException(pool, { ...REQUEST, ...given }, { principal, at: Date.now() }, house);
  }

  /** As the API does it: one call that starts the workflow and answers when the request is stored. `lengths` stand in place of days. */
  async function request(record: ExceptionRecord, lengths: Partial<ExceptionInput> = {}, workflowId = record.workflowId) {
    const input: ExceptionInput = { record, ...exceptionLengths(record, deps.settings.exceptions, 1), ...lengths };
    const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOWS.exception, {
      taskQueue: TASK_QUEUE,
      workflowId,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    });
    const stored = await temporal.client.workflow.executeUpdateWithStart(requestException, { startWorkflowOperation });
    return { stored, handle: temporal.client.workflow.getHandle(workflowId) };
  }

  return {
    pool,
    deps,
    temporal,
    taskQueue: TASK_QUEUE,
    startWorker,
    insertViolation,
    prepare,
    request,
    record: (name: string, workflowId: string) => recordHistory(temporal.client, workflowId, name),
    async close() {
      await temporal.close();
      await database.drop();
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
