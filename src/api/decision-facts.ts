import type { Db } from '../store/db.js';
import type { DecisionRecord } from '../store/decisions.js';
import { type ExceptionUse, recordExceptionUses } from '../store/exception-uses.js';
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
export function isPlainDecision({ uses, denial }: LoggedDecision): boolean {
  return uses.length === 0 && denial === null;
}

/**
 * For `createDecisionLog`: uses of exceptions, and notices of denials, of the whole group in one statement each. Safe to repeat: both
 * have keys of their own.
 */
export async function writeDecisionFacts(db: Db, decisions: readonly LoggedDecision[]): Promise<void> {
  const uses = decisions.flatMap((decision) => decision.uses);
  const notices = decisions.flatMap(({ denial }) => denial?.notices ?? []);
  if (uses.length > 0) await recordExceptionUses(db, uses);
  if (notices.length > 0) await writeNotices(db, notices, Math.max(...decisions.map(({ at }) => at)));
}
