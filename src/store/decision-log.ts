/**
 * Writes decisions in groups: what came in while the last group was being written goes in one COPY with the next. Decisions that rest
 * on what only the database knows (budgets, caps of exceptions) are made and written in transactions of their own, many in each, so
 * that no other decision waits for their locks.
 */
import pg from 'pg';
import { describeError, TollgateError } from '../errors.js';
import { type Db, isDatabaseAway, type Pool } from './db.js';
import { Entry, type Logged, Queue, type Queued, sizeOf, type Undecided } from './decision-queue.js';
import { copyDecisions, type DecisionRecord, insertDecisions } from './decisions.js';
import { createOwnConnection, type OwnConnection } from './own-connection.js';

export type { Logged, Undecided } from './decision-queue.js';

export interface DecisionLog<D extends DecisionRecord = DecisionRecord, U extends Undecided<D> = Undecided<D>> {
  /** `relaxed` answers before a decision is written, and writes it within 50 ms. */
  readonly mode: LogMode;
  /**
   * Resolves when the decision is written (`durable`), or when it is known that the database is away: then it is kept in memory
   * and written as soon as the database is back, as what it was answered as. Nothing is lost while the process lives. In `relaxed`
   * mode it resolves at once.
   * @throws unavailable when the memory for such decisions is full, and the decision then is not kept
   * @throws invalid-input when the database refuses this one row, internal when it cannot be made or written for another reason
   */
  append(decision: D): Promise<Logged<D>>;
  /** Decides under locks, and resolves when that is committed, in `relaxed` mode too; or decides from memory when the database is away. Throws as `append` does. */
  settle(undecided: U): Promise<Logged<D>>;
  /** Decisions that are in memory only. */
  readonly waiting: number;
  /** Writes what is left, if the database is there. */
  close(): Promise<void>;
}

export type LogMode = 'durable' | 'relaxed';

export interface DecisionLogOptions<D extends DecisionRecord, U extends Undecided<D> = Undecided<D>> {
  /** @default durable */
  readonly mode?: LogMode;
  /** Writes more about these decisions (uses of exceptions) in the same transaction. It has to be safe to repeat. */
  readonly alsoWrite?: (db: Db, decisions: readonly D[]) => Promise<void>;
  /** Whether `alsoWrite` has nothing to write for this decision. @default never */
  readonly isPlain?: (decision: D) => boolean;
  /**
   * Makes decisions, one for each in the same order, under locks that it takes itself, in the transaction that then writes them; an
   * error refuses that one request. It is asked again, with the same ones, when that transaction failed: `isRepeat` says that some may
   * have been decided and written before, without anybody knowing.
   */
  readonly settle?: (db: Db, undecided: readonly U[], isRepeat: boolean) => Promise<readonly (D | TollgateError)[]>;
  /** Characters of decisions that are kept while the database is away, or in `relaxed` mode is slow. @default 128 million */
  readonly maxWaitingCharacters?: number;
  /** How long to wait before the database is tried again. @default 500 */
  readonly retryMs?: number;
  /** Told the reason when the database is lost, and null when it takes decisions again. */
  readonly onHealth?: (problem: string | null) => void;
  /** Told of a decision that was answered already and that the database refuses to store. */
  readonly onRefused?: (decision: D, error: unknown) => void;
}

const STATEMENT_TIMEOUT_MS = 3_000;
/** So many are not kept waiting for the end of a turn of the event loop. */
const EARLY_GROUP = 8;
/** In `relaxed` mode a group gathers for so long; writing it takes a few milliseconds more. */
const GATHER_MS = 20;

export function createDecisionLog<D extends DecisionRecord, U extends Undecided<D> = Undecided<D>>(
  pool: Pool,
  options: DecisionLogOptions<D, U> = {},
): DecisionLog<D, U> {
  return new GroupedLog(pool, options);
}

/** Writes from one queue over one connection, one group after the other. */
interface Writer<E extends Queued> {
  readonly queue: Queue<E>;
  readonly connection: OwnConnection;
  running: Promise<void> | undefined;
}

