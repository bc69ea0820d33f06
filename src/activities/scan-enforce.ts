/** What follows from a reconciled scan: remediations told and begun, exceptions counted and ended. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { needsRemediation } from '../policy/course.js';
import { waitingLength } from '../policy/durations.js';
import { transaction } from '../store/db.js';
import { findStoredException } from '../store/exceptions.js';
import { getInstallation } from '../store/installation.js';
import {
  accrueExceptionCosts,
  closeAbandoned,
  type EndedRemediation,
  listCapsToTell,
  listEndedRemediations,
  listEndingExceptions,
  listWithoutRemediation,
  noteCompliance,
} from '../store/scan-enforcement.js';
import { endException } from '../workflows/exception-messages.js';
import type { ActivityDeps } from './deps.js';
import { tell } from './exception.js';
import { openRemediations, signalViolationClosed, startOpened } from './remediation-start.js';
import { reviveExceptions } from './revive.js';

type EnforceDeps = Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue' | 'settings' | 'now'>;

const BATCH = 100;

/**
 * Tells each remediation that waits for nothing any more; answers how many. Signals that were lost before are made up for. One whose
 * workflow is gone is closed here.
 */
export async function tellEndedRemediations(deps: EnforceDeps): Promise<number> {
  let told = 0;
  for (let after = ''; ; ) {
    const batch = await listEndedRemediations(deps.pool, after, BATCH);
    const last = batch.at(-1);
    if (last === undefined) return told;
    for (const [message, group] of groupBy(batch, wordsFor)) {
      const [first] = group;
      if (first === undefined) continue;
      const ids = group.map(({ id }) => id);
      const untold = await signalViolationClosed(deps, ids, first.result, message);
      await transaction(deps.pool, (db) => closeAbandoned(db, untold, { result: first.result, message }, deps.now()));
    }
    told += batch.length;
    after = last.id;
  }
}

function wordsFor({ result, reason }: EndedRemediation): string {
  if (result === 'excepted') return 'an exception permits it';
  if (result === 'policy_archived') return 'its policy enforces no longer';
  return reason === 'gone' ? 'the resource is gone' : 'a scan no longer shows it';
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/**
 * Starts the remediations of what the scan saw open and without one; answers how many began. Safe to repeat.
 *
 * INVARIANT: every row is there before the first workflow runs, or critical ones would act before the rest is counted in the blast radius.
 */
export async function beginRemediations(deps: EnforceDeps, scanId: string): Promise<number> {
  const opened: string[] = [];
  let began = 0;
  for (let after = ''; ; ) {
    const batch = await listWithoutRemediation(deps.pool, scanId, after, BATCH);
    const last = batch.at(-1);
    if (last === undefined) break;
    const ids = batch.filter(needsRemediation).map(({ id }) => id);
    began += await openRemediations(deps, ids);
    opened.push(...ids);
    after = last.id;
  }
  await startOpened(deps, opened);
  return began;
}

/** Brings back lost workflows of exceptions, counts costs against caps and tells of those half used up, notes who has become compliant, and ends what has come to its end; answers how many end. Safe to repeat. */
export async function keepExceptions(deps: EnforceDeps, scanId: string): Promise<number> {
  const at = deps.now();
  await reviveExceptions(deps);
  await accrueExceptionCosts(deps.pool, scanId, at);
  await tellOfCaps(deps);
  await noteCompliance(deps.pool, scanId, at);
  const { acceleration } = await getInstallation(deps.pool);
  const compliantBefore = at - waitingLength(deps.settings.exceptions.closeWhenCompliantMs, acceleration);
  const ending = await listEndingExceptions(deps.pool, compliantBefore);
  for (const { workflowId, reason } of ending) {
    await deps.temporal.workflow.getHandle(workflowId).signal(endException, { reason }).catch(ignoreClosed);
  }
  return ending.length;
}

async function tellOfCaps(deps: EnforceDeps): Promise<void> {
  for (const { id, stage } of await listCapsToTell(deps.pool)) {
    const stored = await findStoredException(deps.pool, id);
    if (stored !== undefined) await tell(deps, deps.pool, stored.record, stage, null);
  }
}

function ignoreClosed(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
