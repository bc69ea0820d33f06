/** After the act: verify, the undo window, and the undo. */
import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { UndoLook } from '../activities/remediation-look.js';
import type { ViolationChange } from '../activities/remediation-project.js';
import type { StepCommand } from '../activities/remediation-step.js';
import { outcomeNotice } from '../policy/remediation-notice.js';
import { noticeContext } from './remediation-course.js';
import { backoff, concernOf, type Done, type Life, renew, type UndoRequest } from './remediation-state.js';
import { cloud, type Outcome, persist } from './remediation-steps.js';

/** All that follows an act that is done. */
export async function conclude(life: Life, done: Done): Promise<void> {
  // Nothing can be called off any more, and an effect is never forgotten.
  if (life.state.view.phase !== 'undo_window') await CancellationScope.nonCancellable(() => verify(life, done));
  if (done.undoable) await undoWindow(life);
}

/** Judges again at the provider. Compliant or gone ends the violation; else it stays open, and nothing more is done in this episode. */
async function verify(life: Life, done: Done): Promise<void> {
  const verdict = await verdictOf(life);
  const remediated = verdict.kind === 'compliant';
  const undoUntil = done.undoable ? Date.now() + life.input.undoWindowMs : null;
  const message = `${done.message}; ${remediated ? '' : 'what is left: '}${verdict.message}`;
  life.set({ phase: done.undoable ? 'undo_window' : 'closed', waitingFor: null, result: 'completed', resultMessage: message, undoUntil });
  if (undoUntil === null) life.set({ closedAt: Date.now() });
  life.record(remediated ? 'remediated' : 'violation-left', { message: verdict.message });
  if (life.state.view.action !== 'send_notification') {
    life.audit('system:remediation', 'remediation.act', {
      action: life.state.view.action,
      resource_id: life.input.key.id,
      outcome: message,
    });
  }
  const violation: ViolationChange | null = remediated ? { kind: 'close', status: 'remediated', reason: done.message } : null;
  await life.flush({ violation, ...outcomeTold(life, message, undoUntil) });
}

/** A notification was itself the notice. */
function outcomeTold(life: Life, message: string, undoUntil: number | null) {
  if (life.state.view.action === 'send_notification') return {};
  return { notice: { stage: 'acted', operators: false, ...outcomeNotice(noticeContext(life), message, undoUntil) } };
}

async function verdictOf(life: Life) {
  life.set({ phase: 'verifying' });
  for (let tries = 0; ; tries += 1) {
    life.heed();
    const verdict = await cloud.verifyRemediation.executeWithOptions({ summary: `judge ${life.input.key.id} again` }, [concernOf(life)]);
    if (verdict.kind !== 'unreadable') return verdict;
    if (life.state.view.waitingFor !== 'provider') {
      life.set({ waitingFor: 'provider' });
      life.record('waiting', { waiting_for: 'provider', message: verdict.message });
      await life.flush();
    }
    await renew(life);
    await life.rest(backoff(life.input, tries), 'the provider cannot be read: looking again');
  }
}

/** Stays until the window ends or somebody has undone the act. */
async function undoWindow(life: Life): Promise<void> {
  const { view } = life.state;
  const until = view.undoUntil ?? 0;
  while (life.state.view.result !== 'undone') {
    life.heed();
    await renew(life);
    if (life.undoRequest !== null) await undo(life, life.undoRequest);
    else if (Date.now() >= until) return;
    else await life.rest(until - Date.now(), `undo window of ${life.input.key.id}`);
  }
}

async function undo(life: Life, request: UndoRequest): Promise<void> {
  life.record('undo-requested', { reason: request.reason }, request.principal);
  const outcome = await restore(life).catch(failureOf);
  if ('failure' in outcome) {
    // What may have happened is asked for again under the same keys: never a second volume.
    if (!outcome.unknown) life.state.undos += 1;
    life.record('undo-failed', { message: outcome.failure });
    await life.flush();
  } else {
    const message = `undone by ${request.principal}${request.reason === null ? '' : `: ${request.reason}`}; ${outcome.message}`;
    life.set({ phase: 'closed', result: 'undone', resultMessage: message, closedAt: Date.now() });
    life.record('undone', { message: outcome.message }, request.principal);
    life.audit(request.principal, 'remediation.undo', { reason: request.reason, outcome: outcome.message });
    await life.flush({
      violation: { kind: 'reopen', resourceId: outcome.resourceId },
      notice: { stage: 'undone', operators: false, ...outcomeNotice(noticeContext(life), message, null) },
    });
  }
  life.undoRequest = null;
  request.failure = 'failure' in outcome ? outcome.failure : '';
}

type Restored =
  | { readonly message: string; readonly resourceId: string }
  /** `unknown`: what was begun, now or by an undo before, may have happened. */
  | { readonly failure: string; readonly unknown: boolean };

function failureOf(error: unknown): Restored {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  return { failure: error.cause?.message ?? error.message, unknown: true };
}

/** Of what takes an effect back nothing is held up. */
function failed({ message, unknown }: Exclude<Outcome, { kind: 'done' }>): Restored {
  return { failure: message, unknown };
}

async function restore(life: Life): Promise<Restored> {
  const { state, input } = life;
  if (state.view.action === 'delete_volume') return restoreVolume(life);
  const look = await cloud.lookBeforeUndo.executeWithOptions({ summary: `what is there to restore of ${input.key.id}` }, [
    { remediationId: input.remediationId, key: input.key, tagsWritten: state.tagsWritten },
  ]);
  if (look.kind !== 'present') return { failure: look.message, unknown: true };
  for (const [name, command] of stepsBack(life, look)) {
    const result = await persist(life, `${attempt(life)}-${name}`, command);
    if (result.kind !== 'done') return failed(result);
  }
  life.record('restored', {});
  return { message: `\`${input.key.id}\` is as it was before`, resourceId: input.key.id };
}

function attempt({ state }: Life): string {
  return `undo-${state.undos + 1}`;
}

type NamedStep = readonly [name: string, command: StepCommand];

function stepsBack(life: Life, look: UndoLook): readonly NamedStep[] {
  const { view, before } = life.state;
  const start: readonly NamedStep[] = before?.state === 'running' ? [['start', { kind: 'start' }]] : [];
  if (view.action === 'stop_instance') return start;
  if (view.action === 'add_tags') {
    return [
      ...(Object.keys(look.setTags).length === 0 ? [] : ([['set-tags', { kind: 'set-tags', tags: look.setTags }]] as const)),
      ...(look.removeTagKeys.length === 0 ? [] : ([['remove-tags', { kind: 'remove-tags', tagKeys: look.removeTagKeys }]] as const)),
    ];
  }
  const oldType = before?.instanceType ?? null;
  if (oldType === null || oldType === look.instanceType) return start;
  return [['stop', { kind: 'stop' }], ['resize', { kind: 'resize', instanceType: oldType }], ...start];
}

async function restoreVolume(life: Life): Promise<Restored> {
  const { state, input } = life;
  if (state.snapshotId === null) return { failure: 'there is no snapshot to restore it from', unknown: false };
  const result = await persist(life, `${attempt(life)}-restore`, { kind: 'restore-volume', snapshotId: state.snapshotId });
  if (result.kind !== 'done') return failed(result);
  const resourceId = result.made['resourceId'] ?? input.key.id;
  life.record('restored', { resource_id: resourceId });
  return { message: `restored as \`${resourceId}\` from snapshot \`${state.snapshotId}\``, resourceId };
}
