import type { Db } from '../store/db.js';
import type { DecisionRecord } from '../store/decisions.js';
import { type ExceptionUse, recordExceptionUses } from '../store/exception-uses.js';
import { releaseHoldsOf } from '../store/hold-moves.js';
import { writeNotices } from '../store/outbox.js';
import type { WireDecision } from './contract/evaluate.js';
import type { DenialNotice } from './denial-notices.js';

/** A decision with what else becomes true by it; all of it is written in one transaction. */
export interface LoggedDecision extends DecisionRecord {
  /** What `result` is the text of. */
  readonly answer: WireDecision;
  readonly uses: readonly ExceptionUse[];
  /** Null where there is nobody to tell. */
  readonly denial: DenialNotice | null;
  /** Exceptions whose cap these uses reach. */
  readonly exhausted: readonly string[];
}

/** Whether `writeDecisionFacts` has nothing to write for it. */
export function isPlainDecision(decision: LoggedDecision): boolean {
  const { uses, denial } = decision;
  return uses.length === 0 && denial === null && !mayHoldUnanswered(decision);
}

/**
 * Whether it was answered from memory while it rested on budgets: it may have been decided under locks before, in a transaction of which
 * nobody learnt whether it was committed, and then holds what its answer does not say.
 */
function mayHoldUnanswered({ degraded, facts, dryRun, answer }: LoggedDecision): boolean {
  return degraded && facts !== null && !dryRun && answer.holds.length === 0;
}

/**
 * For `createDecisionLog`: uses of exceptions, and notices of denials, of the whole group in one statement each; holds that were not
 * answered are given back. Safe to repeat: all have keys of their own.
 */
export async function writeDecisionFacts(db: Db, decisions: readonly LoggedDecision[]): Promise<void> {
  const uses = decisions.flatMap((decision) => decision.uses);
  const notices = decisions.flatMap(({ denial }) => denial?.notices ?? []);
  const unanswered = decisions.filter(mayHoldUnanswered).map(({ id }) => id);
  const at = Math.max(...decisions.map((decision) => decision.at));
  if (uses.length > 0) await recordExceptionUses(db, uses);
  if (notices.length > 0) await writeNotices(db, notices, at);
  if (unanswered.length > 0) await releaseHoldsOf(db, unanswered, at);
}
