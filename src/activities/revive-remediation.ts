/** The state of a remediation, read back from what its workflow wrote while it was there. */
import type { RemediationAction, RemediationPhase, RemediationProgress, RemediationRecord } from '../policy/records.js';
import { type EffectRecord, listEffects } from '../store/effects.js';
import { listNotices } from '../store/outbox.js';
import { savedResource } from '../store/remediation-writes.js';
import { getRemediation } from '../store/remediations.js';
import { writtenOf } from '../store/revival.js';
import type { RevivedRemediation } from '../workflows/remediation-messages.js';
import type { ActivityDeps } from './deps.js';
import { type StartDeps, startWorkflowOf } from './remediation-start.js';

/** Starts a workflow that goes on where the lost one was; false when there is one. Safe to repeat. */
export async function reviveRemediation(deps: StartDeps, id: string): Promise<boolean> {
  const row = await getRemediation(deps.pool, id);
  return row.closedAt === null && startWorkflowOf(deps, row, { revived: await stateOf(deps, row) });
}

async function stateOf({ pool }: Pick<ActivityDeps, 'pool'>, row: RemediationRecord): Promise<RevivedRemediation> {
  const { seq, eventCount } = await writtenOf(pool, row.id);
  const effects = await listEffects(pool, row.id);
  const saved = await savedResource(pool, row.id);
  const notices = await listNotices(pool, row.id);
  return {
    seq,
    eventCount,
    view: viewOf(row),
    stages: [...new Set(notices.map(({ stage }) => stage))],
    ...actOf(row, effects),
    before:
      saved === null ? null : { at: row.actedAt ?? row.updatedAt, state: saved.state, instanceType: saved.specs.instanceType ?? null },
  };
}

function viewOf(row: RemediationRecord): RemediationProgress {
  const { action, parameters, phase, severity, escalated, escalateAt, actAt, postponedMs, waitingFor, attempts } = row;
  const { approvedBy, actedAt, result, resultMessage, undoUntil, closedAt } = row;
  const first = { action, parameters, phase, severity, escalated, escalateAt, actAt, postponedMs, waitingFor, attempts };
  return { ...first, approvedBy, actedAt, result, resultMessage, undoUntil, closedAt };
}

/** What the ledger says of its act. The keys of an act that is over are not used again: what they name is done. */
function actOf({ phase, action }: RemediationRecord, effects: readonly EffectRecord[]) {
  const roundOf = ({ idempotencyKey }: EffectRecord) => Number(/-(\d+)$/.exec(idempotencyKey)?.[1] ?? 1);
  const last = Math.max(1, ...effects.map(roundOf));
  const ofRound = effects.filter((effect) => roundOf(effect) === last && effect.step !== 'snapshot' && !effect.step.startsWith('undo-'));
  const unfinished = ACTING.includes(phase) ? stepToGoOnFrom(action, ofRound) : null;
  const goesOn = unfinished !== null || phase === 'undo_window' || effects.length === 0;
  return {
    unfinished,
    round: goesOn ? last : last + 1,
    undos: failedUndos(effects),
    tagsWritten: tagsOf(effects.findLast(({ step, status }) => step === 'tag' && status !== 'failed')),
    snapshotId: effects.findLast(({ step, status }) => step === 'snapshot' && status === 'done')?.outcome?.made['snapshotId'] ?? null,
  };
}

const ACTING: readonly RemediationPhase[] = ['acting', 'verifying', 'awaiting_operator'];

/** What was done is found done, and what was begun is asked of the provider, so the step may be one that has been made. */
function stepToGoOnFrom(action: RemediationAction, acts: readonly EffectRecord[]): string | null {
  const last = acts.at(-1);
  if (last === undefined || (last.step === 'start-again' && last.status === 'done')) return null;
  if (last.step === 'start' || last.step === 'start-again') return last.step;
  // An instance that was stopped to be resized is still down, whatever became of the resize.
  if (action === 'resize_instance' && acts.some(({ step, status }) => step === 'stop' && status !== 'failed')) return 'stop';
  return last.status === 'failed' ? null : last.step;
}

/** An undo of which it is not known how far it came is asked for again under the same keys. */
function failedUndos(effects: readonly EffectRecord[]): number {
  const numberOf = ({ step }: EffectRecord) => Number(/^undo-(\d+)-/.exec(step)?.[1] ?? 0);
  const last = Math.max(0, ...effects.map(numberOf));
  const failed = effects.some((effect) => numberOf(effect) === last && effect.status === 'failed');
  return last === 0 || failed ? last : last - 1;
}

function tagsOf(effect: EffectRecord | undefined): Readonly<Record<string, string>> {
  const command = effect?.command as { readonly tags?: Readonly<Record<string, string>> } | undefined;
  return command?.tags ?? {};
}
