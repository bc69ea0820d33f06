import type { Client } from '@temporalio/client';
import type { ActivityDeps } from '../../src/activities/deps.js';
import type { Catalog } from '../../src/cloud/catalog/catalog.js';
import type { Provider, Providers } from '../../src/cloud/provider.js';
import type { SimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import { createSimulatedProvider } from '../../src/cloud/simulated/provider.js';
import { TollgateError } from '../../src/errors.js';
import { newId } from '../../src/ids.js';
import type { Action, Enforcement, Severity } from '../../src/policy/model.js';
import { parsePolicies } from '../../src/policy/parse.js';
import type { Settings } from '../../src/policy/settings.js';
import type { ActionParameters } from '../../src/policy/verdict.js';
import { type Pool, toTimestamp, transaction } from '../../src/store/db.js';
import { seedPolicies } from '../../src/store/policy-files.js';

export const ACCOUNT = '111122223333';
export const TASK_QUEUE = 'remediation';

/** `idle` stops, `sizes` resizes, `tags` writes tags, `orphans` deletes; the rest differ in one word each. */
export const POLICIES = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: idle }
spec:
  type: Utilization
  rules:
    - { name: low-use, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: stop } }
    - { name: managed-too, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: stop, parameters: { actOnManaged: true } } }
    - { name: told-only, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: stop }, enforcement: { scan: warn } }
    - { name: audited, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: stop }, enforcement: { scan: audit } }
    - { name: to-terminate, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: terminate } }
    - { name: to-notify, resource: compute/instance, period: 7d, avgCpuBelowPercent: 5, remediation: { action: notify } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: sizes }
spec:
  type: ResourceLimit
  rules:
    - { name: vcpus, resource: compute/instance, constraint: { maxVCPUs: 2 } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: tags }
spec:
  type: TagRequirement
  rules:
    - name: project
      resource: storage/volume
      requiredTags: [{ key: project }]
      remediation: { action: tag, parameters: { tags: { project: unassigned } } }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: orphans }
spec:
  type: Orphan
  rules:
    - { name: volume, resource: storage/volume, unattachedDays: 7, remediation: { action: delete } }
`;

/** Lengths of a test: a grace is a few hundred ms, a window lasts as long as the test needs it. */
export const settings: Settings = {
  currency: 'USD',
  accounts: [],
  allowAutoTerminate: false,
  allowAutoDeleteVolumes: false,
  createSnapshotBeforeStop: true,
  blastRadius: { policy: { min: 1_000, percent: 10 }, team: { min: 1_000, percent: 25 }, moneyPerHour: null, windowMs: 3_600_000 },
  course: {
    highGraceMs: 150,
    mediumNoticeMs: 150,
    remindersBeforeMs: [1_600, 800],
    undoWindowMs: 60_000,
    maxPostponeMs: 10_000,
    newEpisodeAfterMs: 60_000,
  },
  exceptions: {
    remindAfterMs: 60_000,
    escalateAfterMs: 60_000,
    lapseAfterMs: 60_000,
    holdDestructiveMs: 60_000,
    warnBeforeMs: 60_000,
    closeWhenCompliantMs: 60_000,
    reviewIntervalDays: 90,
  },
  runTasks: { origins: [] },
  budgets: { holdExpiresAfterMs: 7_200_000, billedAfterMs: 259_200_000 },
  scan: { hour: 2, minute: 0, pageSize: 100, parallelShards: 4 },
};

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

export function depsOf(pool: Pool, temporal: Client, catalog: Catalog, changes: Partial<Settings> = {}): ActivityDeps {
  return {
    pool,
    temporal,
    taskQueue: TASK_QUEUE,
    providers: providersOf(createSimulatedProvider({ pool, catalog, transitionMs: 20 })),
    channels: new Map([['console', { name: 'console', deliver: () => Promise.resolve() }]]),
    settings: { ...settings, ...changes },
    directory,
    now: Date.now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
}

/** What a scan would have found; the defaults are those of rule `idle`/`low-use` at severity high. */
export interface Found {
  readonly id?: string;
  readonly type?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly severity?: Severity;
  readonly enforcement?: Enforcement;
  readonly action?: Action;
  readonly parameters?: ActionParameters;
  readonly graceMs?: number | null;
  readonly owner?: string | null;
  readonly team?: string;
  readonly savings?: string | null;
}

const KINDS = {
  idle: { type: 'compute/instance', rule: 'low-use', action: 'stop' },
  sizes: { type: 'compute/instance', rule: 'vcpus', action: 'resize' },
  tags: { type: 'storage/volume', rule: 'project', action: 'tag' },
  orphans: { type: 'storage/volume', rule: 'volume', action: 'delete' },
} as const;

export async function insertViolation(pool: Pool, found: Found, at = Date.now()): Promise<string> {
  const id = newId('vio');
  const policy = found.policy ?? 'idle';
  const kind = KINDS[policy as keyof typeof KINDS];
  await pool.query(
    `insert into violations (id, episode, status, provider, account, resource_type, resource_id, region, tags, policy_name, policy_version,
       rule_name, severity, enforcement, message, checks, recommended_action, action_parameters, grace_ms, estimated_monthly_savings, team,
       owner, detected_at, last_seen_at)
     values ($1, 1, 'open', 'simulated', $2, $3, $4, 'us-east-1', '{}', $5, '1.0.0', $6, $7, $8, 'it costs too much', '[]', $9, $10, $11, $12,
       $13, $14, $15, $15)`,
    [
      id,
      ACCOUNT,
      found.type ?? kind.type,
      found.id ?? 'i-1',
      policy,
      found.rule ?? kind.rule,
      found.severity ?? 'high',
      found.enforcement ?? 'deny',
      found.action ?? kind.action,
      JSON.stringify(found.parameters ?? {}),
      found.graceMs ?? null,
      found.savings ?? null,
      found.team ?? 'CC-1',
      found.owner === undefined ? 'dana@company.com' : found.owner,
      toTimestamp(at),
    ],
  );
  return id;
}

export async function idleInstance(admin: SimulatedAdmin, id: string, more: object = {}): Promise<void> {
  const metrics = { avg_cpu_percent: 1, avg_network_bytes_per_day: 1_000, days: 30 };
  const specs = { instance_type: 'm7i.4xlarge' };
  await admin.createResource({
    account: ACCOUNT,
    region: 'us-east-1',
    type: 'compute/instance',
    id,
    state: 'running',
    specs,
    metrics,
    ...more,
  });
}

/** A volume that nobody has used for a month. */
export async function orphanedVolume(admin: SimulatedAdmin, id: string, more: object = {}): Promise<void> {
  const specs = { size_gb: 10, volume_type: 'ssd' };
  const detached_at = new Date(Date.now() - 30 * 86_400_000).toISOString();
  await admin.createResource({ account: ACCOUNT, region: 'us-east-1', type: 'storage/volume', id, specs, detached_at, ...more });
}
