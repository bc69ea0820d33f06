import type { Db } from '../store/db.js';
import type { DecisionRecord } from '../store/decisions.js';
import { type ExceptionUse, recordExceptionUses } from '../store/exception-uses.js';
import { type NewNotice, writeNotices } from '../store/outbox.js';
import type { WireDecision } from './contract/evaluate.js';

/** A decision with what else becomes true by it; all of it is written in one transaction. */
export interface LoggedDecision extends DecisionRecord {
  /** What `result` is the text of. */
  readonly answer: WireDecision;
  readonly uses: readonly ExceptionUse[];
  readonly notices: readonly NewNotice[];
  /** Exceptions whose cap these uses reach. */
  readonly exhausted: readonly string[];
}

/** Whether `writeDecisionFacts` has nothing to write for it. */
export function isPlainDecision({ uses, notices }: LoggedDecision): boolean {
  return uses.length === 0 && notices.length === 0;
}

/**
 * For `createDecisionLog`: uses of exceptions, and notices of denials, of the whole group in one statement each. Safe to repeat: both
 * have keys of their own.
 */
export async function writeDecisionFacts(db: Db, decisions: readonly LoggedDecision[]): Promise<void> {
  const uses = decisions.flatMap((decision) => decision.uses);
  const notices = decisions.flatMap((decision) => decision.notices);
  if (uses.length > 0) await recordExceptionUses(db, uses);
  if (notices.length > 0) await writeNotices(db, notices, Math.max(...decisions.map(({ at }) => at)));
}
