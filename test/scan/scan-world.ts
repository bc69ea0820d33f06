import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { createScanActivities } from '../../src/activities/scan.js';
import type { ScanSummary } from '../../src/activities/scan-close.js';
import { readShard, type ScanShardInput } from '../../src/activities/scan-shard.js';
import type { Provider, Providers } from '../../src/cloud/provider.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import { TollgateError } from '../../src/errors.js';
import { newId } from '../../src/ids.js';
import type { Resource } from '../../src/policy/model.js';
import { parsePolicies } from '../../src/policy/parse.js';
import type { ScanScope, ViolationRecord } from '../../src/policy/records.js';
import { type Pool, toTimestamp, transaction } from '../../src/store/db.js';
import { createCompiledCache } from '../../src/store/enforcing.js';
import { seedPolicies } from '../../src/store/policy-files.js';
import type { ShardOutcome } from '../../src/store/reconcile.js';
import { listViolations } from '../../src/store/violations.js';
import { createTestCloud, type TestCloud } from '../cloud/simulated-cloud.js';

export const ACCOUNT = '111122223333';

/** Limits are `high` at scan, tags `medium`, `notes` is audited only, `hints` low without a course. */
export const POLICIES = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: sizes }
spec:
  type: ResourceLimit
  rules:
    - { name: vcpus, resource: compute/instance, constraint: { maxVCPUs: 16 } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: notes }
spec:
  type: TagRequirement
  rules:
    - { name: project, resource: storage/volume, requiredTags: [{ key: project }], enforcement: { scan: audit } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: hints }
spec:
  type: TagRequirement
  rules:
    - { name: cost-center, resource: storage/volume, requiredTags: [{ key: cost-center }], severity: { scan: low } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: idle }
spec:
  type: Utilization
  rules:
    - { name: idle, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5 }
`;

export const settings = defaultSettings();

export const directory = {
  people: [],
  groups: { finops: ['fiona@company.com'] },
  owners: { team: ['tag:cost-center'], owner: ['tag:owner'], fallback: ['finops'] },
};

export async function seedTestPolicies(pool: Pool, text = POLICIES): Promise<void> {
  const { documents, issues } = parsePolicies(text, null);
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  await transaction(pool, (db) => seedPolicies(db, documents, Date.UTC(2026, 0, 1)));
}

export function providersOf(...all: readonly Provider[]): Providers {
  return {
    names: all.map(({ name }) => name),
    get(name) {
      const found = all.find((provider) => provider.name === name);
      if (found === undefined) throw new TollgateError('not-found', `no provider \`${name}\``);
      return found;
    },
  };
}

export interface ScanWorld extends TestCloud {
  readonly activities: ReturnType<typeof createScanActivities>;
  /** What the workflow does up to the end, without what enforces. */
  scan(options?: ScanOptions): Promise<ScanSummary>;
  /** Opens and plans a scan; answers its id and its shards. */
  open(options?: ScanOptions): Promise<{ readonly scanId: string; readonly shards: readonly string[] }>;
  read(scanId: string, shard: string, pageSize?: number): Promise<ShardOutcome | null>;
  violations(resource?: string): Promise<readonly ViolationRecord[]>;
  instance(id: string, vcpus: number): Promise<Resource>;
}

export interface ScanOptions {
  readonly scope?: ScanScope;
  readonly dryRun?: boolean;
  readonly pageSize?: number;
}

