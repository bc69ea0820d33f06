/** From a violation to its running remediation: used by the scan, and by exceptions when they end. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { newId } from '../ids.js';
import { courseOf, needsRemediation } from '../policy/course.js';
import { SECOND, waitingLength } from '../policy/durations.js';
import type { RemediationRecord, ViolationRecord } from '../policy/records.js';
import { actionWords, instantWords } from '../policy/remediation-words.js';
import { accountMode } from '../policy/settings.js';
import { transaction } from '../store/db.js';
import { getInstallation } from '../store/installation.js';
import { appendEvents } from '../store/remediation-events.js';
import { listUnstarted, type NewRemediation, openRemediation } from '../store/remediation-writes.js';
import { getRemediationOf, listWaitingWorkflows, type WaitingFilter } from '../store/remediations.js';
import { findViolation, getViolation } from '../store/violations.js';
import { KEYWORD_LENGTH, SA_DEADLINE, SA_PHASE, SA_POLICY, SA_SEVERITY, SA_TEAM, WORKFLOWS, workflowIds } from '../workflows/messages.js';
import { lookAgain, type RemediationInput, type RevivedRemediation, violationClosed } from '../workflows/remediation-messages.js';
import type { ActivityDeps } from './deps.js';
import { startOnce } from './start-once.js';

export type StartDeps = Pick<ActivityDeps, 'pool' | 'temporal' | 'taskQueue' | 'settings' | 'now'>;
export interface StartOptions {
  /** How soon a remediation that waits looks again by itself; each further wait is longer, see `backoff`. @default 5 s */
  readonly recheckEveryMs?: number;
  /** Where an earlier workflow, which is lost, stood. */
  readonly revived?: RevivedRemediation;
}

type SignalDeps = Pick<ActivityDeps, 'pool' | 'temporal'>;

/** So many starts and signals are under way at once. */
const CONCURRENCY = 8;
const RECHECK_EVERY_MS = 5 * SECOND;
/** A row younger than this may be one whose workflow is just being started. */
const UNSTARTED_AFTER_MS = 30 * SECOND;
const MOST_UNSTARTED = 100_000;

/** Opens the remediation of each violation that is open and gets a course; answers how many are new. Safe to repeat. Starts nothing. */
export async function openRemediations(deps: StartDeps, violationIds: readonly string[]): Promise<number> {
  const { acceleration } = await getInstallation(deps.pool);
  let opened = 0;
  await eachOf(violationIds, async (violationId) => {
    const violation = await findViolation(deps.pool, violationId);
    if (violation?.status !== 'open' || violation.remediationId !== null || !needsRemediation(violation)) return;
    if (await open(deps, violation, acceleration)) opened += 1;
  });
  return opened;
}

/**
 * Opens and starts the remediation of each violation that is open and gets a course; answers how many are new. Safe to repeat, and
 * safe under a crash between the row and the start: the next call starts what has a row and no workflow yet.
 *
 * INVARIANT: all rows are there before the first workflow runs, so that a breach of the blast radius is seen before the first acts. Who
 * starts what belongs together in several calls opens all of it first, with `openRemediations`.
 */
export async function startRemediations(deps: StartDeps, violationIds: readonly string[], options: StartOptions = {}): Promise<number> {
  const opened = await openRemediations(deps, violationIds);
  await startOpened(deps, violationIds, options);
  return opened;
}

/** Starts what `openRemediations` has opened, also in an earlier call. Safe to repeat. */
export async function startOpened(deps: StartDeps, violationIds: readonly string[], options: StartOptions = {}): Promise<void> {
  await eachOf(violationIds, async (violationId) => {
    const violation = await findViolation(deps.pool, violationId);
    // Also where the violation has ended meanwhile: the workflow finds that out and closes the row.
    if (violation === undefined || violation.remediationId === null) return;
    const remediation = await getRemediationOf(deps.pool, violation.id);
    if (remediation.closedAt === null) await startWorkflowOf(deps, remediation, options);
  });
}

/** Starts the workflow of a row, unless it has one; true when it was started. One that failed is followed by a new run. Safe to repeat. */
export async function startWorkflowOf(deps: StartDeps, row: RemediationRecord, options: StartOptions = {}): Promise<boolean> {
  const { acceleration } = await getInstallation(deps.pool);
  const violation = await getViolation(deps.pool, row.violationId);
  return startWorkflow(deps, violation, inputOf(deps, violation, row, { acceleration, ...options }), row);
}

/**
 * Starts the workflows of remediations whose row was written and whose workflow was never started; `afterMs` spares those that somebody
 * is just starting. Answers how many it looked at.
 */
export async function startUnstarted(deps: StartDeps, afterMs = UNSTARTED_AFTER_MS): Promise<number> {
  const violationIds = await listUnstarted(deps.pool, deps.now() - afterMs, MOST_UNSTARTED);
  await startOpened(deps, violationIds);
  return violationIds.length;
}

function newRemediation(deps: StartDeps, violation: ViolationRecord, acceleration: number): NewRemediation {
  const course = courseFor(deps, violation, acceleration);
  const id = newId('rem');
  const { provider, resource } = violation;
  return {
    id,
    violationId: violation.id,
    provider,
    account: resource.account,
    resourceType: resource.type,
    resourceId: resource.id,
    policyName: violation.policyName,
    policyVersion: violation.policyVersion,
    ruleName: violation.ruleName,
    team: violation.team,
    owner: violation.owner,
    action: course.action,
    parameters: violation.actionParameters,
    dryRun: accountMode(deps.settings, provider, resource.account) === 'observe',
    phase: course.phase,
    severity: violation.severity,
    detectedAt: violation.detectedAt,
    escalateAt: course.escalateAt,
    actAt: course.actAt,
    createdAt: deps.now(),
    workflowId: workflowIds.remediation(id),
  };
}

