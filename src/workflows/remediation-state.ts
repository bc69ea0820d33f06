/** The state of one remediation and what keeps the world informed of it: every change is projected, in order. */
import {
  CancellationScope,
  condition,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createRemediationActivities } from '../activities/remediation.js';
import type { Before, Look } from '../activities/remediation-look.js';
import type { Projection, ProjectionNotice, ViolationChange } from '../activities/remediation-project.js';
import type { Json } from '../policy/model.js';
import type { RemediationRecord, RemediationResult } from '../policy/records.js';
import { standingDetails } from '../policy/remediation-notice.js';
import { type RemediationInput, SA_DEADLINE, SA_PHASE, SA_SEVERITY, type UndoRemediation } from './messages.js';

export type Activities = ReturnType<typeof createRemediationActivities>;

/** Rows only: short, repeated until the database answers. */
export const records = proxyActivities<Pick<Activities, 'projectRemediation'>>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
});

type View = Projection['state'];

/** Plain JSON: it is carried over when a long wait needs a new history. */
export interface RemediationState {
  seq: number;
  eventCount: number;
  view: View;
  noticed: boolean;
  /** Stages of the reminders given. */
  reminded: string[];
  /** Of the resource as it was when it was approved. */
  approvedFingerprint: string | null;
  /** How long pending exceptions have held this violation up. */
  heldMs: number;
  /** Part of the business keys: a new one when steps that were done have to be done again. */
  round: number;
  /** Failures in a row. */
  failures: number;
  /** An act that was begun, and of which it is not known how far it came: a retry goes on with it, under the same keys. */
  unfinished: Extract<Look, { kind: 'act' }> | null;
  /** The resource before the act. */
  before: Before | null;
  tagsWritten: Readonly<Record<string, string>>;
  snapshotId: string | null;
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
  set(patch: Partial<View>): void;
  record(event: string, details?: { readonly [key: string]: Json }, principal?: string | null): void;
  audit(principal: string, action: string, after: { readonly [key: string]: string | number | null }): void;
  /** Writes all that changed since the last time; answers how many people the notice went to. */
  flush(extra?: Flush): Promise<number>;
  wake(): void;
  /** Sleeps until woken, or for `ms`; true when woken. */
  rest(ms: number, summary: string): Promise<boolean>;
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
    reminded: [],
    approvedFingerprint: null,
    heldMs: 0,
    round: 1,
    failures: 0,
    unfinished: null,
    before: null,
    tagsWritten: {},
    snapshotId: null,
    undos: 0,
    why: null,
  };
}

export function createLife(input: RemediationInput, carried: RemediationState | undefined): Life {
  const state = carried ?? firstState(input);
  const events: Projection['events'][number][] = [];
  const audits: Projection['audits'][number][] = [];
  const show = createShow(input, state);
  let wakes = 0;
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
    committed: false,
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
    async rest(ms, summary) {
      const seen = wakes;
      return ms <= 0 || condition(() => wakes !== seen, ms, { summary });
    },
    toRecord: () => recordOf(input, state),
  };
  return life;
}

/** Tells Temporal's UI and its search of what changed, and of nothing else. */
function createShow(input: RemediationInput, state: RemediationState): () => void {
  let shown = { phase: '', severity: '', deadline: 0 };
  return () => {
    const { view } = state;
    const next = { phase: view.phase, severity: view.severity, deadline: deadlineOf(view) ?? 0 };
    const changed = [
      ...(next.phase === shown.phase ? [] : [{ key: SA_PHASE, value: next.phase }]),
      ...(next.severity === shown.severity ? [] : [{ key: SA_SEVERITY, value: next.severity }]),
      ...(next.deadline === shown.deadline ? [] : [{ key: SA_DEADLINE, value: next.deadline === 0 ? null : new Date(next.deadline) }]),
    ];
    if (changed.length > 0) upsertSearchAttributes(changed);
    shown = next;
    setCurrentDetails(standingDetails({ ...input, ...view, why: state.why }));
  };
}

function deadlineOf(view: View): number | null {
  if (view.phase === 'closed') return null;
  if (view.phase === 'undo_window') return view.undoUntil;
  return view.phase === 'notice' ? view.escalateAt : view.actAt;
}

function recordOf(input: RemediationInput, state: RemediationState): RemediationRecord {
  const { key } = input;
  return {
    id: input.remediationId,
    violationId: input.violationId,
    provider: key.provider,
    account: key.account,
    resourceType: key.type,
    resourceId: key.id,
    policyName: input.policyName,
    policyVersion: input.policyVersion,
    ruleName: input.ruleName,
    team: input.team,
    owner: input.owner,
    dryRun: input.dryRun,
    detectedAt: input.detectedAt,
    createdAt: input.createdAt,
    updatedAt: Date.now(),
    workflowId: workflowInfo().workflowId,
    ...state.view,
  };
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
