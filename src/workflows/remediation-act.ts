/** The act: its steps in order, each once; then what it achieved. */
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { Look } from '../activities/remediation-look.js';
import type { StepCommand, StepInput, StepResult } from '../activities/remediation-step.js';
import { outcomeNotice } from '../policy/remediation-notice.js';
import { actionWords } from '../policy/remediation-words.js';
import { noticeContext } from './remediation-course.js';
import { type Activities, backoff, type Life } from './remediation-state.js';

/** Calls to a provider: heartbeating, and never abandoned half-way by a cancellation. */
export const cloud = proxyActivities<
  Pick<Activities, 'performStep' | 'verifyRemediation' | 'lookBeforeActing' | 'lookBeforeUndo' | 'readFingerprint'>
>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '5 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
});

export type ActLook = Extract<Look, { kind: 'act' }>;

export type ActResult =
  | { readonly kind: 'done'; readonly message: string; readonly undoable: boolean }
  /** Called off before anything happened: enforcement is paused, the resource changed, or the remediation is to end. */
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly message: string; readonly retryable: boolean; readonly unfinished: boolean };

type Failed = Extract<StepResult, { kind: 'failed' }>;
type Done = Extract<StepResult, { kind: 'done' }>;

const TRIES = 5;

/** A step under its business key. The same round asks with the same key, so what was done is not done again. */
export async function step(life: Life, name: string, command: StepCommand, guard: StepInput['guard']): Promise<StepResult> {
  const { remediationId, key } = life.input;
  const { round } = life.state;
  const idempotencyKey = `${remediationId}/${name}${round === 1 ? '' : `-${round}`}`;
  const input = { idempotencyKey, remediationId, step: name, key, command, guard };
  return CancellationScope.nonCancellable(() => cloud.performStep.executeWithOptions({ summary: `${name} ${key.id}` }, [input]));
}

/** Tries a step that must be brought to an end, with back-off: one that follows an effect, or whose outcome is unknown. */
export async function persist(life: Life, name: string, command: StepCommand, guard: StepInput['guard'] = null): Promise<StepResult> {
  for (let tries = 0; ; tries += 1) {
    const result = await step(life, name, command, guard);
    if (result.kind !== 'failed' || !result.retryable || tries + 1 === TRIES) return result;
    life.record('step-failed', { step: name, message: result.message });
    await CancellationScope.nonCancellable(() =>
      life.rest(backoff(life.input, tries), `${name} ${life.input.key.id} failed: trying again`),
    );
  }
}

/** The first effect of an act. Refused or throttled it has not happened; with an answer lost it may have, and is asked again. */
async function firstEffect(life: Life, look: ActLook, name: string, command: StepCommand): Promise<StepResult> {
  const fingerprint = look.before.snapshot ? look.before.fingerprint : null;
  life.committed = true;
  const guard = life.state.unfinished === null ? { policyName: life.input.policyName, fingerprint } : null;
  const result = await step(life, name, command, guard);
  if (result.kind === 'failed' && result.unknown) {
    life.record('step-failed', { step: name, message: result.message });
    return persist(life, name, command);
  }
  return result;
}

function failed({ message, retryable }: Failed, unfinished: boolean): ActResult {
  return { kind: 'failed', message, retryable, unfinished };
}

/** Ends an act whose step did not succeed, as far as nothing has happened. */
function stopped(life: Life, result: Exclude<StepResult, Done>): ActResult {
  life.committed = false;
  if (result.kind === 'failed') return failed(result, result.unknown);
  // A snapshot that was taken is out of date when it goes on.
  life.state.round += 1;
  life.record('held', { message: result.message });
  return { kind: 'held' };
}

/** Does what `look` allows. */
export async function perform(life: Life, look: ActLook): Promise<ActResult> {
  if (look.action === 'send_notification') return notify(life, look);
  if (look.before.snapshot) {
    const result = await step(life, 'snapshot', { kind: 'create-snapshot' }, { policyName: life.input.policyName, fingerprint: null });
    if (result.kind !== 'done') return stopped(life, result);
    life.state.snapshotId = result.made['snapshotId'] ?? null;
    life.record('snapshot-created', { snapshot_id: life.state.snapshotId });
  }
  if (life.ending !== null) return { kind: 'held' };
  // No await since that check: from here on the handlers refuse to call it off.
  return effect(life, look);
}

