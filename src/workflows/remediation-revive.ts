/** The state of a remediation whose earlier workflow is lost, made from what that one has written. */
import type { StepCommand } from '../activities/remediation-step.js';
import type { RevivedRemediation } from './remediation-messages.js';
import type { Life, RemediationState, Unfinished } from './remediation-state.js';

/** `first` is the state of one that begins. An approval is not taken over: what exactly was approved is lost. */
export function revivedState(first: RemediationState, revived: RevivedRemediation | undefined): RemediationState {
  if (revived === undefined) return first;
  const { view, stages, tagsWritten } = revived;
  const before = revived.before === null ? null : { ...revived.before, fingerprint: '', tags: tagsWritten, snapshot: false };
  const unfinished = before === null ? null : unfinishedOf(revived, before);
  const done = view.phase === 'undo_window' ? { message: view.resultMessage ?? '', undoable: true } : null;
  const acted = unfinished !== null || done !== null;
  return {
    ...first,
    seq: revived.seq,
    eventCount: revived.eventCount,
    view: acted ? view : { ...view, actedAt: null, approvedBy: null },
    noticed: stages.includes('detected'),
    telling: untold(revived),
    reminded: stages.filter((stage) => stage.startsWith('reminder/')),
    round: revived.round,
    unfinished,
    done,
    before,
    tagsWritten,
    snapshotId: revived.snapshotId,
    undos: revived.undos,
  };
}

/** An escalation of which nobody has been told yet. */
function untold({ view, stages }: RevivedRemediation): RemediationState['telling'] {
  if (!view.escalated || view.escalateAt === null || stages.includes('escalated')) return null;
  return { stage: 'escalated', from: view.escalateAt, to: view.actAt, tries: 0, movedMs: 0 };
}

function unfinishedOf({ view, unfinished, tagsWritten }: RevivedRemediation, before: Unfinished['look']['before']): Unfinished | null {
  const { action, parameters } = view;
  const command = commandOf(unfinished, tagsWritten, parameters.targetType);
  if (unfinished === null || command === null) return null;
  return { look: { kind: 'act', action, parameters, message: 'its workflow was lost', before }, step: unfinished, command };
}

function commandOf(step: string | null, tags: RevivedRemediation['tagsWritten'], targetType: string | undefined): StepCommand | null {
  switch (step) {
    case 'stop':
    case 'terminate':
    case 'delete':
      return { kind: step };
    case 'start':
    case 'start-again':
      return { kind: 'start' };
    case 'tag':
      return { kind: 'set-tags', tags };
    case 'resize':
      return targetType === undefined ? null : { kind: 'resize', instanceType: targetType };
    default:
      return null;
  }
}

/** Says in the timeline that it goes on, and what it could not take over. */
export function tellRevived(life: Life): void {
  const { input, state } = life;
  if (input.revived === undefined) return;
  life.record('revived', { message: 'its workflow was lost, another goes on' });
  const { approvedBy } = input.revived.view;
  if (approvedBy !== null && state.view.approvedBy === null) {
    life.record('approval-voided', { approved_by: approvedBy, reason: 'what exactly was approved is lost' });
  }
}
