/** Holds on budgets: taken in the transaction of the decision, many decisions under one lock. What becomes of them is in `hold-moves.ts`. */
import { newId } from '../ids.js';
import { type BudgetKey, type BudgetState, budgetKey, type HoldRecord, holdStatus, type TouchedBudget } from '../policy/budget.js';
import { parsePeriod } from '../policy/budget-period.js';
import { ownOf } from '../policy/budget-rules.js';
import type { Decimal, Instant } from '../policy/model.js';
import { add, isZero, subtract } from '../policy/money.js';
import type { TakenHold, WantedHold } from '../policy/verdict.js';
import { addToTotals, type BudgetStates, type BudgetToLock, lockBudgets, readBudgets } from './budgets.js';
import type { Db } from './db.js';
import { closeHolds, findFormerHolds, insertHolds } from './holds.js';

/** Names what is deployed: a repeat takes the place of what it held before. */
export interface Deployment {
  readonly principal: string;
  /** Of the body; scoped to the principal. */
  readonly idempotencyKey: string | null;
  /** Names the deployment where there is no key. */
  readonly planDigest: string | null;
}

/** A request whose decision needs the state of budgets. */
export interface BudgetedRequest extends Deployment {
  readonly decisionId: string;
  readonly requester: string;
  readonly at: Instant;
  /** Of `touchedBudgets`. */
  readonly touched: readonly TouchedBudget[];
}

/** Budgets that are locked while requests are decided on them one after the other. */
export interface BudgetSession {
  /** Whether it is known what was billed of each budget that it touches: see `budget-count.ts`. */
  isCounted(request: BudgetedRequest): boolean;
  /**
   * By `budgetKey`, as this request finds them: after what those before it took, without what its own deployment holds, and with what of
   * the committed money is its own.
   */
  statesFor(request: BudgetedRequest): BudgetStates;
  /** Takes what the request holds: nothing for a denial. What its deployment held before is given back in any case. */
  take(request: BudgetedRequest, wanted: readonly WantedHold[]): readonly TakenHold[];
  /** Writes what was taken and given back; one statement for each table, however many requests there are. */
  write(): Promise<void>;
}

/**
 * Locks all budgets that requests touch, for the transaction that decides them and writes their decisions. Safe to repeat with the same
 * requests, where that is said: what they hold already is replaced.
 */
export function createBudgetSessions({ holdExpiresAfterMs }: { readonly holdExpiresAfterMs: number }) {
  return async (db: Db, requests: readonly BudgetedRequest[], isRepeat: boolean): Promise<BudgetSession> => {
    const at = Math.max(0, ...requests.map((request) => request.at));
    const mayHold = isRepeat ? requests : requests.filter(isNamed);
    const before = await findFormerHolds(db, mayHold);
    const touched = requests.flatMap((request) => request.touched);
    const states = await lockBudgets(db, [...touched, ...untouched(before.filter(isHeld), touched)], at);
    // INVARIANT: asked again after the lock, in a statement of its own, so that it sees what the last holder of the lock wrote.
    const former = await findFormerHolds(db, mayHold);
    return new Session(db, { states, former, at, holdExpiresAfterMs });
  };
}

/** The states that a request would find, for a look: without what its own deployment holds. Nothing is locked, made or changed. */
export async function readBudgetsFor(
  db: Db,
  request: Deployment & Pick<BudgetedRequest, 'decisionId' | 'touched'>,
  at: Instant,
): Promise<BudgetStates> {
  const states = new Map(await readBudgets(db, request.touched, at));
  if (states.size === 0) return states;
  const former = await findFormerHolds(db, [request]);
  for (const hold of former) {
    const state = states.get(budgetKey(hold));
    if (state === undefined || holdStatus(hold, at) !== 'held') continue;
    states.set(budgetKey(hold), { ...state, held: subtract(state.held, hold.amount) });
  }
  return withOwn(request, states, { committed: former.filter(isCommitted), at });
}

interface OwnHolds {
  /** What the deployment of the request committed. */
  readonly committed: readonly HoldRecord[];
  readonly at: Instant;
}

/** The states of the budgets that a request touches, with what of each is its own. */
function withOwn(
  { touched, planDigest }: Pick<BudgetedRequest, 'touched' | 'planDigest'>,
  states: BudgetStates,
  { committed, at }: OwnHolds,
): BudgetStates {
  return new Map(
    touched.flatMap((budget) => {
      const key = budgetKey(budget);
      const state = states.get(key);
      if (state === undefined) return [];
      const before = committed.filter((hold) => budgetKey(hold) === key);
      if (before.length === 0) return [[key, state]];
      const own = ownOf(
        budget,
        before.map(({ amount, settled, resources, planDigest: digest }) => {
          return { amount: subtract(amount, settled), resources, isSamePlan: digest !== null && digest === planDigest };
        }),
        at,
      );
      return [[key, isZero(own) ? state : { ...state, own }]];
    }),
  );
}

function isHeld({ status }: HoldRecord): boolean {
  return status === 'held';
}

function isCommitted({ status }: HoldRecord): boolean {
  return status === 'committed';
}

function isNamed({ idempotencyKey, planDigest }: Deployment): boolean {
  return idempotencyKey !== null || planDigest !== null;
}

