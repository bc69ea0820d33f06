/**
 * Decides requests that rest on what only the database knows: what is left of budgets and of caps on exceptions. Called by the
 * decision log with all that wait, inside the transaction that then writes their decisions.
 */
import type { BudgetState, TouchedBudget } from '../policy/budget.js';
import type { Instant, TakenHold, WantedHold } from '../policy/model.js';
import type { Db } from '../store/db.js';
import type { Undecided } from '../store/decision-log.js';
import { type ExceptionUse, lockUsesLeft } from '../store/exception-uses.js';
import type { LoggedDecision } from './decision-facts.js';
import type { Judged, Known } from './judge.js';

/** A request that waits for its turn. */
export interface OpenRequest extends Undecided<LoggedDecision> {
  readonly decisionId: string;
  readonly at: Instant;
  readonly principal: string;
  readonly requester: string;
  /** What names its deployment, whose older holds its own replace: the key per principal, or the plan. Both null: none. */
  readonly idempotencyKey: string | null;
  readonly planDigest: string | null;
  readonly touched: readonly TouchedBudget[];
  /** Of exceptions with a cap, at most these. */
  readonly capped: readonly ExceptionUse[];
  /** Pure: it may be asked again. */
  readonly judge: (known: Known) => Promise<Judged>;
  readonly record: (judged: Judged, holds: readonly TakenHold[], exhausted: readonly string[]) => Promise<LoggedDecision>;
}

/** The budgets that a group of requests touches, locked until the transaction ends. */
export interface BudgetSession {
  /** By `budgetKey`, as this request finds them: after what those before it took, without the holds of its own deployment. */
  statesFor(request: OpenRequest): ReadonlyMap<string, BudgetState>;
  /** Takes what an allowed request holds, and gives back what its deployment held before; counts at once for those that come after. */
  take(request: OpenRequest, wanted: readonly WantedHold[]): readonly TakenHold[];
  /** Writes all that was taken and given back. */
  write(): Promise<void>;
}

/** Locks in a fixed order, so that two transactions never wait for each other. */
export type LockBudgets = (db: Db, requests: readonly OpenRequest[]) => Promise<BudgetSession>;

export type Settle = (db: Db, requests: readonly OpenRequest[]) => Promise<readonly LoggedDecision[]>;

/** For `createDecisionLog`. Requests are decided in the order in which they came. */
export function createSettler(lockBudgets: LockBudgets): Settle {
  return async (db, requests) => {
    const uses = await lockUsesLeft(
      db,
      requests.flatMap(({ capped }) => capped),
    );
    const budgets = await lockBudgets(db, requests);
    const decisions: LoggedDecision[] = [];
    for (const request of requests) {
      const judged = await request.judge({ budgets: budgets.statesFor(request), usesLeft: uses.for(request.capped) });
      const holds = budgets.take(request, judged.decision.holds);
      decisions.push(await request.record(judged, holds, uses.make(judged.uses)));
    }
    await budgets.write();
    return decisions;
  };
}
