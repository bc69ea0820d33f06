/** What a process keeps in memory to decide without asking the database: policies, exceptions, tokens, pauses. */
import { describeError, TollgateError } from '../errors.js';
import { type CompiledExceptions, compileExceptions } from '../policy/exception.js';
import type { ExceptionRecord, PauseRecord } from '../policy/records.js';
import { type Granted, loadGranted } from './approvals.js';
import type { Db, Pool } from './db.js';
import { type CompiledCache, type CompiledSet, createCompiledCache, loadLiveExceptions, recordPolicySet } from './enforcing.js';
import { getInstallation, type Installation } from './installation.js';
import { createOwnConnection } from './own-connection.js';
import { listPauses } from './pauses.js';
import { type LiveToken, loadTokens } from './tokens.js';

/** As last read, all of it at one instant of the database's. Never changed: a refresh makes a new one. */
export interface SnapshotState {
  readonly policies: CompiledSet;
  /** Pending and approved, as stored. */
  readonly exceptionRecords: readonly ExceptionRecord[];
  readonly exceptions: CompiledExceptions;
  /** By `hashToken`; whether one has expired is for the reader to compare. */
  readonly tokens: ReadonlyMap<string, LiveToken>;
  readonly pauses: readonly PauseRecord[];
  /** What has been approved of which request, by its key; whether one has expired is for the reader to compare. */
  readonly granted: ReadonlyMap<string, readonly Granted[]>;
  readonly installation: Installation;
}

export interface Snapshot {
  /** Answers when the first reading has ended, well or not; from then on it follows the database. */
  start(): Promise<void>;
  /** @throws unavailable as long as it never could be loaded */
  get(): SnapshotState;
  readonly loaded: boolean;
  /** True while what it has may be out of date: the database is away, or cannot be read. */
  readonly degraded: boolean;
  /** Why it is degraded, for people; null when it is not. */
  readonly problem: string | null;
  /** Reads again now, so that what was committed before this call is seen after it. Does not throw: see `degraded`. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

export interface SnapshotOptions {
  /** How often it looks without being told. @default 500 */
  readonly pollMs?: number;
  readonly now?: () => number;
  /** Told the reason when it becomes degraded, and null when it is well again. */
  readonly onHealth?: (problem: string | null) => void;
  /** Told of each enforcing policy that this program cannot read, once for each revision of the set. */
  readonly onUnreadable?: (problem: string) => void;
}

/** Far longer than a reading takes; a database that is silent for so long is away. */
const STATEMENT_TIMEOUT_MS = 2_000;

/**
 * A snapshot that follows the database within a second of each commit: told by NOTIFY, and looking twice a second. When the
 * database is lost it keeps what it has, and recovers by itself.
 */
export function createSnapshot(pool: Pool, options: SnapshotOptions = {}): Snapshot {
  const { pollMs = 500, now = Date.now, onHealth = () => {} } = options;
  const cache = createCompiledCache(options.onUnreadable);
  let state: SnapshotState | undefined;
  let revisions: string | undefined;
  let problem: string | null = 'the database has not been read yet';
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  let wanted: Promise<void> | undefined;

  const report = (next: string | null) => {
    const changed = (problem === null) !== (next === null);
    problem = next;
    if (changed && !stopped) onHealth(next);
  };
  const connection = createOwnConnection(pool, {
    timeoutMs: STATEMENT_TIMEOUT_MS,
    channel: 'tollgate_state',
    onNotification: () => void refresh(),
    onLost: (error) => report(describeError(error)),
  });

  async function read(): Promise<void> {
    if (stopped) return;
    try {
      const db = await connection.get();
      const current = await readRevisions(db);
      const changed = current !== revisions || state === undefined;
      if (changed) state = await readState(db, cache);
      revisions = current;
      report(null);
      // Best effort: the decision names its revision in any case.
      if (changed && state !== undefined) await recordPolicySet(db, state.policies, now()).catch(() => {});
    } catch (error) {
      connection.drop();
      report(describeError(error));
    }
  }

  /** One reading at a time; a call during one waits for the next, which all such calls share. */
  function refresh(): Promise<void> {
    wanted ??= reading.then(() => {
      wanted = undefined;
      reading = read();
      return reading;
    });
    return wanted;
  }

  async function poll(): Promise<void> {
    await refresh();
    if (!stopped) timer = setTimeout(() => void poll(), pollMs);
  }

  return {
    start: poll,
    refresh,
    get() {
      if (state === undefined) throw new TollgateError('unavailable', `the policies are not loaded: ${problem ?? ''}`);
      return state;
    },
    get loaded() {
      return state !== undefined;
    },
    get degraded() {
      return problem !== null;
    },
    get problem() {
      return problem;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await connection.close();
      await reading;
    },
  };
}

/** Changes whenever anything in the snapshot does. */
async function readRevisions(db: Db): Promise<string> {
  const { rows } = await db.query<{ revisions: string }>(
    `select concat_ws(' ', (select string_agg(subject || ':' || revision, ' ' order by subject) from state_revisions),
       (select acceleration || ' ' || currency from installation)) as revisions`,
  );
  return rows[0]?.revisions ?? '';
}

async function readState(db: Db, cache: CompiledCache): Promise<SnapshotState> {
  await db.query('begin transaction isolation level repeatable read read only');
  const policies = await cache.load(db);
  const exceptionRecords = await loadLiveExceptions(db);
  const tokens = await loadTokens(db);
  const pauses = await listPauses(db);
  const granted = await loadGranted(db);
  const installation = await getInstallation(db);
  await db.query('commit');
  return { policies, exceptionRecords, exceptions: compileExceptions(exceptionRecords), tokens, pauses, granted, installation };
}