async function notify(life: Life, look: ActLook): Promise<ActResult> {
  const words = outcomeNotice(noticeContext(life), `nothing was changed; still: ${look.message}`, null);
  const notified = await life.flush({ notice: { stage: 'act', operators: false, ...words } });
  if (notified > 0) return { kind: 'done', message: `told ${notified === 1 ? 'the owner' : `${notified} people`}`, undoable: false };
  return { kind: 'failed', message: 'there is nobody to notify', retryable: true, unfinished: false };
}

async function effect(life: Life, look: ActLook): Promise<ActResult> {
  const { state, input } = life;
  switch (look.action) {
    case 'stop_instance':
      return single(life, look, 'stop', { kind: 'stop' }, true);
    case 'terminate_instance':
      return single(life, look, 'terminate', { kind: 'terminate' }, false);
    case 'delete_volume':
      return single(life, look, 'delete', { kind: 'delete' }, state.snapshotId !== null);
    case 'delete_address':
    case 'delete_snapshot':
      return single(life, look, 'delete', { kind: 'delete' }, false);
    case 'add_tags':
      state.tagsWritten = look.before.tags;
      return single(life, look, 'tag', { kind: 'set-tags', tags: state.tagsWritten }, true);
    case 'resize_instance':
      return resize(life, look);
    case 'send_notification':
      return { kind: 'failed', message: `\`${input.key.id}\` has no effect to bring about`, retryable: false, unfinished: false };
    default:
      return look.action satisfies never;
  }
}

async function single(life: Life, look: ActLook, name: string, command: StepCommand, undoable: boolean): Promise<ActResult> {
  const result = await firstEffect(life, look, name, command);
  if (result.kind !== 'done') return stopped(life, result);
  life.record('acted', { step: name, changed: result.changed });
  return { kind: 'done', message: `done: ${actionWords(look.action)} \`${life.input.key.id}\``, undoable };
}

/** stop → resize → start. An instance that was running runs again, whatever becomes of the resize. */
async function resize(life: Life, look: ActLook): Promise<ActResult> {
  const { targetType } = look.parameters;
  if (targetType === undefined) return { kind: 'failed', message: 'no target size is given', retryable: false, unfinished: false };
  const running = look.before.state === 'running';
  if (running) {
    const stop = await firstEffect(life, look, 'stop', { kind: 'stop' });
    if (stop.kind !== 'done') return stopped(life, stop);
  }
  life.committed = true;
  const guard = { policyName: life.input.policyName, fingerprint: null };
  const resized = await persist(life, 'resize', { kind: 'resize', instanceType: targetType }, guard);
  if (resized.kind !== 'done') return running ? takeBack(life, resized) : stopped(life, resized);
  const started = running ? await persist(life, 'start', { kind: 'start' }) : null;
  if (started?.kind === 'failed') return leftDown(life, started);
  life.record('acted', { step: 'resize', from: look.before.instanceType, to: targetType });
  return {
    kind: 'done',
    message: `resized \`${life.input.key.id}\` from ${look.before.instanceType ?? 'unknown'} to ${targetType}`,
    undoable: true,
  };
}

/** The resize did not happen: the instance is started again at its old size, and a later attempt begins anew. */
async function takeBack(life: Life, why: Exclude<StepResult, Done>): Promise<ActResult> {
  const started = await persist(life, 'start-again', { kind: 'start' });
  if (started.kind === 'failed') return leftDown(life, started);
  life.record('started-again', { message: why.message });
  life.state.round += 1;
  life.committed = false;
  return why.kind === 'held' ? { kind: 'held' } : failed(why, false);
}

/** The worst that can happen: an instance that was running stays stopped. Whoever retries goes on from here. */
function leftDown(life: Life, result: Failed): ActResult {
  life.committed = false;
  return failed({ ...result, message: `the instance is stopped and could not be started: ${result.message}`, retryable: false }, true);
}