class GroupedLog<D extends DecisionRecord, U extends Undecided<D>> implements DecisionLog<D, U> {
  readonly mode: LogMode;
  readonly #options: DecisionLogOptions<D, U>;
  readonly #decided = new Queue<Entry<D, U>>();
  readonly #undecided = new Queue<Entry<D, U>>();
  /** Two write what is decided: while the database makes one group durable, the next is on its way. */
  readonly #writers: readonly Writer<Entry<D, U>>[];
  /** Whose answers go out at the end of this turn. */
  #early: Entry<D, U>[] = [];
  #away = false;
  #closing = false;
  #scheduled = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(pool: Pool, options: DecisionLogOptions<D, U>) {
    this.mode = options.mode ?? 'durable';
    this.#options = options;
    this.#writers = [this.#decided, this.#decided, this.#undecided].map((queue) => ({
      queue,
      connection: createOwnConnection(pool, { timeoutMs: STATEMENT_TIMEOUT_MS }),
      running: undefined,
    }));
  }

  append(decision: D): Promise<Logged<D>> {
    return new Promise((resolve, reject) => {
      this.#refuseTooMany(sizeOf(decision));
      const entry = new Entry<D, U>({ decision }, { resolve, reject });
      if (this.mode === 'relaxed' && !this.#away) this.#answerEarly(entry);
      this.#add(entry, this.#decided);
    });
  }

  settle(undecided: U): Promise<Logged<D>> {
    return new Promise((resolve, reject) => {
      this.#refuseTooMany(undecided.size);
      this.#add(new Entry<D, U>({ undecided }, { resolve, reject }), this.#undecided);
    });
  }

  get waiting(): number {
    return this.#decided.count + this.#undecided.count;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#writeAll();
    // What failed may have been the connection alone.
    if (this.waiting > 0) await this.#writeAll();
    for (const { connection } of this.#writers) await connection.close();
  }

  async #writeAll(): Promise<void> {
    this.#startAll();
    for (const writer of this.#writers) while (writer.running !== undefined) await writer.running;
  }

  #refuseTooMany(size: number): void {
    if (!this.#away && this.mode === 'durable') return;
    const waiting = this.#decided.characters + this.#undecided.characters;
    if (waiting + size <= (this.#options.maxWaitingCharacters ?? 128_000_000)) return;
    const why = this.#away ? 'the database is away' : 'the database is slow';
    throw new TollgateError('unavailable', `${why} and too many decisions wait to be written`);
  }

  #add(entry: Entry<D, U>, queue: Queue<Entry<D, U>>): void {
    (this.#away ? this.#decided : queue).add(entry);
    if (this.#away) return entry.answerFromMemory();
    if (this.mode === 'durable' && queue.length >= EARLY_GROUP) this.#startIdle(queue);
    this.#schedule();
  }

  /** The database writes these while the rest of the requests that came in at the same moment are judged. */
  #startIdle(queue: Queue<Entry<D, U>>): void {
    const idle = this.#writers.find((writer) => writer.queue === queue && writer.running === undefined);
    if (idle !== undefined) this.#start(idle);
  }

  /** Together with others of the same turn of the event loop: each answer by itself would wake its reader, which costs more than sending it. */
  #answerEarly(entry: Entry<D, U>): void {
    this.#early.push(entry);
    if (this.#early.length > 1) return;
    setImmediate(() => {
      const early = this.#early;
      this.#early = [];
      for (const each of early) each.answerEarly();
    });
  }

  /** After what else has come in at the same moment. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const start = () => this.#startAll();
    if (this.mode === 'relaxed') setTimeout(start, GATHER_MS);
    else setImmediate(start);
  }

  #startAll(): void {
    this.#scheduled = false;
    clearTimeout(this.#retry);
    // One is enough to find out whether the database is back.
    const writers = this.#away ? this.#writers.slice(0, 1) : this.#writers;
    for (const writer of writers) if (!writer.queue.isEmpty) this.#start(writer);
  }

  #start(writer: Writer<Entry<D, U>>): void {
    writer.running ??= this.#drain(writer).finally(() => {
      writer.running = undefined;
      // What came in after the last look and before this line found a writer that was about to leave.
      if (!writer.queue.isEmpty && !this.#away) this.#start(writer);
    });
  }

  /** Writes group by group until nothing is left, or the database is away. */
  async #drain({ queue, connection }: Writer<Entry<D, U>>): Promise<void> {
    for (let group = queue.take(); group.length > 0; group = queue.take()) {
      let client: pg.Client | undefined;
      try {
        client = await connection.get();
        const outcomes = await writeGroup(client, group, this.#options);
        queue.forget(group);
        group.forEach((entry, index) => entry.end(outcomes[index] as D | TollgateError));
        if (this.#away) this.#found();
      } catch (error) {
        connection.drop();
        const isAway = client === undefined || isDatabaseAway(error);
        if (isAway || isConflict(error)) queue.giveBack(group, false);
        else this.#refuse(queue, group, error);
        if (isAway) return this.#lost(error);
      }
    }
  }

  /** The database is back. Not only when everything is written: with requests all the time there is always something left to write. */
  #found(): void {
    this.#away = false;
    this.#options.onHealth?.(null);
    this.#schedule();
  }

  /** What is wrong with one must not take the others with it: they are written one by one. */
  #refuse(queue: Queue<Entry<D, U>>, group: readonly Entry<D, U>[], error: unknown): void {
    const [entry] = group;
    if (entry?.alone !== true) return queue.giveBack(group, true);
    queue.forget(group);
    if ('decision' in entry.state) this.#options.onRefused?.(entry.state.decision, error);
    const isRow = isRefusedRow(error);
    const what = isRow ? 'the decision cannot be stored' : 'the decision could not be made and stored';
    entry.end(new TollgateError(isRow ? 'invalid-input' : 'internal', what, { cause: error }));
  }

  #lost(error: unknown): void {
    if (!this.#away) this.#options.onHealth?.(describeError(error));
    this.#away = true;
    for (const entry of this.#undecided.leave()) this.#decided.add(entry);
    for (const entry of this.#decided.entries) entry.answerFromMemory();
    if (!this.#closing) this.#retry = setTimeout(() => this.#startAll(), this.#options.retryMs ?? 500);
  }
}

/** The decisions of a group as they were written; an error for one that was refused. */
async function writeGroup<D extends DecisionRecord, U extends Undecided<D>>(
  client: pg.Client,
  group: readonly Entry<D, U>[],
  { settle, alsoWrite, isPlain }: DecisionLogOptions<D, U>,
): Promise<readonly (D | TollgateError)[]> {
  const questions = group.flatMap(({ state }) => ('undecided' in state ? [state.undecided] : []));
  const given = group.flatMap(({ state }) => ('decision' in state ? [state.decision] : []));
  const isFresh = group.every(({ tried }) => !tried);
  if (questions.length > 0) {
    if (settle === undefined) throw new TollgateError('internal', 'nothing settles decisions here');
    await client.query('begin');
    const outcomes = await settle(client, questions, !isFresh);
    const settled = outcomes.filter((outcome): outcome is D => !(outcome instanceof TollgateError));
    if (settled.length > 0) {
      await store(client, settled, isFresh, false);
      await alsoWrite?.(client, settled);
    }
    await client.query('commit');
    return outcomes;
  }
  const plain = alsoWrite === undefined || (isPlain !== undefined && given.every(isPlain));
  await store(client, given, isFresh, !plain);
  if (plain) return given;
  await alsoWrite(client, given);
  await client.query('commit');
  return given;
}

/** What may be there already is inserted, which costs more than copying and is safe to repeat. */
async function store(client: pg.Client, decisions: readonly DecisionRecord[], isFresh: boolean, begin: boolean): Promise<void> {
  if (isFresh) return copyDecisions(client, decisions, begin);
  if (begin) await client.query('begin');
  await insertDecisions(client, decisions);
}

/** The database is there and refuses the data itself: SQLSTATE classes 22 (data exception) and 23 (constraint). */
function isRefusedRow(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
}

/** Two transactions stood in each other's way: class 40. */
function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('40') === true;
}
