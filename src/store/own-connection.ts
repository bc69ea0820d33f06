import pg from 'pg';
import type { Pool } from './db.js';

export interface OwnConnectionOptions {
  /** A statement that gets no answer for so long counts as a lost connection. */
  readonly timeoutMs: number;
  /** Listens here as long as it is connected. */
  readonly channel?: string;
  readonly onNotification?: () => void;
  /** The connection was lost; the next `get` makes another. */
  readonly onLost?: (error: Error) => void;
}

export interface OwnConnection {
  /** The connection, made when there is none. @throws when the database cannot be reached */
  get(): Promise<pg.Client>;
  /** Forgets the connection after an error, which may have broken it. */
  drop(): void;
  close(): Promise<void>;
}

/**
 * One connection outside the pool, made with the pool's settings: it never waits for busy requests, so that being unable to
 * use it means that the database is away and not that there is much to do. For one caller at a time.
 */
export function createOwnConnection(pool: Pool, options: OwnConnectionOptions): OwnConnection {
  let client: pg.Client | undefined;

  function forget(lost: pg.Client, error: Error): void {
    if (client !== lost) return;
    client = undefined;
    options.onLost?.(error);
  }

  async function connect(): Promise<pg.Client> {
    const made = new pg.Client({ ...pool.options, query_timeout: options.timeoutMs, keepAlive: true });
    made.on('error', (error) => forget(made, error));
    made.on('end', () => forget(made, new Error('the connection to the database ended')));
    made.on('notification', () => options.onNotification?.());
    await made.connect();
    client = made;
    if (options.channel !== undefined) await made.query(`listen ${pg.escapeIdentifier(options.channel)}`);
    return made;
  }

  async function end(): Promise<void> {
    const ended = client;
    client = undefined;
    await ended?.end().catch(() => {});
  }

  return { get: async () => client ?? connect(), drop: () => void end(), close: end };
}
