import { createHash } from 'node:crypto';
import { evaluateRequest } from '../policy/evaluate.js';
import type { Decision, Resource } from '../policy/model.js';
import { type ExceptionUse, takeUses } from '../store/exception-uses.js';
import { endException } from '../workflows/messages.js';
import { nameOf } from './contract/evaluate.js';
import type { AppContext } from './deps.js';
import { isDatabaseAway } from './problem.js';

export interface GateQuestion {
  readonly resources: readonly Resource[];
  readonly at: number;
  readonly dryRun: boolean;
  readonly principal: string;
  readonly requester: string;
  readonly decisionId: string;
  /** Of the body: names a deployment, whose repeats use an exception once. */
  readonly idempotencyKey: string | null;
}

export interface Judged {
  readonly decision: Decision;
  /** Empty for what has no consequences: a dry run, a denial. Those of exceptions with a cap on uses are in the database already. */
  readonly uses: readonly ExceptionUse[];
}

/**
 * Judges a request by what is in memory. Uses of exceptions that have a cap on them are taken in the database before the answer; when
 * another request was quicker, it is judged again with what is left. Without the database nothing says what is left: such an exception
 * then permits nothing.
 */
export async function judgeRequest(context: AppContext, question: GateQuestion): Promise<Judged> {
  const { policies, exceptions, exceptionRecords } = context.snapshot.get();
  const { resources, at, dryRun } = question;
  const usesLeft = new Map<string, number>();
  for (;;) {
    const decision = evaluateRequest(policies.compiled, exceptions, { resources }, at, { offers: context.offers, usesLeft });
    if (decision.exceptionsApplied.length === 0 || dryRun || decision.decision === 'deny') return { decision, uses: [] };
    const uses = usesOf(decision, question);
    const capped = new Set(exceptionRecords.filter(({ caps }) => caps.uses !== null).map(({ id }) => id));
    const counted = uses.filter(({ exceptionId }) => capped.has(exceptionId));
    if (counted.length === 0) return { decision, uses };
    const short = await take(context, counted);
    if (short.size === 0) return { decision, uses };
    for (const [id, left] of short) usesLeft.set(id, left);
  }
}

async function take(context: AppContext, uses: readonly ExceptionUse[]): Promise<ReadonlyMap<string, number>> {
  const { pool, snapshot } = context;
  const none = () => new Map(uses.map(({ exceptionId }) => [exceptionId, 0]));
  // Waiting for a database that is known to be away would only hold up the answer.
  if (snapshot.degraded) return none();
  try {
    const { short, exhausted } = await takeUses(pool, uses);
    void endExhausted(context, exhausted);
    return short;
  } catch (error) {
    if (isDatabaseAway(error)) return none();
    throw error;
  }
}

const SIGNAL_DEADLINE_MS = 5_000;

/** Ends exceptions whose cap is used up, so that what they permitted is enforced again at once. A signal that is lost is made up for by the next scan. */
async function endExhausted({ temporal, snapshot, log }: AppContext, ids: readonly string[]): Promise<void> {
  for (const { id, workflowId } of snapshot.get().exceptionRecords.filter((record) => ids.includes(record.id))) {
    try {
      const handle = temporal.client.workflow.getHandle(workflowId);
      await temporal.client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () => handle.signal(endException, { reason: 'cap' }));
    } catch (err) {
      log.warn({ err, exception: id, workflow_id: workflowId }, 'an exception whose cap is used up could not be told to end');
    }
  }
}

function usesOf(decision: Decision, question: GateQuestion): readonly ExceptionUse[] {
  return decision.exceptionsApplied.map(({ id, resourceIndex }) => ({
    exceptionId: id,
    key: useKey(question, resourceIndex),
    usedBy: question.requester,
    at: question.at,
  }));
}

function useKey({ decisionId, idempotencyKey, principal, resources }: GateQuestion, index: number): string {
  if (idempotencyKey === null) return `${decisionId}:${index}`;
  const input = JSON.stringify([principal, idempotencyKey, resources[index]?.type, nameOf(resources, index)]);
  return `deployment:${createHash('sha256').update(input).digest('hex')}`;
}
