/** What becomes of a hold: committed, released, or given back because its decision was not answered with it. */
import { TollgateError } from '../errors.js';
import type { HoldRecord } from '../policy/budget.js';
import type { Instant } from '../policy/model.js';
import { subtract } from '../policy/money.js';
import { untouched } from './budget-ledger.js';
import { addToTotals, lockBudgets } from './budgets.js';
import type { Db } from './db.js';
import { closeHolds, findFormerHolds, findHold, lockHold, writeCommitted } from './holds.js';

export interface HoldMove {
  readonly id: string;
  readonly principal: string;
  readonly at: Instant;
}

export interface MovedHold {
  readonly before: HoldRecord;
  readonly after: HoldRecord;
}

/**
 * Turns a hold into committed money: what it was for has been made. Repeating it changes nothing.
 * @throws not-found, or conflict for one that was released or whose time is over
 */
export function commitHold(db: Db, move: HoldMove): Promise<MovedHold> {
  return moveHold(db, move, ['committed', 'settled'], async (hold) => {
    await writeCommitted(db, hold.id, move.at, move.principal);
    await addToTotals(db, [{ ...hold, held: subtract('0', hold.amount), committed: hold.amount }]);
  });
}

/**
 * Gives a hold back: what it was for is not made. Repeating it changes nothing.
 * @throws not-found, or conflict for one that was committed or whose time is over
 */
export function releaseHold(db: Db, move: HoldMove): Promise<MovedHold> {
  return moveHold(db, move, ['released'], async (hold) => {
    await closeHolds(db, [hold], { status: 'released', at: move.at, by: move.principal, reason: 'released' });
    await addToTotals(db, [{ ...hold, held: subtract('0', hold.amount), committed: '0' }]);
  });
}

async function moveHold(
  db: Db,
  { id, at }: HoldMove,
  done: readonly HoldRecord['status'][],
  act: (hold: HoldRecord) => Promise<void>,
): Promise<MovedHold> {
  const found = await findHold(db, id);
  if (found === undefined) throw new TollgateError('not-found', `there is no hold \`${id}\``);
  await lockBudgets(db, untouched([found], []), at);
  const before = await lockHold(db, id);
  if (done.includes(before.status)) return { before, after: before };
  if (before.status !== 'held') throw new TollgateError('conflict', whyNot(before));
  await act(before);
  return { before, after: await lockHold(db, id) };
}

function whyNot({ id, status, closedAt, closeReason, expiresAt }: HoldRecord): string {
  const when = (at: Instant) => new Date(at).toISOString();
  if (status === 'expired') return `hold \`${id}\` expired at ${when(expiresAt)}: evaluate again`;
  if (status !== 'released') return `hold \`${id}\` is ${status}`;
  const how = closeReason === 'replaced' ? 'replaced by a later evaluation of the same deployment' : 'released';
  return `hold \`${id}\` was ${how}${closedAt === null ? '' : ` at ${when(closedAt)}`}`;
}

/**
 * Gives back what decisions hold that had to be answered without their holds, because nobody knew whether their transaction was
 * committed. Safe to repeat.
 */
export async function releaseHoldsOf(db: Db, decisionIds: readonly string[], at: Instant): Promise<void> {
  const nobody = { principal: '', idempotencyKey: null, planDigest: null };
  const asked = decisionIds.map((decisionId) => ({ ...nobody, decisionId }));
  const before = await findFormerHolds(db, asked);
  if (before.length === 0) return;
  await lockBudgets(db, untouched(before, []), at);
  const holds = await findFormerHolds(db, asked);
  await closeHolds(db, holds, { status: 'released', at, by: null, reason: 'not answered' });
  await addToTotals(
    db,
    holds.map((hold) => ({ ...hold, held: subtract('0', hold.amount), committed: '0' })),
  );
}
