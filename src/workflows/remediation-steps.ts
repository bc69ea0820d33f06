/** One step at a provider, as often as it takes. */
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { ProbeResult, StepCommand, StepInput, StepResult } from '../activities/remediation-step.js';
import { HOUR, MINUTE } from '../policy/durations.js';
import { type Activities, backoff, calledOff, type Life } from './remediation-state.js';

/** Calls to a provider: heartbeating, and never abandoned half-way by a cancellation. */
export const cloud = proxyActivities<
  Pick<Activities, 'performStep' | 'probeStep' | 'verifyRemediation' | 'lookBeforeActing' | 'lookBeforeUndo' | 'readFingerprint'>
>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '5 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
});

/** What became of a step in the end. */
export type Outcome = Exclude<StepResult, { kind: 'pending' }>;

const TRIES = 5;

/** The same round asks with the same key, so what was done is not done again. */
function keyOf({ input, state }: Life, name: string): string {
  return `${input.remediationId}/${name}${state.round === 1 ? '' : `-${state.round}`}`;
}

/** Large disks take hours; everything else is soon seen. Never shortened by the demonstration clock. */
function longestWait(command: StepCommand): number {
  return command.kind === 'create-snapshot' || command.kind === 'restore-volume' ? 12 * HOUR : 10 * MINUTE;
}

/** A step under its business key; waits between the looks until the provider shows its effect. */
export async function step(life: Life, name: string, command: StepCommand, guard: StepInput['guard']): Promise<Outcome> {
  const { remediationId, key } = life.input;
  const input = { idempotencyKey: keyOf(life, name), remediationId, step: name, key, command, guard };
  const until = Date.now() + longestWait(command);
  for (let looks = 0; ; looks += 1) {
    const result = await CancellationScope.nonCancellable(() =>
      cloud.performStep.executeWithOptions({ summary: `${name} ${key.id}` }, [input]),
    );
    if (result.kind !== 'pending') return result;
    if (Date.now() >= until) return { kind: 'failed', message: result.message, retryable: false, unknown: true };
    await life.pause(backoff(life.input, looks), `${name} ${key.id}: waiting for its effect`);
    if (calledOff(life)) return { kind: 'held', message: 'called off before anything was changed', unknown: false };
  }
}

/** Tries a step again with back-off: a snapshot, a step that follows an effect, or one whose outcome is unknown. */
export async function persist(life: Life, name: string, command: StepCommand, guard: StepInput['guard'] = null): Promise<Outcome> {
  for (let tries = 0; ; tries += 1) {
    const result = await step(life, name, command, guard);
    if (result.kind !== 'failed' || !result.retryable || tries + 1 === TRIES) return result;
    life.record('step-failed', { step: name, message: result.message });
    await life.pause(backoff(life.input, tries), `${name} ${life.input.key.id} failed: trying again`);
    if (calledOff(life)) return { kind: 'held', message: 'called off before anything was changed', unknown: false };
  }
}

/** Finds out what became of a step of unknown outcome, which may still be under way. */
export async function probe(life: Life, name: string, command: StepCommand): Promise<ProbeResult> {
  const { key } = life.input;
  const until = Date.now() + longestWait(command);
  for (let looks = 0; ; looks += 1) {
    const result = await CancellationScope.nonCancellable(() =>
      cloud.probeStep.executeWithOptions({ summary: `was ${name} of ${key.id} done?` }, [
        { idempotencyKey: keyOf(life, name), key, command },
      ]),
    );
    if (result.kind !== 'pending' || Date.now() >= until) return result;
    await life.pause(backoff(life.input, looks), `${name} ${key.id} is under way`);
  }
}