function courseFor(deps: StartDeps, violation: ViolationRecord, acceleration: number) {
  return courseOf({
    ...violation,
    action: violation.recommendedAction,
    parameters: violation.actionParameters,
    resourceType: violation.resource.type,
    settings: deps.settings,
    acceleration,
  });
}

async function open(deps: StartDeps, violation: ViolationRecord, acceleration: number): Promise<boolean> {
  const remediation = newRemediation(deps, violation, acceleration);
  return transaction(deps.pool, async (db) => {
    if (!(await openRemediation(db, remediation))) return false;
    await appendEvents(db, remediation.id, [
      {
        key: 'violation-detected',
        at: violation.detectedAt,
        event: 'violation-detected',
        principal: null,
        details: { message: violation.message },
      },
    ]);
    return true;
  });
}

/** What the row fixes is taken from the row; the lengths that it does not hold are those of the settings. */
function inputOf(
  deps: StartDeps,
  violation: ViolationRecord,
  row: RemediationRecord,
  { acceleration, recheckEveryMs, revived }: StartOptions & { readonly acceleration: number },
): RemediationInput {
  const course = courseFor(deps, violation, acceleration);
  return {
    remediationId: row.id,
    violationId: row.violationId,
    key: { provider: row.provider, account: row.account, type: row.resourceType, id: row.resourceId },
    policyName: row.policyName,
    policyVersion: row.policyVersion,
    ruleName: row.ruleName,
    severity: violation.severity,
    enforcement: violation.enforcement,
    action: row.action,
    parameters: row.parameters,
    team: row.team,
    owner: row.owner,
    message: violation.message,
    detectedAt: row.detectedAt,
    escalateAt: row.escalateAt,
    actAt: row.actAt,
    remindersBeforeMs: course.remindersBeforeMs,
    undoWindowMs: course.undoWindowMs,
    maxPostponeMs: course.maxPostponeMs,
    holdDestructiveMs: waitingLength(deps.settings.exceptions.holdDestructiveMs, acceleration),
    recheckEveryMs: recheckEveryMs ?? RECHECK_EVERY_MS,
    dryRun: row.dryRun,
    createdAt: row.createdAt,
    ...(revived === undefined ? {} : { revived }),
  };
}

function startWorkflow(deps: StartDeps, violation: ViolationRecord, input: RemediationInput, row: RemediationRecord): Promise<boolean> {
  return startOnce(deps, WORKFLOWS.remediation, {
    workflowId: row.workflowId,
    args: [input],
    staticSummary: `${actionWords(row.action)} \`${row.resourceId}\`: ${violation.message}`.slice(0, SUMMARY_LENGTH),
    staticDetails: detailsOf(violation, row),
    typedSearchAttributes: [
      { key: SA_POLICY, value: row.policyName },
      { key: SA_SEVERITY, value: row.severity },
      { key: SA_PHASE, value: row.phase },
      { key: SA_TEAM, value: row.team.slice(0, KEYWORD_LENGTH) },
      { key: SA_DEADLINE, value: new Date(row.escalateAt ?? row.actAt) },
    ],
  });
}

/** Temporal's own limit: 400 bytes of summary. */
const SUMMARY_LENGTH = 120;
function detailsOf(violation: ViolationRecord, row: RemediationRecord): string {
  return [
    `**${violation.message}**`,
    '',
    `- resource: \`${row.resourceType}\` \`${row.resourceId}\` in account \`${row.account}\``,
    `- rule: \`${row.policyName}\` ${row.policyVersion} / \`${row.ruleName}\`, severity ${violation.severity}`,
    `- team: \`${row.team}\`, owner: \`${row.owner ?? 'none'}\``,
    `- course: ${row.escalateAt === null ? '' : `becomes high ${instantWords(row.escalateAt)}, then `}${actionWords(row.action)} ${instantWords(row.actAt)}`,
    `- violation \`${row.violationId}\`, remediation \`${row.id}\``,
  ].join('\n');
}

/**
 * Tells remediations that their violation has ended; one that has closed already, or acts just now, goes its own way. Answers those
 * that have no workflow to be told.
 */
export async function signalViolationClosed(
  deps: SignalDeps,
  remediationIds: readonly string[],
  result: 'resolved' | 'excepted' | 'policy_archived',
  message: string,
): Promise<readonly string[]> {
  const untold: string[] = [];
  await eachOf(remediationIds, async (id) => {
    const handle = deps.temporal.workflow.getHandle(workflowIds.remediation(id));
    if (!(await reaches(handle.signal(violationClosed, { result, message })))) untold.push(id);
  });
  return untold;
}

/** Tells the remediations that wait to look again now instead of at their next look; answers how many. */
export async function nudgeRemediations(deps: SignalDeps, filter: WaitingFilter): Promise<number> {
  const workflows = await listWaitingWorkflows(deps.pool, filter);
  await eachOf(workflows, async (workflowId) => {
    await reaches(deps.temporal.workflow.getHandle(workflowId).signal(lookAgain));
  });
  return workflows.length;
}

/** False when there is no such workflow, or it has ended. */
async function reaches(signalled: Promise<void>): Promise<boolean> {
  try {
    await signalled;
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const runner = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, runner));
}
