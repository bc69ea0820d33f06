/** The act: its steps in order, each once. */
import { CancellationScope } from '@temporalio/workflow';
import type { Look } from '../activities/remediation-look.js';
import type { Guard, StepCommand } from '../activities/remediation-step.js';
import { outcomeNotice } from '../policy/remediation-notice.js';
import { actionWords } from '../policy/remediation-words.js';
import { noticeContext } from './remediation-course.js';
import { calledOff, type Done, type Life, type Unfinished } from './remediation-state.js';
import { type Outcome, persist, probe, step } from './remediation-steps.js';

export type ActLook = Extract<Look, { kind: 'act' }>;

export type ActResult =
  | ({ readonly kind: 'done' } & Done)
  /** Nothing has happened, or nothing is left of it: it is looked at anew. */
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly message: string; readonly retryable: boolean };

type Failed = Extract<Outcome, { kind: 'failed' }>;
type NotDone = Exclude<Outcome, { kind: 'done' }>;

/** Does what `look` allows. */
export async function perform(life: Life, look: ActLook): Promise<ActResult> {
  if (calledOff(life)) return held(life, 'called off before it began');
  if (look.action === 'send_notification') return notify(life, look);
  let lookedAt = look.before.at;
  if (look.before.snapshot) {
    const result = await persist(life, 'snapshot', { kind: 'create-snapshot' }, { ...guardOf(life, look), fingerprint: null });
    // Of a snapshot nothing is left to find out or to take back: the next attempt asks for it under the same key.
    if (result.kind !== 'done') return result.kind === 'held' ? held(life, result.message) : failed(result);
    life.state.snapshotId = result.made['snapshotId'] ?? null;
    life.record('snapshot-created', { snapshot_id: life.state.snapshotId });
    lookedAt = Date.now();
  }
  if (calledOff(life) || CancellationScope.current().consideredCancelled) return held(life, 'called off before anything was changed');
  // No await since that check: from here on the handlers refuse to call it off.
  return effect(life, look, { ...guardOf(life, look), lookedAt });
}

function guardOf(life: Life, { before }: ActLook): Guard {
  return { policyName: life.input.policyName, fingerprint: before.fingerprint, lookedAt: before.at };
}

function failed({ message, retryable }: Failed): ActResult {
  return { kind: 'failed', message, retryable };
}

function held(life: Life, message: string): ActResult {
  life.committed = false;
  // A snapshot that was taken is out of date when it goes on.
  life.state.round += 1;
  life.record('held', { message });
  return { kind: 'held' };
}

async function notify(life: Life, look: ActLook): Promise<ActResult> {
  const words = outcomeNotice(noticeContext(life), `nothing was changed; still: ${look.message}`, null);
  const notified = await life.flush({ notice: { stage: 'act', operators: false, ...words } });
  if (notified > 0) return { kind: 'done', message: `told ${notified === 1 ? 'the owner' : `${notified} people`}`, undoable: false };
  return { kind: 'failed', message: 'there is nobody to notify', retryable: true };
}

async function effect(life: Life, look: ActLook, guard: Guard): Promise<ActResult> {
  const { state, input } = life;
  switch (look.action) {
    case 'stop_instance':
      return single(life, look, 'stop', { kind: 'stop' }, guard);
    case 'terminate_instance':
      return single(life, look, 'terminate', { kind: 'terminate' }, guard);
    case 'delete_volume':
    case 'delete_address':
    case 'delete_snapshot':
      return single(life, look, 'delete', { kind: 'delete' }, guard);
    case 'add_tags':
      state.tagsWritten = look.before.tags;
      return single(life, look, 'tag', { kind: 'set-tags', tags: state.tagsWritten }, guard);
    case 'resize_instance':
      return resize(life, look, guard);
    case 'send_notification':
      return { kind: 'failed', message: `\`${input.key.id}\` has no effect to bring about`, retryable: false };
    default:
      return look.action satisfies never;
  }
}

/** The first effect of an act. Refused or throttled it has not happened; with an answer lost it may have, and is asked again. */
async function firstEffect(life: Life, name: string, command: StepCommand, guard: Guard): Promise<Outcome> {
  life.committed = true;
  const result = await step(life, name, command, guard);
  if (result.kind !== 'failed' || !result.unknown || !result.retryable) return result;
  life.record('step-failed', { step: name, message: result.message });
  return persist(life, name, command, guard);
}

/** Ends an act whose first effect did not succeed: as far as anybody knows nothing has happened, or it is kept in mind that it may have. */
function stopped(life: Life, unfinished: Unfinished, result: NotDone): ActResult {
  life.committed = false;
  if (result.unknown) life.state.unfinished = unfinished;
  if (result.kind === 'failed') return failed(result);
  if (!result.unknown) return held(life, result.message);
  life.record('held', { message: result.message });
  return { kind: 'held' };
}

