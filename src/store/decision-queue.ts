import type { DecisionRecord } from './decisions.js';

/** A decision that rests on what only the database knows: it is made under locks, in the transaction that writes it. */
export interface Undecided<D extends DecisionRecord> {
  /** About how many characters it keeps in memory. */
  readonly size: number;
  /** The decision by what is in memory, because the database is away. */
  decideFromMemory(): D;
}

/** What became of a decision. */
export interface Logged<D extends DecisionRecord> {
  readonly decision: D;
  /** Written before this was known. */
  readonly durable: boolean;
  /** The database is away: the decision is in memory, and is stored as one that was made from memory. */
  readonly away: boolean;
}

interface Waiter<D extends DecisionRecord> {
  readonly resolve: (logged: Logged<D>) => void;
  readonly reject: (error: Error) => void;
}

/** One decision on its way to the log. */
export class Entry<D extends DecisionRecord, U extends Undecided<D>> {
  state: { readonly decision: D } | { readonly undecided: U };
  readonly size: number;
  /** A writing of it failed, and it may be there all the same: it must not be copied. */
  tried = false;
  /** The group that it was in was refused: it is written by itself. */
  alone = false;
  readonly #waiter: Waiter<D>;
  #answered = false;

  constructor(state: Entry<D, U>['state'], waiter: Waiter<D>) {
    this.state = state;
    this.size = 'decision' in state ? sizeOf(state.decision) : state.undecided.size;
    this.#waiter = waiter;
  }

  /** It is written, or refused. */
  end(outcome: D | Error): void {
    if (outcome instanceof Error) this.#waiter.reject(outcome);
    else this.#answer({ decision: outcome, durable: true, away: false });
  }

  /** The answer goes out before it is written, as the setting says; the decision says so already. */
  answerEarly(): void {
    if (!this.#answered && 'decision' in this.state) this.#answer({ decision: this.state.decision, durable: false, away: false });
  }

  /** The answer goes out before it is written, since the database is away, and says so; what is written later says the same. */
  answerFromMemory(): void {
    if (this.#answered) return;
    const decision = asAnsweredFromMemory('decision' in this.state ? this.state.decision : this.state.undecided.decideFromMemory());
    this.state = { decision };
    this.#answer({ decision, durable: false, away: true });
  }

  #answer(logged: Logged<D>): void {
    this.#answered = true;
    this.#waiter.resolve(logged);
  }
}

export function sizeOf({ request, result, facts }: DecisionRecord): number {
  return request.length + result.length + (facts?.length ?? 0);
}

function asAnsweredFromMemory<D extends DecisionRecord>(decision: D): D {
  const answer = JSON.parse(decision.result) as object;
  return { ...decision, degraded: true, result: JSON.stringify({ ...answer, degraded: true, durable: false }) };
}

const GROUP = 500;
/** More would take longer than a statement may, and the group would never be written. */
const GROUP_CHARACTERS = 16_000_000;

/** What a queue needs to know of what is in it. */
export interface Queued {
  readonly size: number;
  alone: boolean;
  tried: boolean;
}

/** What is not written yet, in the order in which it came, and how much of it there is, with what is being written. */
export class Queue<E extends Queued> {
  #entries: E[] = [];
  count = 0;
  characters = 0;

  add(entry: E): void {
    this.#entries.push(entry);
    this.count += 1;
    this.characters += entry.size;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** How many nobody writes at the moment. */
  get length(): number {
    return this.#entries.length;
  }

  /** Those that nobody writes at the moment. */
  get entries(): readonly E[] {
    return this.#entries;
  }

  /** Takes out those to write next in one transaction: the first one however large it is, and what fits beside it. */
  take(): readonly E[] {
    let characters = 0;
    const end = this.#entries.findIndex((entry, index) => {
      characters += entry.size;
      return index === GROUP || (index > 0 && (entry.alone || this.#entries[0]?.alone === true || characters > GROUP_CHARACTERS));
    });
    if (end !== -1) return this.#entries.splice(0, end);
    const all = this.#entries;
    this.#entries = [];
    return all;
  }

  /** Puts back what `take` gave and could not be written. */
  giveBack(group: readonly E[], alone: boolean): void {
    for (const entry of group) {
      entry.tried = true;
      entry.alone = alone;
    }
    this.#entries.unshift(...group);
  }

  /** Counts what `take` gave no longer. */
  forget(group: readonly E[]): void {
    this.count -= group.length;
    for (const { size } of group) this.characters -= size;
  }

  /** Takes out everything that nobody writes at the moment, for another queue. */
  leave(): readonly E[] {
    const all = this.#entries;
    this.#entries = [];
    this.forget(all);
    return all;
  }
}
