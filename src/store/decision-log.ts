/**
 * Writes decisions in groups: what came in while the last group was being written goes in one COPY with the next. Decisions that rest
 * on what only the database knows (budgets, caps of exceptions) are made and written in transactions of their own, many in each, so
 * that no other decision waits for their locks.
 */
import pg from 'pg';
import { describeError, TollgateError } from '../errors.js';
import type { Db, Pool } from './db.js';
import { Entry, type Logged, Queue, sizeOf, type Undecided } from './decision-queue.js';
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
   * @throws invalid-input when the database refuses this one row
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
   * Makes decisions, one for each in the same order, under locks that it takes itself, in the transaction that then writes them. It is
   * asked again, with the same ones, when that transaction failed.
   */
  readonly settle?: (db: Db, undecided: readonly U[]) => Promise<readonly D[]>;
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
/** In `relaxed` mode a group gathers for so long; writing it takes a few milliseconds more. */
const GATHER_MS = 20;

/** Writes from one queue over one connection, one group after the other. */
interface Writer<E> {
  readonly queue: Queue<E & { readonly size: number; alone: boolean; tried: boolean }>;
  readonly connection: OwnConnection;
  running: Promise<void> | undefined;
}

export function createDecisionLog<D extends DecisionRecord, U extends Undecided<D> = Undecided<D>>(
  pool: Pool,
  options: DecisionLogOptions<D, U> = {},
): DecisionLog<D, U> {
  const { mode = 'durable', maxWaitingCharacters = 128_000_000, retryMs = 500, onHealth = () => {}, onRefused = () => {} } = options;
  type E = Entry<D, U>;
  const decided = new Queue<E>();
  const undecided = new Queue<E>();
  const writerOf = (queue: Queue<E>): Writer<E> => ({
    queue,
    connection: createOwnConnection(pool, { timeoutMs: STATEMENT_TIMEOUT_MS }),
    running: undefined,
  });
  // Two at once: while the database makes one group durable, the next is on its way.
  const writers = [writerOf(decided), writerOf(decided), writerOf(undecided)];
  let away = false;
  let closing = false;
  let retry: NodeJS.Timeout | undefined;
  let scheduled = false;

  /** Writes group by group until nothing is left, or the database is away. */
  async function drain({ queue, connection }: Writer<E>): Promise<void> {
    for (let group = queue.take(); group.length > 0; group = queue.take()) {
      try {
        const decisions = await writeGroup(await connection.get(), group, options);
        queue.forget(group);
        group.forEach((entry, index) => entry.written(decisions[index] as D));
        if (away) found();
      } catch (error) {
        connection.drop();
        if (isConflict(error)) queue.giveBack(group, false);
        else if (!isRefusedRow(error)) {
          queue.giveBack(group, false);
          return lost(error);
        } else if (group.length === 1 && group[0]?.alone === true) refuse(queue, group[0], error);
        // One bad row must not take the others with it: they are written one by one.
        else queue.giveBack(group, true);
      }
    }
  }

  /** The database is back. Not only once everything is written: with requests all the time there is always something left to write. */
  function found(): void {
    away = false;
    onHealth(null);
    schedule();
  }

  function refuse(queue: Queue<E>, entry: E, error: unknown): void {
    queue.forget([entry]);
    if ('decision' in entry.state) onRefused(entry.state.decision, error);
    entry.refuse(new TollgateError('invalid-input', 'the decision cannot be stored', { cause: error }));
  }

  function lost(error: unknown): void {
    if (!away) onHealth(describeError(error));
    away = true;
    for (const entry of undecided.leave()) decided.add(entry);
    for (const entry of decided.entries) entry.answerFromMemory();
    if (!closing) retry = setTimeout(startAll, retryMs);
  }

  function start(writer: Writer<E>): void {
    writer.running ??= drain(writer).finally(() => {
      writer.running = undefined;
      // What came in after the last look and before this line found a writer that was about to leave.
      if (!writer.queue.isEmpty && !away) start(writer);
    });
  }

  function startAll(): void {
    scheduled = false;
    clearTimeout(retry);
    // One is enough to find out whether the database is back.
    for (const writer of away ? writers.slice(0, 1) : writers) if (!writer.queue.isEmpty) start(writer);
  }

  /** After what else has come in at the same moment. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    if (mode === 'relaxed') setTimeout(startAll, GATHER_MS);
    else setImmediate(startAll);
  }

  function refuseTooMany(size: number): void {
    if ((!away && mode === 'durable') || decided.characters + size <= maxWaitingCharacters) return;
    const why = away ? 'the database is away' : 'the database is slow';
    throw new TollgateError('unavailable', `${why} and too many decisions wait to be written`);
  }

  return {
    mode,
    async append(decision) {
      refuseTooMany(sizeOf(decision));
      return new Promise((resolve, reject) => {
        const entry: E = new Entry({ decision }, { resolve, reject });
        decided.add(entry);
        if (away) return entry.answerFromMemory();
        if (mode === 'relaxed') entry.answerEarly(decision);
        schedule();
      });
    },
    async settle(question) {
      refuseTooMany(question.size);
      return new Promise((resolve, reject) => {
        const entry: E = new Entry({ undecided: question }, { resolve, reject });
        (away ? decided : undecided).add(entry);
        if (away) return entry.answerFromMemory();
        schedule();
      });
    },
    get waiting() {
      return decided.count + undecided.count;
    },
    async close() {
      closing = true;
      startAll();
      for (const writer of writers) while (writer.running !== undefined) await writer.running;
      for (const { connection } of writers) await connection.close();
    },
  };
}

/** The decisions of a group as they were written. */
async function writeGroup<D extends DecisionRecord, U extends Undecided<D>>(
  client: pg.Client,
  group: readonly Entry<D, U>[],
  { settle, alsoWrite, isPlain }: DecisionLogOptions<D, U>,
): Promise<readonly D[]> {
  const questions = group.flatMap(({ state }) => ('undecided' in state ? [state.undecided] : []));
  const given = group.flatMap(({ state }) => ('decision' in state ? [state.decision] : []));
  const isFresh = group.every(({ tried }) => !tried);
  if (questions.length > 0) {
    if (settle === undefined) throw new TollgateError('internal', 'nothing settles decisions here');
    await client.query('begin');
    const settled = await settle(client, questions);
    await store(client, settled, isFresh, false);
    await alsoWrite?.(client, settled);
    await client.query('commit');
    return settled;
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
