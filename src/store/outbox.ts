/** Notices: written in the transaction of the fact they tell of, delivered later, each one once. */
import { newId } from '../ids.js';
import type { NoticeRecord } from '../policy/house-records.js';
import { type Db, toTimestamp } from './db.js';

/** A notice to be written; (subject, stage, recipient, channel) is its key. */
export type NewNotice = Pick<NoticeRecord, 'subject' | 'stage' | 'recipient' | 'channel' | 'title' | 'body'>;

/** What a notice says and of what, before it is known whom it goes to. */
export type Message = Pick<NewNotice, 'subject' | 'stage' | 'title' | 'body'>;

const DEFAULT_CHANNEL = 'console';

/** One notice for each recipient, once even when named twice. */
export function addressed(message: Message, recipients: readonly string[], channel: string = DEFAULT_CHANNEL): readonly NewNotice[] {
  const { subject, stage, title, body } = message;
  return [...new Set(recipients)].map((recipient) => ({ subject, stage, recipient, channel, title, body }));
}

/** Puts notices in the outbox; one whose key is there already is left as it is, so a repeat tells nobody twice. Answers how many are new. */
export async function writeNotices(db: Db, notices: readonly NewNotice[], at: number): Promise<number> {
  if (notices.length === 0) return 0;
  const column = (key: keyof NewNotice) => notices.map((notice) => notice[key]);
  // Written in one order, so that two of these never wait for each other in a circle.
  const { rowCount } = await db.query(
    `insert into outbox (id, subject, stage, recipient, channel, title, body, created_at, next_attempt_at)
     select id, subject, stage, recipient, channel, title, body, $8, $8
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as n (id, subject, stage, recipient, channel, title, body)
     order by subject, stage, recipient, channel
     on conflict (subject, stage, recipient, channel) do nothing`,
    [
      notices.map(() => newId('ntc')),
      column('subject'),
      column('stage'),
      column('recipient'),
      column('channel'),
      column('title'),
      column('body'),
      toTimestamp(at),
    ],
  );
  return rowCount ?? 0;
}

export interface ClaimOptions {
  /** A recipient's notices wait until none has been added for so long, so that many become one digest … */
  readonly quietMs: number;
  /** … but none waits longer than this for the others. */
  readonly longestWaitMs: number;
  /** A claimed notice that is neither delivered nor failed by then is claimed again: its worker died. */
  readonly leaseMs: number;
  readonly limit: number;
}

/**
 * Takes due notices for delivery, all of a recipient's that are ready together. Safe among several workers: rows that another
 * holds are skipped, and a taken one is due again only when its lease ends.
 */
export async function claimNotices(db: Db, at: number, options: ClaimOptions): Promise<readonly NoticeRecord[]> {
  const { rows } = await db.query<NoticeRow>(
    `with ready as (
       select recipient, channel from outbox
       where delivered_at is null and next_attempt_at <= $1
       group by recipient, channel
       having max(created_at) <= $2 or min(created_at) <= $3
     ), due as (
       select o.id from outbox o join ready using (recipient, channel)
       where o.delivered_at is null and o.next_attempt_at <= $1
       order by o.recipient, o.channel, o.created_at, o.id
       limit $5
       for update of o skip locked
     )
     update outbox o set attempts = o.attempts + 1, next_attempt_at = $4
     from due where o.id = due.id and o.delivered_at is null
     returning ${COLUMNS.map((column) => `o.${column}`).join(', ')}`,
    [
      toTimestamp(at),
      toTimestamp(at - options.quietMs),
      toTimestamp(at - options.longestWaitMs),
      toTimestamp(at + options.leaseMs),
      options.limit,
    ],
  );
  return rows.map(toNotice).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
}

export async function markDelivered(db: Db, ids: readonly string[], at: number): Promise<void> {
  await db.query('update outbox set delivered_at = $2, last_error = null where id = any ($1) and delivered_at is null', [
    ids,
    toTimestamp(at),
  ]);
}

/** Notes why a delivery failed; the notices are due again at `nextAttemptAt`. */
export async function markFailed(db: Db, ids: readonly string[], error: string, nextAttemptAt: number): Promise<void> {
  await db.query('update outbox set last_error = $2, next_attempt_at = $3 where id = any ($1) and delivered_at is null', [
    ids,
    error.slice(0, 1_000),
    toTimestamp(nextAttemptAt),
  ]);
}

/** All notices about one subject, oldest first. */
export async function listNotices(db: Db, subject: string): Promise<readonly NoticeRecord[]> {
  const { rows } = await db.query<NoticeRow>(`select ${COLUMNS.join(', ')} from outbox where subject = $1 order by created_at, id`, [
    subject,
  ]);
  return rows.map(toNotice);
}

const COLUMNS = [
  'id',
  'subject',
  'stage',
  'recipient',
  'channel',
  'title',
  'body',
  'created_at',
  'delivered_at',
  'attempts',
  'last_error',
] as const;

interface NoticeRow {
  id: string;
  subject: string;
  stage: string;
  recipient: string;
  channel: string;
  title: string;
  body: string;
  created_at: number;
  delivered_at: number | null;
  attempts: number;
  last_error: string | null;
}

function toNotice(row: NoticeRow): NoticeRecord {
  const { created_at: createdAt, delivered_at: deliveredAt, last_error: lastError, ...rest } = row;
  return { ...rest, createdAt, deliveredAt, lastError };
}
