/** The state of one remediation and what keeps the world informed of it: every change is projected, in order. */
import { allHandlersFinished, CancellationScope, condition, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { createRemediationActivities } from '../activities/remediation.js';
import type { Before, Look } from '../activities/remediation-look.js';
import type { Projection, ProjectionNotice, ViolationChange } from '../activities/remediation-project.js';
import type { StepCommand } from '../activities/remediation-step.js';
import type { Json } from '../policy/model.js';
import type { RemediationProgress, RemediationRecord, RemediationResult } from '../policy/records.js';
import type { RemediationInput, UndoRemediation } from './remediation-messages.js';
import { revivedState } from './remediation-revive.js';
import { createShow, recordOf } from './remediation-show.js';

export type Activities = ReturnType<typeof createRemediationActivities>;

/** Rows only: short, repeated until the database answers. */
export const records = proxyActivities<Pick<Activities, 'projectRemediation'>>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
});

/** A notice that has to reach somebody before its stage, `from` to `to`, may end. */
export interface Telling {
  readonly stage: 'detected' | 'escalated';
  readonly from: number;
  readonly to: number;
  tries: number;
  /** By how much all that follows has been moved, because nobody could be told earlier. */
  movedMs: number;
}

/** An act that was begun, and of which it is not known how far it came, or which left an instance down. */
export interface Unfinished {
  readonly look: Extract<Look, { kind: 'act' }>;
  /** The step of unknown outcome; or the start that is still to be made, which goes on under its key. */
  readonly step: string;
  readonly command: StepCommand;
}

/** What an act achieved. */
export interface Done {
  readonly message: string;
  readonly undoable: boolean;
}

/** Plain JSON: it is carried over when a long wait needs a new history. */
export interface RemediationState {
  seq: number;
  eventCount: number;
  view: RemediationProgress;
  /** Whether the first notice was begun. */
  noticed: boolean;
  telling: Telling | null;
  /** Stages of the reminders given. */
  reminded: string[];
  /** Of the resource as it was when it was approved. */
  approvedFingerprint: string | null;
  /** How long pending exceptions have held this violation up. */
  heldMs: number;
  /** Part of the business keys: a new one when steps that were done have to be done again. */
  round: number;
  /** Looks in a row that found the same in its way. */
  waits: number;
  /** Failures in a row. */
  failures: number;
  /** While there is one, nothing but an operator ends the remediation. */
  unfinished: Unfinished | null;
  /** Set once the act is done: what is left is to verify it, and its undo window. */
  done: Done | null;
  /** The resource before the act. */
  before: Before | null;
  tagsWritten: Readonly<Record<string, string>>;
  snapshotId: string | null;
  /** Undos that certainly failed: part of the business keys of the next. */
  undos: number;
  why: string | null;
}

export interface Ending {
  readonly result: RemediationResult;
  readonly message: string;
  readonly principal: string | null;
  readonly violation: ViolationChange | null;
  readonly notice: boolean;
}

/** An undo under way; `failure` is a text, or `''` when it went well. */
export interface UndoRequest extends UndoRemediation {
  failure: string | null;
}

export interface Flush {
  readonly notice?: ProjectionNotice;
  readonly violation?: ViolationChange | null;
}

export interface Life {
  readonly input: RemediationInput;
  readonly state: RemediationState;
  /** Why it closes; set once. */
  ending: Ending | null;
  /** True from the first effect on: it can no longer be called off, only undone. */
  committed: boolean;
  retryAsked: boolean;
  undoRequest: UndoRequest | null;
  closed: boolean;
  set(patch: Partial<RemediationProgress>): void;
  record(event: string, details?: { readonly [key: string]: Json }, principal?: string | null): void;
  audit(principal: string, action: string, after: { readonly [key: string]: string | number | null }): void;
  /** Writes all that changed since the last time; answers how many people the notice went to. */
  flush(extra?: Flush): Promise<number>;
  wake(): void;
  /** All that came until now is about to be looked at; what comes from here on ends the next rest at once. */
  heed(): void;
  /** Sleeps for `ms`, or until something came since `heed` was called last, or until it is called off; true when it did not sleep for `ms`. */
  rest(ms: number, summary: string): Promise<boolean>;
  /** Sleeps for `ms` between two tries of a step: nothing shortens it but that the act is called off. */
  pause(ms: number, summary: string): Promise<void>;
  toRecord(): RemediationRecord;
}

