/** One exception, from its request to its end: waits for a decision, then for its end or its reviews. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createExceptionActivities } from '../activities/exception.js';
import type { ExceptionMove } from '../policy/exception-moves.js';
import { type ExceptionStep, type ExceptionTold, lapseAtOf, NOTHING_TOLD, nextExceptionStep } from '../policy/exception-schedule.js';
import type { ExceptionRecord, ExceptionStatus } from '../policy/records.js';
import {
  approveException,
  type ExceptionInput,
  endException,
  rejectException,
  requestException,
  reviewException,
  revokeException,
} from './exception-messages.js';
import { SA_DEADLINE, SA_PHASE, SA_POLICY } from './messages.js';
import { orRefused, refusalIn } from './refusals.js';
import { createTurns } from './turns.js';

const activities = proxyActivities<ReturnType<typeof createExceptionActivities>>({
  startToCloseTimeout: '30s',
  retry: { maximumInterval: '10s' },
});
/** May signal or start thousands of remediations. */
const { followException } = proxyActivities<ReturnType<typeof createExceptionActivities>>({ startToCloseTimeout: '10m' });

const SYSTEM = 'system:exceptions';

interface State {
  /** As last stored. */
  record: ExceptionRecord;
  seq: number;
  stored: boolean;
  told: ExceptionTold;
  /** The status of which remediations have been told. */
  followed: ExceptionStatus;
  ending: 'cap' | 'resource_gone' | 'compliant' | null;
}

export async function exception(input: ExceptionInput): Promise<ExceptionStatus> {
  const { resumed } = input;
  const state: State = {
    record: input.record,
    seq: resumed?.seq ?? 0,
    stored: resumed !== undefined,
    told: resumed?.told ?? NOTHING_TOLD,
    followed: resumed?.followed ?? 'pending',
    ending: resumed?.ending ?? null,
  };
  const move = createMover(input, state);
  listen(state, move);
  if (!state.stored) {
    state.record = await activities.storeExceptionRequest.executeWithOptions({ summary: 'store the request, tell its approvers' }, [
      input.record,
    ]);
    state.stored = true;
  }
  while (await advance(input, state, move)) {
    if (workflowInfo().continueAsNewSuggested) await startOver(input, state);
  }
  await condition(allHandlersFinished);
  return state.record.status;
}

type Mover = (move: ExceptionMove) => Promise<ExceptionRecord>;

/** Moves are made one at a time: the activity that stores one decides whether it may be made. */
function createMover(input: ExceptionInput, state: State): Mover {
  const turns = createTurns();
  return (move) =>
    turns.next(async () => {
      await condition(() => state.stored);
      const moved = await activities.moveException.executeWithOptions({ summary: move.kind }, [
        {
          id: input.record.id,
          seq: state.seq + 1,
          move,
          at: Date.now(),
          escalated: state.told.escalated,
          lapseAt: lapseAtOf(input.record, input),
          reviewIntervalMs: input.reviewIntervalMs,
        },
      ]);
      state.record = moved;
      state.seq += 1;
      return { ...moved };
    });
}

function listen(state: State, move: Mover): void {
  setHandler(requestException, async () => {
    await condition(() => state.stored);
    return { ...state.record };
  });
  setHandler(approveException, ({ principal, comments }) => orRefused(move({ kind: 'approve', by: principal, comments })));
  setHandler(rejectException, ({ principal, reason }) => orRefused(move({ kind: 'reject', by: principal, reason })));
  setHandler(revokeException, ({ principal, reason }) => orRefused(move({ kind: 'revoke', by: principal, reason })));
  setHandler(reviewException, ({ principal, outcome, comments }) => orRefused(move({ kind: 'review', by: principal, outcome, comments })));
  setHandler(endException, ({ reason }) => {
    state.ending = reason;
  });
}

/** Does the next thing there is to do, or waits for it; false when nothing is left. */
async function advance(input: ExceptionInput, state: State, move: Mover): Promise<boolean> {
  const { record } = state;
  if (record.status !== state.followed) {
    await followException.executeWithOptions({ summary: `tell remediations: ${record.status}` }, [record.id]);
    state.followed = record.status;
    return true;
  }
  if (record.status !== 'pending' && record.status !== 'approved') {
    show(record, undefined);
    return false;
  }
  const step = nextExceptionStep(record, input, state.told);
  show(record, step);
  const { seq } = state;
  const ending = () => state.ending !== null && record.status === 'approved';
  const moved = () => state.seq !== seq || ending();
  if (step === undefined) await condition(moved);
  else if (step.at > Date.now()) await condition(moved, step.at - Date.now(), { summary: `${step.kind}: ${record.policyName}` });
  if (ending()) await endNow(state, move);
  else if (!moved() && step !== undefined && Date.now() >= step.at) await take(step, state, move);
  return true;
}

async function endNow(state: State, move: Mover): Promise<void> {
  const reason = state.ending;
  state.ending = null;
  if (reason !== null) await unlessOvertaken(move({ kind: 'end', by: SYSTEM, reason }));
}

/** A person may have decided while the move waited for its turn; then there is something else to do. */
async function unlessOvertaken(moved: Promise<unknown>): Promise<void> {
  try {
    await moved;
  } catch (error) {
    if (refusalIn(error) === undefined) throw error;
  }
}

async function take(step: ExceptionStep, state: State, move: Mover): Promise<void> {
  switch (step.kind) {
    case 'lapse':
    case 'expire':
      return unlessOvertaken(move({ kind: step.kind, by: SYSTEM }));
    case 'escalate':
      await unlessOvertaken(move({ kind: 'escalate', by: SYSTEM }));
      state.told = { ...state.told, escalated: true };
      return;
    case 'remind':
      await tell(state, 'reminder');
      state.told = { ...state.told, reminded: true };
      return;
    case 'warn':
      await tell(state, 'expiring');
      state.told = { ...state.told, warned: true };
      return;
    case 'review-due':
    case 'review-overdue': {
      const dueAt = state.record.reviewDueAt ?? step.at;
      await tell(state, step.kind, new Date(step.at).toISOString());
      state.told = { ...state.told, review: { dueAt, at: Date.now() } };
      return;
    }
    default:
      return step.kind satisfies never;
  }
}

async function tell(
  state: State,
  stage: 'reminder' | 'expiring' | 'review-due' | 'review-overdue',
  occasion: string | null = null,
): Promise<void> {
  await activities.tellOfException.executeWithOptions({ summary: stage }, [{ id: state.record.id, stage, occasion }]);
}

/** What an operator sees in Temporal's UI. Search attributes are not encrypted: no person is named in them. */
function show(record: ExceptionRecord, step: ExceptionStep | undefined): void {
  upsertSearchAttributes([
    { key: SA_POLICY, value: record.policyName },
    { key: SA_PHASE, value: record.status },
    { key: SA_DEADLINE, value: step === undefined ? null : new Date(step.at) },
  ]);
  const next = step === undefined ? 'nothing is due' : `next: ${step.kind} at ${new Date(step.at).toISOString()}`;
  setCurrentDetails(`**${record.status}** exception to \`${record.policyName}/${record.ruleName}\`\n\n${next}`);
}

async function startOver(input: ExceptionInput, state: State): Promise<never> {
  await condition(allHandlersFinished);
  const { record, seq, told, followed, ending } = state;
  return continueAsNew<typeof exception>({ ...input, record, resumed: { seq, told, followed, ending } });
}
