/**
 * Brings back workflows that are lost while their row lives: the Temporal database is a new one, or the workflow failed. What they
 * promise is in our database; a new run goes on from there.
 */
import type { Client } from '@temporalio/client';
import { exceptionLengths } from '../policy/exception-request.js';
import type { ExceptionTold } from '../policy/exception-schedule.js';
import type { ExceptionRecord } from '../policy/records.js';
import { findStoredApproval } from '../store/approvals.js';
import { findStoredException } from '../store/exceptions.js';
import { getInstallation } from '../store/installation.js';
import { listNotices } from '../store/outbox.js';
import { type LiveRow, listLiveExceptionRows, listLiveRemediations, listPendingApprovalRows } from '../store/revival.js';
import { approvalOptions } from '../workflows/approval-messages.js';
import type { ExceptionInput } from '../workflows/exception-messages.js';
import { SA_PHASE, SA_POLICY, WORKFLOWS } from '../workflows/messages.js';
import type { ActivityDeps } from './deps.js';
import { reviveRemediation } from './revive-remediation.js';
import { startOnce } from './start-once.js';

type ReviveDeps = Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue' | 'settings' | 'now'>;

const BATCH = 100;

/**
 * Answers how many were brought back, until `stopping` answers true. Cheap when all is well: one question for each hundred. Safe to
 * repeat, also several times at once.
 */
export async function reviveRemediations(deps: ReviveDeps, stopping = () => false): Promise<number> {
  const list = (after: string) => listLiveRemediations(deps.pool, after, BATCH);
  return reviveEach(deps, stopping, list, (id) => reviveRemediation(deps, id));
}

/** As `reviveRemediations`. */
export async function reviveApprovals(deps: ReviveDeps & Pick<ActivityDeps, 'directory'>, stopping = () => false): Promise<number> {
  const list = (after: string) => listPendingApprovalRows(deps.pool, after, BATCH);
  return reviveEach(deps, stopping, list, (id) => reviveApproval(deps, id));
}

/** As `reviveRemediations`. */
export async function reviveExceptions(deps: ReviveDeps, stopping = () => false): Promise<number> {
  const list = (after: string) => listLiveExceptionRows(deps.pool, after, BATCH);
  return reviveEach(deps, stopping, list, (id) => reviveException(deps, id));
}

async function reviveEach(
  { temporal }: ReviveDeps,
  stopping: () => boolean,
  list: (after: string) => Promise<readonly LiveRow[]>,
  revive: (id: string) => Promise<boolean>,
): Promise<number> {
  let revived = 0;
  for (let after = ''; ; ) {
    const batch = await list(after);
    const last = batch.at(-1);
    if (last === undefined || stopping()) return revived;
    const running = await runningAmong(temporal, batch);
    for (const { id, workflowId } of batch) if (!running.has(workflowId) && (await revive(id))) revived += 1;
    after = last.id;
  }
}

/** Those that run. Temporal's index lags behind a little: one that is missing may just have been started, and starting it again does no harm. */
async function runningAmong(temporal: Client, rows: readonly LiveRow[]): Promise<ReadonlySet<string>> {
  const ids = rows.map(({ workflowId }) => `'${workflowId.replaceAll("'", "''")}'`).join(', ');
  const query = `WorkflowId IN (${ids}) AND ExecutionStatus = 'Running'`;
  const running = new Set<string>();
  for await (const { workflowId } of temporal.workflow.list({ query, pageSize: BATCH })) running.add(workflowId);
  return running;
}

async function reviveException(deps: ReviveDeps, id: string): Promise<boolean> {
  const stored = await findStoredException(deps.pool, id);
  if (stored === undefined || (stored.record.status !== 'pending' && stored.record.status !== 'approved')) return false;
  const { record, seq } = stored;
  const { acceleration } = await getInstallation(deps.pool);
  const stages = (await listNotices(deps.pool, id)).map(({ stage }) => stage);
  // That remediations were told is not known: they are told again.
  const resumed = { seq, told: toldOf(record, stages), followed: 'pending', ending: null } as const;
  const input: ExceptionInput = { record, ...exceptionLengths(record, deps.settings.exceptions, acceleration), resumed };
  return startOnce(deps, WORKFLOWS.exception, {
    workflowId: record.workflowId,
    args: [input],
    staticSummary: `exception to ${record.policyName}/${record.ruleName}`,
    typedSearchAttributes: [
      { key: SA_POLICY, value: record.policyName },
      { key: SA_PHASE, value: record.status },
    ],
  });
}

async function reviveApproval(deps: Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue' | 'directory'>, id: string): Promise<boolean> {
  const record = await findStoredApproval(deps.pool, id);
  if (record?.status !== 'pending') return false;
  const { currency } = await getInstallation(deps.pool);
  return startOnce(deps, WORKFLOWS.approval, approvalOptions(record, { currency, directory: deps.directory }));
}

/** What its notices say has been done. */
function toldOf({ reviewDueAt }: ExceptionRecord, stages: readonly string[]): ExceptionTold {
  const reviews = stages.filter((stage) => stage.startsWith('review-')).map((stage) => Date.parse(stage.slice(stage.indexOf(':') + 1)));
  const at = Math.max(...reviews);
  return {
    reminded: stages.includes('reminder'),
    escalated: stages.includes('escalated'),
    warned: stages.includes('expiring'),
    review: reviewDueAt !== null && at >= reviewDueAt ? { dueAt: reviewDueAt, at } : null,
  };
}
