/** What an exception does to violations: it covers those that match while it is in force, and gives them up when it ends. */
import { compileExceptions, findException } from '../policy/exception.js';
import type { ExceptionRecord, ViolationRecord } from '../policy/records.js';
import type { Db } from '../store/db.js';
import { getException, listApprovedExceptions } from '../store/exceptions.js';
import { findInventoryByKey } from '../store/inventory.js';
import { listViolations, markExcepted, reopenViolationAsNewEpisode, type ViolationFilter } from '../store/violations.js';
import { allPages } from './all-pages.js';
import type { ActivityDeps } from './deps.js';
import { nudgeRemediations, signalViolationClosed, startRemediations } from './remediation-start.js';

/** Marks the open violations that the exception now in force permits, by the same matching as everywhere. In its transaction. */
export async function coverViolations(db: Db, exception: ExceptionRecord, at: number): Promise<void> {
  const { policyName, ruleName, target } = exception;
  const resource = target.kind === 'resource' ? { resource: target.resourceId, account: target.account } : {};
  const open = await allViolations(db, { status: 'open', policy: policyName, rule: ruleName, ...resource });
  const covered: string[] = [];
  for (const violation of open) if ((await coveringException(db, [exception], violation, at)) !== undefined) covered.push(violation.id);
  await markExcepted(db, covered, exception.id, at);
}

/** Opens a new episode, detected now, for each live violation that the ended exception covered; another one in force takes over. In its transaction. */
export async function uncoverViolations(db: Db, exception: ExceptionRecord, at: number): Promise<void> {
  const covered = await allViolations(db, { status: 'excepted', exception: exception.id });
  if (covered.length === 0) return;
  const approved = await listApprovedExceptions(db, exception.policyName, exception.ruleName);
  const others = approved.filter(({ id }) => id !== exception.id);
  for (const violation of covered) {
    const reopened = await reopenViolationAsNewEpisode(db, violation.id, at);
    const other = await coveringException(db, others, violation, at);
    if (other !== undefined) await markExcepted(db, [reopened], other.id, at);
  }
}

async function coveringException(
  db: Db,
  exceptions: readonly ExceptionRecord[],
  violation: ViolationRecord,
  at: number,
): Promise<ExceptionRecord | undefined> {
  const { provider, policyName, ruleName } = violation;
  const { account, type, id } = violation.resource;
  const found = await findInventoryByKey(db, { provider, account, type, id });
  if (found === undefined) return undefined;
  return findException(compileExceptions(exceptions), { resource: found.resource, policyName, ruleName, at });
}

function allViolations(db: Db, filter: ViolationFilter): Promise<readonly ViolationRecord[]> {
  return allPages((page) => listViolations(db, filter, page));
}

/** After a move is stored: remediations of covered violations close, waiting ones look again, and what is enforced again gets its remediation. */
export async function followUp(deps: ActivityDeps, id: string): Promise<void> {
  const exception = await getException(deps.pool, id, deps.now());
  const { policyName, ruleName } = exception;
  if (exception.status === 'approved') {
    const covered = await allViolations(deps.pool, { status: 'excepted', exception: id });
    const remediations = covered.map(({ remediationId }) => remediationId).filter((remediation) => remediation !== null);
    await signalViolationClosed(deps, remediations, 'excepted', `exception ${id} permits it`);
  } else if (exception.status !== 'pending') {
    const open = await allViolations(deps.pool, { status: 'open', policy: policyName, rule: ruleName });
    // Only its own successors: what a scan has just found is the scan's to start.
    const reopened = open.filter(({ episode, detectedAt }) => episode > 1 && detectedAt >= (exception.closedAt ?? 0));
    await startRemediations(
      deps,
      reopened.map((violation) => violation.id),
    );
    await nudgeRemediations(deps, { policyName });
  }
}
