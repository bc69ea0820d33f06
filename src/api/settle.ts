/**
 * Decides requests that rest on what only the database knows: what is left of budgets and of caps on exceptions. Called by the
 * decision log with all that wait, inside the transaction that then writes their decisions.
 */

import { TollgateError } from '../errors.js';
import type { BudgetState, TouchedBudget } from '../policy/budget.js';
import type { Instant } from '../policy/model.js';
import type { TakenHold, WantedHold } from '../policy/verdict.js';
import { countBudgets } from '../store/budget-count.js';
import { type Db, isDatabaseAway } from '../store/db.js';
import type { Logged, Undecided } from '../store/decision-log.js';
import { type ExceptionUse, lockUsesLeft, type UsesLeft } from '../store/exception-uses.js';
import type { LoggedDecision } from './decision-facts.js';
import type { GateContext } from './deps.js';
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
  /** Whether it is known what was billed of each budget that it touches. */
  isCounted(request: OpenRequest): boolean;
  /** By `budgetKey`, as this request finds them: after what those before it took, without the holds of its own deployment. */
  statesFor(request: OpenRequest): ReadonlyMap<string, BudgetState>;
  /** Takes what an allowed request holds, and gives back what its deployment held before; counts at once for those that come after. */
  take(request: OpenRequest, wanted: readonly WantedHold[]): readonly TakenHold[];
  /** Writes all that was taken and given back. */
  write(): Promise<void>;
}

/** Locks in a fixed order, so that two transactions never wait for each other. Of a repeat, some may have been decided before. */
export type LockBudgets = (db: Db, requests: readonly OpenRequest[], isRepeat: boolean) => Promise<BudgetSession>;

type Outcome = LoggedDecision | Uncounted;

export type Settle = (db: Db, requests: readonly OpenRequest[], isRepeat: boolean) => Promise<readonly Outcome[]>;

/** A budget that the request touches has to be counted first, which takes too long for the locks that others wait for. */
class Uncounted extends TollgateError {
  constructor() {
    super('unavailable', 'what was billed of a budget is being counted; try again');
  }
}

/** For `createDecisionLog`. Requests are decided in the order in which they came. */
export function createSettler(lockBudgets: LockBudgets): Settle {
  return async (db, requests, isRepeat) => {
    const uses = await lockUsesLeft(
      db,
      requests.flatMap(({ capped }) => capped),
    );
    const budgets = await lockBudgets(db, requests, isRepeat);
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(budgets.isCounted(request) ? await decide(request, budgets, uses) : new Uncounted());
    await budgets.write();
    return outcomes;
  };
}

async function decide(request: OpenRequest, budgets: BudgetSession, uses: UsesLeft): Promise<LoggedDecision> {
  const judged = await request.judge({ budgets: budgets.statesFor(request), usesLeft: uses.for(request.capped) });
  const holds = budgets.take(request, judged.decision.holds);
  return request.record(judged, holds, uses.make(judged.uses));
}

/** Each process counts as long as another one, with other policies for a moment, counts by another selector. */
const TRIES = 5;

/** Has it decided under locks. A budget that nobody has counted is counted first; requests that touch others do not wait for that. */
export async function settleRequest({ decisionLog, pool }: GateContext, request: OpenRequest): Promise<Logged<LoggedDecision>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await decisionLog.settle(request);
    } catch (error) {
      if (!(error instanceof Uncounted) || tries === TRIES) throw error;
    }
    try {
      await countBudgets(pool, request.touched, request.at);
    } catch (error) {
      // The log comes to know that it is away, and decides from memory.
      if (!isDatabaseAway(error)) throw error;
    }
  }
}
