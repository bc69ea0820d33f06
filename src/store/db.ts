import pg from 'pg';
import { TollgateError } from '../errors.js';

/** What a store function needs: a pool, or a client inside a transaction. Store functions take it first. */
export interface Db {
  query<R extends pg.QueryResultRow>(text: string | pg.QueryConfig, values?: readonly unknown[]): Promise<pg.QueryResult<R>>;
}

export type Pool = pg.Pool;

// Timestamps and int8 counts are numbers inside (ms since the epoch; counts stay far below 2^53); numeric stays exact text.
const TIMESTAMPTZ = 1184;
const INT8 = 20;
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === TIMESTAMPTZ) return (value: string) => Date.parse(value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
    if (oid === INT8) return Number;
    return pg.types.getTypeParser(oid, format);
  },
};

export interface PoolOptions {
  readonly connectionString: string;
  readonly applicationName: string;
  /** @default 10 */
  readonly max?: number;
  /** A statement that gets no answer for so long fails, and its connection is closed: the server hangs. @default none */
  readonly queryTimeoutMs?: number;
  readonly onError: (error: Error) => void;
}

/**
 * A pool whose rows hold ms for `timestamptz` (pass instants with `toTimestamp`), numbers for `int8`, text for `numeric`.
 * Connecting gives up after 3 s; a broken idle connection is reported to `onError` and replaced.
 */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.max ?? 10,
    connectionTimeoutMillis: 3_000,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    options: '-c timezone=UTC',
    types,
  });
  pool.on('error', options.onError);
  pool.on('connect', (client) => {
    client.on('error', options.onError);
  });
  return pool;
}

/** Runs `work` in one transaction: commits what it returns, rolls back what it throws. */
export async function transaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** An instant as a query parameter for `timestamptz`. */
export function toTimestamp(at: number): Date;
export function toTimestamp(at: number | null): Date | null;
export function toTimestamp(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

/** Whether the database is there and refuses a value itself: SQLSTATE class 22, data exception. */
export function isRefusedValue(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;
}

const AWAY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
// Class 08 is a broken connection, 53 a server without memory, disk or connections, 57 one that stops, starts or took too long, 58 one
// whose system fails; 25006 one that may not write (any more), 55P03 a lock that took too long.
const AWAY_SQLSTATE = /^(08...|53...|57...|58...|25006|55P03)$/;
const AWAY_WORDS =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|connection is closed/i;

/** Whether a query failed because the database was not there or did not come to it, rather than because of the query. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error) || error instanceof TollgateError) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return AWAY_CODES.has(code) || AWAY_SQLSTATE.test(code) || AWAY_WORDS.test(error.message);
}