function firstState(input: RemediationInput): RemediationState {
  return {
    seq: 0,
    eventCount: 0,
    view: {
      action: input.action,
      parameters: input.parameters,
      phase: input.escalateAt === null ? 'grace' : 'notice',
      severity: input.severity,
      escalated: false,
      escalateAt: input.escalateAt,
      actAt: input.actAt,
      postponedMs: 0,
      waitingFor: null,
      attempts: 0,
      approvedBy: null,
      actedAt: null,
      result: null,
      resultMessage: null,
      undoUntil: null,
      closedAt: null,
    },
    noticed: false,
    telling: null,
    reminded: [],
    approvedFingerprint: null,
    heldMs: 0,
    round: 1,
    waits: 0,
    failures: 0,
    unfinished: null,
    done: null,
    before: null,
    tagsWritten: {},
    snapshotId: null,
    undos: 0,
    why: null,
  };
}

export function createLife(input: RemediationInput, carried: RemediationState | undefined): Life {
  const state = carried ?? revivedState(firstState(input), input.revived);
  const events: Projection['events'][number][] = [];
  const audits: Projection['audits'][number][] = [];
  const show = createShow(input, state);
  let wakes = 0;
  let heeded = 0;
  let tail: Promise<unknown> = Promise.resolve();

  async function project(extra: Flush): Promise<number> {
    state.seq += 1;
    show();
    const projected = await CancellationScope.nonCancellable(() =>
      records.projectRemediation.executeWithOptions({ summary: `${state.view.phase}: state, timeline and notices` }, [
        {
          remediationId: input.remediationId,
          violationId: input.violationId,
          team: input.team,
          owner: input.owner,
          seq: state.seq,
          at: Date.now(),
          state: { ...state.view },
          events: events.splice(0),
          notice: extra.notice ?? null,
          violation: extra.violation ?? null,
          audits: audits.splice(0),
        },
      ]),
    );
    return projected.notified;
  }

  const life: Life = {
    input,
    state,
    ending: null,
    committed: state.done !== null,
    retryAsked: false,
    undoRequest: null,
    closed: false,
    set(patch) {
      state.view = { ...state.view, ...patch };
    },
    record(event, details = {}, principal = null) {
      state.eventCount += 1;
      events.push({ key: `event/${state.eventCount}`, at: Date.now(), event, principal, details });
    },
    audit(principal, action, after) {
      audits.push({ principal, action, after });
    },
    flush(extra = {}) {
      const written = tail.then(() => project(extra));
      tail = written.catch(() => undefined);
      return written;
    },
    wake() {
      wakes += 1;
    },
    heed() {
      heeded = wakes;
    },
    async rest(ms, summary) {
      const roused = () => wakes !== heeded || (life.ending !== null && !life.committed);
      return ms <= 0 || roused() || condition(roused, ms, { summary });
    },
    async pause(ms, summary) {
      await CancellationScope.nonCancellable(() => condition(() => calledOff(life), ms, { summary }));
    },
    toRecord: () => recordOf(input, state),
  };
  return life;
}

/** True when nothing has happened yet and nothing is to happen now: it is to end, or was postponed. */
export function calledOff(life: Life): boolean {
  return !life.committed && (life.ending !== null || Date.now() < life.state.view.actAt);
}

/** Goes on in a new history when this one has grown long; call it between two looks, where the state says all there is to know. */
export async function renew(life: Life): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  // What is recorded and not written yet would be lost with this history.
  await life.flush();
  if (life.ending === null && allHandlersFinished()) await continueAsNew(life.input, life.state);
}

/** What a remediation is about, as activities are asked of it. */
export function concernOf({ input }: Life) {
  return { key: input.key, policyName: input.policyName, ruleName: input.ruleName };
}

const LONGEST_BACKOFF = 512;

/** The `n`th wait in a row: each is twice the one before, up to 512 times the first, so that a long wait keeps a short history. */
export function backoff(input: RemediationInput, n: number): number {
  return input.recheckEveryMs * Math.min(2 ** n, LONGEST_BACKOFF);
}
