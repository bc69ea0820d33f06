import { ActivityFailure, allHandlersFinished, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { Look } from '../activities/remediation-look.js';
import type { RemediationPhase, RemediationResult, WaitingFor } from '../policy/records.js';
import { outcomeNotice, waitingNotice } from '../policy/remediation-notice.js';
import { type ActLook, type ActResult, perform, resume } from './remediation-act.js';
import { beginTelling, noticeContext, untilDue } from './remediation-course.js';
import { conclude } from './remediation-finish.js';
import type { RemediationInput } from './remediation-messages.js';
import { tellRevived } from './remediation-revive.js';
import { backoff, concernOf, createLife, type Ending, type Life, type RemediationState, renew } from './remediation-state.js';
import { cloud } from './remediation-steps.js';
import { registerHandlers } from './remediation-updates.js';

/** So many failures in a row, then a person decides. */
const MAX_FAILURES = 5;

/**
 * The life of one violation episode: notices, the act when it is due and nothing stands in its way, the undo window. `carried` is the
 * state of an earlier run whose history had grown long.
 */
export async function remediation(input: RemediationInput, carried?: RemediationState): Promise<RemediationResult | null> {
  const life = createLife(input, carried);
  if (carried === undefined) tellRevived(life);
  registerHandlers(life);
  try {
    await live(life);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    life.ending ??= ended('cancelled', 'its workflow was cancelled');
  }
  await CancellationScope.nonCancellable(async () => {
    await close(life);
    await condition(allHandlersFinished);
  });
  return life.state.view.result;
}

async function live(life: Life): Promise<void> {
  beginTelling(life);
  if (life.state.view.phase === 'awaiting_operator') await untilDecided(life);
  for (let over = false; !over; ) {
    try {
      over = await turn(life);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      // Trying again by itself is useless: whatever is wrong, the remediation lives on and a person decides.
      await awaitOperator(life, error.cause?.message ?? error.message);
    }
  }
}

/** From one look to what comes of it; true when all is over. */
async function turn(life: Life): Promise<boolean> {
  const { state } = life;
  if (state.done !== null) {
    await conclude(life, state.done);
    return true;
  }
  if (state.unfinished === null) await untilDue(life);
  if (life.ending !== null) return true;
  await renew(life);
  life.heed();
  const { unfinished } = state;
  if (unfinished !== null) await attempt(life, unfinished.look, () => resume(life, unfinished));
  else await follow(life, await lookBeforeActing(life));
  return false;
}

async function follow(life: Life, look: Look): Promise<void> {
  // Signals and updates may have come during the look.
  if (life.ending !== null || Date.now() < life.state.view.actAt) return;
  if (look.kind === 'act') await attempt(life, look, () => perform(life, look));
  else if (look.kind === 'wait') await waitFor(life, look);
  else life.ending = endingOf(look);
}

function lookBeforeActing(life: Life): Promise<Look> {
  const { input, state } = life;
  const { action, parameters } = state.view;
  const question = {
    ...concernOf(life),
    remediationId: input.remediationId,
    team: input.team,
    action,
    parameters,
    approvedFingerprint: state.approvedFingerprint,
    dryRun: input.dryRun,
    holdLeftMs: input.holdDestructiveMs - state.heldMs,
  };
  return cloud.lookBeforeActing.executeWithOptions({ summary: `recheck and gates of ${input.key.id}` }, [question]);
}

function ended(result: RemediationResult, message: string): Ending {
  return { result, message, principal: null, violation: null, notice: false };
}

function endingOf({ result, message, exceptionId }: Extract<Look, { kind: 'end' }>): Ending {
  const ending = ended(result, message);
  if (result === 'resolved') return { ...ending, violation: { kind: 'close', status: 'resolved', reason: message } };
  if (result === 'policy_archived') return { ...ending, violation: { kind: 'close', status: 'closed', reason: 'policy_archived' } };
  if (exceptionId !== null) return { ...ending, violation: { kind: 'except', exceptionId } };
  return { ...ending, notice: result === 'skipped' };
}

const PHASE_WHILE_WAITING: Readonly<Partial<Record<WaitingFor, RemediationPhase>>> = {
  consent: 'awaiting_approval',
  blast_radius: 'awaiting_approval',
  pending_exception: 'awaiting_approval',
  pause: 'paused',
};

/** Says what it waits for, once, and rests: longer each time, until it is woken or waits for something new. */
async function waitFor(life: Life, look: Extract<Look, { kind: 'wait' }>): Promise<void> {
  const { state, input } = life;
  const { waitingFor, message } = look;
  if (look.approvalOutdated && state.approvedFingerprint !== null) voidApproval(life);
  if (state.view.waitingFor !== waitingFor) {
    state.waits = 0;
    await announceWait(life, waitingFor, message);
  }
  const began = Date.now();
  const holdLeft = waitingFor === 'pending_exception' ? input.holdDestructiveMs - state.heldMs : Number.POSITIVE_INFINITY;
  const woken = await life.rest(Math.min(backoff(input, state.waits), holdLeft), `${input.key.id} waits for ${waitingFor}: looking again`);
  state.waits = woken ? 0 : state.waits + 1;
  if (waitingFor === 'pending_exception') state.heldMs += Date.now() - began;
}

function voidApproval(life: Life): void {
  life.record('approval-voided', { approved_by: life.state.view.approvedBy, reason: 'the resource changed since it was approved' });
  life.state.approvedFingerprint = null;
  life.set({ approvedBy: null, waitingFor: null });
}

async function announceWait(life: Life, waitingFor: WaitingFor, why: string): Promise<void> {
  const { state } = life;
  life.set({ waitingFor, phase: PHASE_WHILE_WAITING[waitingFor] ?? (state.view.phase === 'notice' ? 'notice' : 'grace') });
  state.why = why;
  life.record('waiting', { waiting_for: waitingFor, message: why });
  if (waitingFor !== 'consent' && waitingFor !== 'blast_radius') {
    await life.flush();
    return;
  }
  const stage = `waiting/${waitingFor}/${state.seq}`;
  await life.flush({ notice: { stage, operators: true, ...waitingNotice(noticeContext(life), waitingFor, why) } });
}

/** One attempt at the act that `look` allows. */
async function attempt(life: Life, look: ActLook, work: () => Promise<ActResult>): Promise<void> {
  const { state } = life;
  const { action, parameters } = look;
  life.set({ phase: 'acting', waitingFor: null, action, parameters, actedAt: Date.now(), attempts: state.view.attempts + 1 });
  state.before = look.before;
  state.why = null;
  life.record('acting', { action, attempt: state.view.attempts });
  await life.flush();
  const result = await work();
  if (result.kind === 'done') {
    life.committed = true;
    state.unfinished = null;
    state.done = { message: result.message, undoable: result.undoable };
    return;
  }
  // What may have happened counts as acted on, and is shown as such.
  if (state.unfinished === null) life.set({ actedAt: null });
  if (result.kind === 'failed') await afterFailure(life, result);
  else await afterHold(life);
}

/** It is looked at anew, at once or when it is due again; nobody is to believe meanwhile that it acts. */
async function afterHold(life: Life): Promise<void> {
  if (life.state.unfinished !== null) return;
  if (life.state.view.phase === 'acting') life.set({ phase: 'grace' });
  await life.flush();
}

async function afterFailure(life: Life, { message, retryable }: Extract<ActResult, { kind: 'failed' }>): Promise<void> {
  const { state } = life;
  state.failures += 1;
  life.record('action-failed', { message, attempt: state.view.attempts });
  if (retryable && state.unfinished === null && state.failures < MAX_FAILURES) {
    life.set({ waitingFor: 'provider', phase: 'grace' });
    state.why = message;
    await life.flush();
    await life.rest(backoff(life.input, state.failures - 1), `${life.input.key.id} failed: trying again`);
  } else await awaitOperator(life, message);
}

async function awaitOperator(life: Life, message: string): Promise<void> {
  const { state } = life;
  life.retryAsked = false;
  life.set({ phase: 'awaiting_operator', waitingFor: 'operator', result: 'failed', resultMessage: message });
  state.why = message;
  const words = waitingNotice(noticeContext(life), 'operator', message);
  await life.flush({ notice: { stage: `failed/${state.seq}`, operators: true, ...words } });
  await untilDecided(life);
}

async function untilDecided(life: Life): Promise<void> {
  const { state } = life;
  await condition(() => life.retryAsked || life.ending !== null || state.view.phase !== 'awaiting_operator');
  state.failures = 0;
  if (state.unfinished === null) state.round += 1;
}

/** Writes the end, unless the act or the undo has written it. */
async function close(life: Life): Promise<void> {
  const { view } = life.state;
  const { ending } = life;
  if (life.undoRequest !== null) life.undoRequest.failure = 'the workflow was cancelled';
  if (view.phase !== 'closed') {
    const outcome = ending === null || view.result === 'completed' ? { result: view.result, message: view.resultMessage } : ending;
    life.set({ phase: 'closed', waitingFor: null, closedAt: Date.now(), result: outcome.result, resultMessage: outcome.message });
    life.record('closed', { result: outcome.result, message: outcome.message }, ending?.principal ?? null);
    const told =
      ending?.notice === true
        ? { notice: { stage: 'closed', operators: false, ...outcomeNotice(noticeContext(life), ending.message, null) } }
        : {};
    await life.flush({ violation: ending?.violation ?? null, ...told });
  }
  life.closed = true;
}
