import { z } from 'zod';
import type { ScanRecord, ScanScope, ScanStatus } from '../../policy/records.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, text, toWireInstant, wireObject, workflowLink } from './values.js';

const STATUSES = ['running', 'completed', 'partial', 'failed', 'cancelled'] as const satisfies readonly ScanStatus[];

export const scanRequest = wireObject({
  provider: text(64).optional(),
  account: text(128).optional(),
  region: text(64).optional(),
  types: expecting('a list of 1 to 100 resource types', z.array(text(200)).min(1).max(100)).optional(),
  dry_run: z.boolean().default(false),
}).meta({ id: 'ScanRequest', description: 'What to scan; empty scans everything' });

export function toScope({ provider, account, region, types }: z.output<typeof scanRequest>): ScanScope {
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
    ...(types === undefined ? {} : { types }),
  };
}

export const scanStarted = z.object({ id: z.string(), status: z.literal('running'), workflow: workflowLink }).meta({ id: 'ScanStarted' });
export const scanQuery = wireObject({ ...pageQuery, status: z.enum(STATUSES).optional() });

const count = z.int();

export const scanSchema = z
  .object({
    id: z.string(),
    status: z.enum(STATUSES),
    trigger: z.enum(['manual', 'schedule', 'startup']),
    scope: z.object({ provider: z.string(), account: z.string(), region: z.string(), types: z.array(z.string()) }).partial(),
    dry_run: z.boolean(),
    requested_by: z.string(),
    started_at: instant,
    ended_at: instant.nullable(),
    duration_seconds: z.number().nullable(),
    shards: z.object({ total: count, completed: count, failed: count }),
    pages: count,
    resources_scanned: count,
    violations_found: count,
    violations_actionable: count,
    violations_new: count,
    violations_resolved: count,
    unknowns: count,
    remediations_started: count,
    remediations_completed: count,
    remediations_failed: count,
    compliance_score: z.number().nullable(),
    level: z.enum(['compliant', 'partial', 'non_compliant']).nullable(),
    status_word: z.enum(['good', 'warning', 'critical']).nullable(),
    errors: z.array(z.object({ shard: z.string(), message: z.string() })),
    workflow: workflowLink,
  })
  .meta({ id: 'Scan' });

/** Scores from here up are good or compliant, and warning or partial. */
const GOOD = 95;
const WARNING = 80;

function byScore<T>(score: number | null, words: readonly [good: T, warning: T, critical: T]): T | null {
  if (score === null) return null;
  if (score >= GOOD) return words[0];
  return score >= WARNING ? words[1] : words[2];
}

export function toWireScan(scan: ScanRecord, workflow: z.infer<typeof workflowLink>): z.infer<typeof scanSchema> {
  const { types, ...scope } = scan.scope;
  return {
    id: scan.id,
    status: scan.status,
    trigger: scan.trigger,
    scope: { ...scope, ...(types === undefined ? {} : { types: [...types] }) },
    dry_run: scan.dryRun,
    requested_by: scan.requestedBy,
    started_at: toWireInstant(scan.startedAt),
    ended_at: toWireInstant(scan.endedAt),
    duration_seconds: scan.endedAt === null ? null : (scan.endedAt - scan.startedAt) / 1_000,
    shards: scan.shards,
    pages: scan.pages,
    resources_scanned: scan.resourcesScanned,
    violations_found: scan.violationsFound,
    violations_actionable: scan.violationsActionable,
    violations_new: scan.violationsNew,
    violations_resolved: scan.violationsResolved,
    unknowns: scan.unknowns,
    remediations_started: scan.remediationsStarted,
    remediations_completed: scan.remediationsCompleted,
    remediations_failed: scan.remediationsFailed,
    compliance_score: scan.complianceScore,
    level: byScore(scan.complianceScore, ['compliant', 'partial', 'non_compliant']),
    status_word: byScore(scan.complianceScore, ['good', 'warning', 'critical']),
    errors: [...scan.errors],
    workflow,
  };
}
