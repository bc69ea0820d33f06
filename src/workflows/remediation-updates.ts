/** What people and other workflows may say to a remediation, and what it answers. */
import { ApplicationFailure, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { RemediationRecord } from '../policy/records.js';
import { type ByPrincipal, REFUSALS, type RefusalType } from './messages.js';
import {
  type ApproveRemediation,
  approveRemediation,
  type CancelRemediation,
  cancelRemediation,
  lookAgain,
  type PostponeRemediation,
  postponeRemediation,
  retryRemediation,
  type UndoRemediation,
  undoRemediation,
  violationClosed,
} from './remediation-messages.js';
import type { Activities, Life, UndoRequest } from './remediation-state.js';
import { cloud } from './remediation-steps.js';

const batches = proxyActivities<Pick<Activities, 'releaseBlastRadius'>>({ startToCloseTimeout: '30 seconds' });

/** Registered before the first await, so that no early message is refused. */
export function registerHandlers(life: Life): void {
  setHandler(lookAgain, () => {
    life.wake();
  });
  setHandler(violationClosed, ({ result, message }) => {
    // What may be the work of an act that was left unfinished is not forgotten with it: nobody could undo it.
    if (!canBeCalledOff(life) || life.state.unfinished !== null) return;
    const violation = result === 'resolved' ? ({ kind: 'close', status: 'resolved', reason: message } as const) : null;
    life.ending = { result, message, principal: null, violation, notice: false };
    life.wake();
  });
  setHandler(approveRemediation, (request) => approve(life, request), { validator: (_request) => checkApprove(life) });
  setHandler(postponeRemediation, (request) => postpone(life, request), { validator: (request) => checkPostpone(life, request) });
  setHandler(cancelRemediation, (request) => cancel(life, request), { validator: (request) => checkCancel(life, request) });
  setHandler(retryRemediation, (request) => retry(life, request), { validator: (_request) => checkRetry(life) });
  setHandler(undoRemediation, (request) => undo(life, request), { validator: (_request) => checkUndo(life) });
}

function refuse(type: RefusalType, message: string, path?: string): never {
  throw ApplicationFailure.nonRetryable(message, type, ...(path === undefined ? [] : [[{ path, message }]]));
}

/** From the first effect on nothing can be called off. */
function canBeCalledOff(life: Life): boolean {
  const { phase } = life.state.view;
  return life.ending === null && !life.committed && phase !== 'verifying' && phase !== 'undo_window' && phase !== 'closed';
}

function requireReason(reason: string): void {
  if (reason.trim() === '') refuse(REFUSALS.invalid, 'a reason is required', 'reason');
}

function requireOpen(life: Life, what: string): void {
  if (canBeCalledOff(life)) return;
  const { phase } = life.state.view;
  refuse(REFUSALS.wrongState, `cannot be ${what} in phase \`${phase}\`${phase === 'undo_window' ? ', it can be undone' : ''}`);
}

const CONSENTED = ['terminate_instance', 'delete_volume', 'delete_address', 'delete_snapshot'];

function checkApprove(life: Life): void {
  requireOpen(life, 'approved');
  const { phase, waitingFor, action } = life.state.view;
  if (phase === 'awaiting_operator') refuse(REFUSALS.wrongState, 'its action failed: it can be retried or cancelled');
  if (waitingFor !== 'blast_radius' && !CONSENTED.includes(action)) refuse(REFUSALS.wrongState, `\`${action}\` needs no approval`);
}

async function approve(life: Life, { principal, comments }: ApproveRemediation): Promise<RemediationRecord> {
  const { waitingFor, action } = life.state.view;
  // First what may refuse: a release holds for the whole batch.
  const fingerprint = CONSENTED.includes(action) ? await consentTo(life) : null;
  if (waitingFor === 'blast_radius') await releaseBatch(life, principal, comments);
  if (fingerprint !== null) life.state.approvedFingerprint = fingerprint;
  life.set({ approvedBy: principal });
  life.record('approved', { comments }, principal);
  life.audit(principal, 'remediation.approve', { comments });
  await life.flush();
  life.wake();
  return life.toRecord();
}

async function releaseBatch(life: Life, principal: string, comments: string | null): Promise<void> {
  const { remediationId, policyName, team } = life.input;
  const released = await batches.releaseBlastRadius.executeWithOptions({ summary: 'release the batch' }, [
    { remediationId, policyName, team, principal },
  ]);
  life.record('batch-released', { remediations: released, comments }, principal);
}

/** An approval is bound to the resource as it is now: it does not outlive a change of it. */
async function consentTo(life: Life): Promise<string> {
  const { key } = life.input;
  const fingerprint = await cloud.readFingerprint.executeWithOptions({ summary: `what is approved of ${key.id}` }, [key]);
  if (!canBeCalledOff(life)) refuse(REFUSALS.wrongState, `it went on to phase \`${life.state.view.phase}\` meanwhile`);
  return fingerprint ?? refuse(REFUSALS.wrongState, 'the resource cannot be read now: what is approved would not be known');
}

function checkPostpone(life: Life, { until, reason }: PostponeRemediation): void {
  requireOpen(life, 'postponed');
  requireReason(reason);
  if (life.state.unfinished !== null) refuse(REFUSALS.wrongState, 'its act was begun and not finished: it can be retried or cancelled');
  const { actAt, postponedMs } = life.state.view;
  if (!Number.isFinite(until)) refuse(REFUSALS.invalid, 'expected a moment', 'until');
  if (until <= actAt) refuse(REFUSALS.invalid, `expected a moment after ${new Date(actAt).toISOString()}, when it acts`, 'until');
  const latest = actAt + life.input.maxPostponeMs - postponedMs;
  if (until > latest) {
    refuse(REFUSALS.wrongState, `it can be postponed until ${new Date(latest).toISOString()} at most; longer needs an exception`);
  }
}

async function postpone(life: Life, { until, reason, principal }: PostponeRemediation): Promise<RemediationRecord> {
  const { actAt, postponedMs, escalateAt, escalated } = life.state.view;
  const phase = escalateAt !== null && !escalated ? 'notice' : 'grace';
  life.set({ actAt: until, postponedMs: postponedMs + until - actAt, phase, waitingFor: null, result: null, resultMessage: null });
  const times = { from: new Date(actAt).toISOString(), until: new Date(until).toISOString(), reason };
  life.record('postponed', times, principal);
  life.audit(principal, 'remediation.postpone', times);
  await life.flush();
  life.wake();
  return life.toRecord();
}

function checkCancel(life: Life, { reason }: CancelRemediation): void {
  requireOpen(life, 'cancelled');
  requireReason(reason);
}

async function cancel(life: Life, { principal, reason }: CancelRemediation): Promise<RemediationRecord> {
  life.ending = { result: 'cancelled', message: `cancelled by ${principal}: ${reason}`, principal, violation: null, notice: true };
  life.record('cancelled', { reason }, principal);
  life.audit(principal, 'remediation.cancel', { reason });
  life.wake();
  await condition(() => life.closed);
  return life.toRecord();
}

function checkRetry(life: Life): void {
  if (life.ending !== null || life.state.view.phase !== 'awaiting_operator')
    refuse(REFUSALS.wrongState, 'its action has not failed: there is nothing to retry');
}

async function retry(life: Life, { principal }: ByPrincipal): Promise<RemediationRecord> {
  life.retryAsked = true;
  life.set({ phase: 'acting', waitingFor: null, result: null, resultMessage: null });
  life.record('retry-requested', {}, principal);
  life.audit(principal, 'remediation.retry', {});
  await life.flush();
  life.wake();
  return life.toRecord();
}

function checkUndo(life: Life): void {
  const { phase } = life.state.view;
  if (phase !== 'undo_window') refuse(REFUSALS.wrongState, `cannot be undone in phase \`${phase}\``);
  if (life.undoRequest !== null) refuse(REFUSALS.wrongState, 'it is being undone');
}

async function undo(life: Life, request: UndoRemediation): Promise<RemediationRecord> {
  const asked: UndoRequest = { ...request, failure: null };
  life.undoRequest = asked;
  life.wake();
  await condition(() => asked.failure !== null);
  if (asked.failure !== '') refuse(REFUSALS.wrongState, `could not be undone: ${asked.failure}`);
  return life.toRecord();
}