async function single(life: Life, look: ActLook, name: string, command: StepCommand, guard: Guard): Promise<ActResult> {
  const result = await firstEffect(life, name, command, guard);
  return result.kind === 'done' ? finished(life, look) : stopped(life, { look, step: name, command }, result);
}

function finished(life: Life, look: ActLook): ActResult {
  const { id } = life.input.key;
  if (look.action === 'resize_instance') {
    const sizes = { from: look.before.instanceType, to: look.parameters.targetType ?? null };
    life.record('acted', { step: 'resize', ...sizes });
    return { kind: 'done', message: `resized \`${id}\` from ${sizes.from ?? 'unknown'} to ${sizes.to}`, undoable: true };
  }
  life.record('acted', { action: look.action });
  return { kind: 'done', message: `done: ${actionWords(look.action)} \`${id}\``, undoable: isUndoable(life, look) };
}

function isUndoable(life: Life, { action }: ActLook): boolean {
  return action === 'stop_instance' || action === 'add_tags' || (action === 'delete_volume' && life.state.snapshotId !== null);
}

/** stop → resize → start. An instance that was running runs again, whatever becomes of the resize. */
async function resize(life: Life, look: ActLook, guard: Guard): Promise<ActResult> {
  const { targetType } = look.parameters;
  if (targetType === undefined) return { kind: 'failed', message: 'no target size is given', retryable: false };
  const command: StepCommand = { kind: 'resize', instanceType: targetType };
  if (look.before.state !== 'running') return single(life, look, 'resize', command, guard);
  const stop = await firstEffect(life, 'stop', { kind: 'stop' }, guard);
  if (stop.kind !== 'done') return stopped(life, { look, step: 'stop', command: { kind: 'stop' } }, stop);
  return resizeStopped(life, look, command);
}

async function resizeStopped(life: Life, look: ActLook, command: StepCommand): Promise<ActResult> {
  const guard = { policyName: life.input.policyName, fingerprint: null, lookedAt: null };
  const resized = await persist(life, 'resize', command, guard);
  if (resized.kind !== 'done') return takeBack(life, { look, step: 'resize', command }, resized);
  return startResized(life, look);
}

async function startResized(life: Life, look: ActLook): Promise<ActResult> {
  const started = await persist(life, 'start', { kind: 'start' });
  return started.kind === 'done' ? finished(life, look) : leftDown(life, { look, step: 'start', command: { kind: 'start' } }, started);
}

/** The resize did not happen, or nobody knows: the instance is started again first; a later attempt begins anew. */
async function takeBack(life: Life, unfinished: Unfinished, why: NotDone): Promise<ActResult> {
  const { look } = unfinished;
  const started = await persist(life, 'start-again', { kind: 'start' });
  if (started.kind !== 'done') return leftDown(life, { look, step: 'start-again', command: { kind: 'start' } }, started);
  life.record('started-again', { message: why.message });
  if (why.unknown) {
    life.state.unfinished = unfinished;
    const found = await resume(life, unfinished);
    return found.kind === 'held' && why.kind === 'failed' ? failed(why) : found;
  }
  return why.kind === 'held' ? held(life, why.message) : beginAnew(life, failed(why));
}

function beginAnew(life: Life, result: ActResult): ActResult {
  life.committed = false;
  life.state.unfinished = null;
  life.state.round += 1;
  return result;
}

/** The worst that can happen: an instance that was running stays stopped. Whoever retries goes on with its start. */
function leftDown(life: Life, unfinished: Unfinished, { message }: NotDone): ActResult {
  life.committed = false;
  life.state.unfinished = unfinished;
  return { kind: 'failed', message: `the instance is stopped and could not be started: ${message}`, retryable: false };
}

/** Goes on with an act that was left unfinished: finds out what became of it, or makes the start that was left to make. */
export async function resume(life: Life, unfinished: Unfinished): Promise<ActResult> {
  const { look, step: name, command } = unfinished;
  life.committed = true;
  if (command.kind === 'start') return restart(life, unfinished);
  const { kind, message } = await probe(life, name, command);
  if (kind === 'absent') {
    life.record('held', { message });
    return beginAnew(life, { kind: 'held' });
  }
  if (kind !== 'done') {
    life.committed = false;
    return { kind: 'failed', message: `whether it was done is not known: ${message}`, retryable: false };
  }
  life.state.unfinished = null;
  const { targetType } = look.parameters;
  if (look.action !== 'resize_instance' || look.before.state !== 'running' || targetType === undefined) return finished(life, look);
  return name === 'resize' ? startResized(life, look) : resizeStopped(life, look, { kind: 'resize', instanceType: targetType });
}

async function restart(life: Life, unfinished: Unfinished): Promise<ActResult> {
  const { look, step: name, command } = unfinished;
  const started = await persist(life, name, command);
  if (started.kind !== 'done') return leftDown(life, unfinished, started);
  life.state.unfinished = null;
  if (name === 'start') return finished(life, look);
  life.record('started-again', {});
  return beginAnew(life, { kind: 'held' });
}
