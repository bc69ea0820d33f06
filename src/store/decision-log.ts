/** Writes decisions in groups: what came in while the last group was being written goes in one statement with the next. */
import pg from 'pg';
import { describeError, TollgateError } from '../errors.js';
import type { Db, Pool } from './db.js';
import { type DecisionRecord, insertDecisions } from './decisions.js';
import { createOwnConnection } from './own-connection.js';

export interface DecisionLog<D extends DecisionRecord = DecisionRecord> {
  /**
   * Resolves when the decision is written (`durable: true`), or when it is known that the database is away: then it is kept in memory
   * and written as soon as the database is back, as what it was answered as. Nothing is lost while the process lives.
   * @throws unavailable when the memory for such decisions is full, and the decision then is not kept
   * @throws invalid-input when the database refuses this one row
   */
  append(decision: D): Promise<{ readonly durable: boolean }>;
  /** Decisions that are in memory only. */
  readonly waiting: number;
  /** Writes what is left, if the database is there. */
  close(): Promise<void>;
}

export interface DecisionLogOptions<D extends DecisionRecord> {
  /** Writes more about these decisions (uses of exceptions) in the same transaction. It has to be safe to repeat. */
  readonly alsoWrite?: (db: Db, decisions: readonly D[]) => Promise<void>;
  /** Characters of request and answer that are kept while the database is away. @default 128 million */
  readonly maxWaitingCharacters?: number;
  /** How long to wait before the database is tried again. @default 500 */
  readonly retryMs?: number;
  /** Told the reason when the database is lost, and null when everything is written again. */
  readonly onHealth?: (problem: string | null) => void;
}

class Entry<D extends DecisionRecord> {
  decision: D;
  readonly size: number;
  readonly resolve: (outcome: { readonly durable: boolean }) => void;
  readonly reject: (error: Error) => void;
  #answered = false;

  constructor(decision: D, resolve: Entry<D>['resolve'], reject: Entry<D>['reject']) {
    this.decision = decision;
    this.size = sizeOf(decision);
    this.resolve = resolve;
    this.reject = reject;
  }

  /** The answer goes out before it is written, and says so; what is written later says the same. */
  answerFromMemory(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.decision = asAnsweredFromMemory(this.decision);
    this.resolve({ durable: false });
  }
}

/** What is not written yet, in the order in which it came. */
class Waiting<D extends DecisionRecord> {
  readonly entries: Entry<D>[] = [];
  characters = 0;

  add(entry: Entry<D>): void {
    this.entries.push(entry);
    this.characters += entry.size;
  }

  /** Those to write next in one statement: the first one however large it is, and what fits beside it. */
  next(): readonly Entry<D>[] {
    let characters = 0;
    const end = this.entries.findIndex((entry, index) => {
      characters += entry.size;
      return index === GROUP || (index > 0 && characters > GROUP_CHARACTERS);
    });
    return this.entries.slice(0, end === -1 ? GROUP : end);
  }

  /** Forgets the first `count`. */
  leave(count: number): void {
    for (const { size } of this.entries.splice(0, count)) this.characters -= size;
  }
}

const GROUP = 500;
/** More would take longer than a statement may, and the group would never be written. */
const GROUP_CHARACTERS = 16_000_000;
const STATEMENT_TIMEOUT_MS = 3_000;

export function createDecisionLog<D extends DecisionRecord>(pool: Pool, options: DecisionLogOptions<D> = {}): DecisionLog<D> {
  const { alsoWrite, maxWaitingCharacters = 128_000_000, retryMs = 500, onHealth = () => {} } = options;
  const connection = createOwnConnection(pool, { timeoutMs: STATEMENT_TIMEOUT_MS });
  const waiting = new Waiting<D>();
  let away = false;
  let closing = false;
  let writing: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  /** Writes group by group until nothing is left, or the database is away. */
  async function drain(): Promise<void> {
    // One bad row must not take the others with it: after a refusal so many are written one by one.
    let single = 0;
    while (waiting.entries.length > 0) {
      const group = single > 0 ? waiting.entries.slice(0, 1) : waiting.next();
      single -= 1;
      try {
        await writeGroup(
          await connection.get(),
          group.map(({ decision }) => decision),
          alsoWrite,
        );
        waiting.leave(group.length);
        for (const entry of group) entry.resolve({ durable: true });
      } catch (error) {
        connection.drop();
        if (!isRefusedRow(error)) return wait(error);
        if (group.length > 1) single = group.length;
        else refuse(group, error);
      }
    }
    if (away) onHealth(null);
    away = false;
  }

  function refuse(group: readonly Entry<D>[], error: unknown): void {
    waiting.leave(group.length);
    for (const entry of group) entry.reject(new TollgateError('invalid-input', 'the decision cannot be stored', { cause: error }));
  }

  function wait(error: unknown): void {
    if (!away) onHealth(describeError(error));
    away = true;
    for (const entry of waiting.entries) entry.answerFromMemory();
    if (!closing) retry = setTimeout(start, retryMs);
  }

  function start(): void {
    clearTimeout(retry);
    writing ??= drain().finally(() => {
      writing = undefined;
      // What came in after the last look and before this line found a writer that was about to leave.
      if (waiting.entries.length > 0 && !away) start();
    });
  }

  return {
    append(decision) {
      if (away && waiting.characters + sizeOf(decision) > maxWaitingCharacters) {
        return Promise.reject(new TollgateError('unavailable', 'the database is away and too many decisions wait to be written'));
      }
      return new Promise((resolve, reject) => {
        const entry = new Entry(decision, resolve, reject);
        waiting.add(entry);
        if (away) entry.answerFromMemory();
        else start();
      });
    },
    get waiting() {
      return waiting.entries.length;
    },
    async close() {
      closing = true;
      start();
      while (writing !== undefined) await writing;
      await connection.close();
    },
  };
}

async function writeGroup<D extends DecisionRecord>(
  db: Db,
  decisions: readonly D[],
  alsoWrite: DecisionLogOptions<D>['alsoWrite'],
): Promise<void> {
  if (alsoWrite === undefined) return insertDecisions(db, decisions);
  await db.query('begin');
  await insertDecisions(db, decisions);
  await alsoWrite(db, decisions);
  await db.query('commit');
}

function asAnsweredFromMemory<D extends DecisionRecord>(decision: D): D {
  const answer = JSON.parse(decision.result) as object;
  return { ...decision, degraded: true, result: JSON.stringify({ ...answer, degraded: true, durable: false }) };
}

function sizeOf(decision: DecisionRecord): number {
  return decision.request.length + decision.result.length;
}

/** The database is there and refuses the data itself: SQLSTATE classes 22 (data exception) and 23 (constraint). */
function isRefusedRow(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
}