/** Budgets that deployments hold on and no longer touch: they are locked too, by what is known of them. */
export function untouched(holds: readonly HoldRecord[], touched: readonly BudgetToLock[]): readonly BudgetToLock[] {
  const known = new Set(touched.map(budgetKey));
  return holds.flatMap((hold) => {
    const period = parsePeriod(hold.period);
    if (known.has(budgetKey(hold)) || period === undefined) return [];
    const { policyName, ruleName } = hold;
    return [{ policyName, ruleName, period: hold.period, from: period.from, to: period.to, budget: '0', selector: null }];
  });
}

/** Key of what replaces what; null where nothing but the decision itself names it. */
function deploymentKey({ principal, idempotencyKey, planDigest }: Deployment): string | null {
  if (idempotencyKey !== null) return JSON.stringify([principal, idempotencyKey]);
  return planDigest;
}

interface SessionStart {
  readonly states: BudgetStates;
  readonly former: readonly HoldRecord[];
  readonly at: Instant;
  readonly holdExpiresAfterMs: number;
}

class Session implements BudgetSession {
  readonly #db: Db;
  readonly #start: SessionStart;
  readonly #states: Map<string, BudgetState>;
  /** What deployments hold at the moment, those of this session too. */
  readonly #live = new Map<string, readonly HoldRecord[]>();
  /** What deployments committed before, by the key of the deployment. */
  readonly #committed = new Map<string, readonly HoldRecord[]>();
  readonly #byDecision = new Map<string, readonly HoldRecord[]>();
  readonly #taken: HoldRecord[] = [];
  readonly #replaced = new Set<HoldRecord>();

  constructor(db: Db, start: SessionStart) {
    this.#db = db;
    this.#start = start;
    this.#states = new Map(start.states);
    // One whose budget is not locked came in meanwhile and elsewhere: it stays until its time is over.
    const former = start.former.filter((hold) => isHeld(hold) && start.states.has(budgetKey(hold)));
    for (const hold of start.former.filter(isCommitted)) remember(this.#committed, hold);
    for (const hold of former) {
      remember(this.#live, hold);
      this.#byDecision.set(hold.decisionId, [...(this.#byDecision.get(hold.decisionId) ?? []), hold]);
    }
  }

  isCounted({ touched }: BudgetedRequest): boolean {
    return touched.every((budget) => this.#states.has(budgetKey(budget)));
  }

  statesFor(request: BudgetedRequest): BudgetStates {
    this.#replace(request);
    const key = deploymentKey(request);
    const committed = (key === null ? undefined : this.#committed.get(key)) ?? [];
    return withOwn(request, this.#states, { committed, at: request.at });
  }

  take(request: BudgetedRequest, wanted: readonly WantedHold[]): readonly TakenHold[] {
    this.#replace(request);
    const holds = wanted.map((hold) => toHold(request, hold, this.#start.holdExpiresAfterMs));
    for (const hold of holds) {
      this.#addHeld(hold, hold.amount);
      remember(this.#live, hold);
    }
    this.#taken.push(...holds);
    return holds.map(({ id, policyName, ruleName, period, amount, expiresAt }) => ({
      id,
      policyName,
      ruleName,
      period,
      amount,
      expiresAt,
    }));
  }

  async write(): Promise<void> {
    const replaced = [...this.#replaced];
    await insertHolds(this.#db, this.#taken);
    await closeHolds(this.#db, replaced, { status: 'released', at: this.#start.at, by: null, reason: 'replaced' });
    await addToTotals(this.#db, [
      ...this.#taken.map((hold) => ({ ...hold, held: hold.amount, committed: '0' })),
      ...replaced.map((hold) => ({ ...hold, held: subtract('0', hold.amount), committed: '0' })),
    ]);
  }

  /** What the deployment held before, and what this very decision did when it was made before. */
  #replace(request: BudgetedRequest): void {
    const key = deploymentKey(request);
    const held = [...((key === null ? undefined : this.#live.get(key)) ?? []), ...(this.#byDecision.get(request.decisionId) ?? [])];
    if (key !== null) this.#live.delete(key);
    for (const hold of held) {
      if (this.#replaced.has(hold)) continue;
      this.#addHeld(hold, subtract('0', hold.amount));
      this.#replaced.add(hold);
    }
  }

  #addHeld(key: BudgetKey, amount: Decimal): void {
    const state = this.#states.get(budgetKey(key));
    if (state !== undefined) this.#states.set(budgetKey(key), { ...state, held: add(state.held, amount) });
  }
}

function remember(holds: Map<string, readonly HoldRecord[]>, hold: HoldRecord): void {
  const key = deploymentKey(hold);
  if (key !== null) holds.set(key, [...(holds.get(key) ?? []), hold]);
}

function toHold(request: BudgetedRequest, { policyName, ruleName, period, amount }: WantedHold, holdExpiresAfterMs: number): HoldRecord {
  const { decisionId, principal, requester, idempotencyKey, planDigest, touched, at } = request;
  const key = budgetKey({ policyName, ruleName, period });
  return {
    id: newId('hold'),
    policyName,
    ruleName,
    period,
    amount,
    status: 'held',
    settled: '0',
    decisionId,
    principal,
    requester,
    idempotencyKey,
    planDigest,
    resources: touched.find((budget) => budgetKey(budget) === key)?.resources ?? [],
    takenAt: at,
    expiresAt: at + holdExpiresAfterMs,
    committedAt: null,
    committedBy: null,
    closedAt: null,
    closedBy: null,
    closeReason: null,
  };
}