/** A simulated cloud whose time passes when told, with the activities of a scan; no Temporal. */
export async function createScanWorld(changeDeps: (deps: ActivityDeps) => ActivityDeps = (deps) => deps): Promise<ScanWorld> {
  const cloud = await createTestCloud();
  await seedTestPolicies(cloud.pool);
  const deps: ActivityDeps = {
    pool: cloud.pool,
    temporal: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    taskQueue: 'none',
    providers: providersOf(cloud.provider),
    channels: new Map([['console', { name: 'console', deliver: () => Promise.resolve() }]]),
    settings,
    directory,
    now: cloud.now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
  const changed = changeDeps(deps);
  const activities = createScanActivities(changed);
  const policies = createCompiledCache();
  const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> => new MockActivityEnvironment().run(activity, input);
  const world: ScanWorld = {
    ...cloud,
    activities,
    async open({ scope = {}, dryRun = false } = {}) {
      const scanId = newId('scan');
      await run(activities.openScan, { id: scanId, trigger: 'manual', scope, dryRun, requestedBy: 'test', workflowId: `scan/${scanId}` });
      return { scanId, shards: await run(activities.nextShards, { scanId, after: null, limit: 100 }) };
    },
    read: (scanId, shard, pageSize = 100) =>
      run((input: ScanShardInput) => readShard({ ...changed, policies }, input), { scanId, shard, pageSize }),
    async scan(options = {}) {
      const { scanId, shards } = await world.open(options);
      for (const shard of shards) {
        await world
          .read(scanId, shard, options.pageSize)
          .catch((error: Error) => run(activities.failShards, { scanId, shards: [shard], error: error.message }));
      }
      const summary = await run(activities.endScan, { scanId, end: 'done', error: null });
      if (summary === null) throw new Error('the scan was never opened');
      return summary;
    },
    async violations(resource) {
      const page = await listViolations(cloud.pool, { resource }, { limit: 1_000, cursor: null });
      return [...page.items].sort((a, b) => a.episode - b.episode || (a.id < b.id ? -1 : 1));
    },
    instance: (id, vcpus) =>
      cloud.admin.createResource({
        account: ACCOUNT,
        region: 'us-east-1',
        type: 'compute/instance',
        id,
        specs: { vcpus },
        hourly_cost: '0.5',
      }),
  };
  return world;
}

/** The part of a violation that a table of reconciliation speaks of. */
export const inShort = ({ episode, status, closeReason }: ViolationRecord) =>
  `${episode} ${status}${closeReason === null ? '' : ` (${closeReason})`}`;

/** A remediation as it stands in the database, without its workflow. */
export async function putRemediation(
  pool: Pool,
  violation: ViolationRecord,
  state: { readonly phase: string; readonly result?: string; readonly closedAt?: number },
): Promise<void> {
  const id = newId('rem');
  const { resource } = violation;
  await pool.query(
    `insert into remediations (id, violation_id, provider, account, resource_type, resource_id, policy_name, policy_version, rule_name, team,
       action, parameters, phase, severity, detected_at, act_at, result, closed_at, created_at, updated_at, workflow_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'stop_instance', '{}', $11, $12, $13, $13, $14, $15, $13, $13, $1)`,
    [
      id,
      violation.id,
      violation.provider,
      resource.account,
      resource.type,
      resource.id,
      violation.policyName,
      violation.policyVersion,
      violation.ruleName,
      violation.team,
      state.phase,
      violation.severity,
      toTimestamp(violation.detectedAt),
      state.result ?? null,
      toTimestamp(state.closedAt ?? null),
    ],
  );
  await pool.query('update violations set remediation_id = $2 where id = $1', [violation.id, id]);
}

export interface ExceptionInShort {
  readonly resourceId: string;
  readonly approvedAt: number;
  readonly expiresAt?: number;
  readonly capMoney?: string;
  readonly state?: string;
}

/** An approved exception to `sizes`/`vcpus`. */
export async function putException(pool: Pool, exception: ExceptionInShort): Promise<string> {
  const id = newId('exc');
  await pool.query(
    `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, conditions, cap_money, requested_by, requested_at,
       approvers, approved_by, approved_at, expires_at, workflow_id)
     values ($1, 'temporary', 'approved', $2, 'sizes', 'vcpus', 'test', $3, $4, 'dana@company.com', $5, '{}', 'bob@company.com', $5, $6, $1)`,
    [
      id,
      JSON.stringify({ kind: 'resource', resourceId: exception.resourceId, account: ACCOUNT, resourceType: 'compute/instance' }),
      JSON.stringify(exception.state === undefined ? {} : { state: exception.state }),
      exception.capMoney ?? null,
      toTimestamp(exception.approvedAt),
      toTimestamp(exception.expiresAt ?? null),
    ],
  );
  return id;
}
