/** The audit log: append-only, each row chained to the one before by its hash. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../policy/canonical.js';
import type { AuditEntry, Page, PageRequest } from '../policy/house-records.js';
import type { Instant, Json } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export interface NewAuditEntry {
  /** Who did it: the authenticated principal, or `system:<part>`. */
  readonly principal: string;
  /** `exception.approve`, `policy.activate`, `token.create` … */
  readonly action: string;
  /** Id or name of what was changed. */
  readonly subject: string;
  /** Plain JSON of what was, null when nothing was. Members that are undefined are left out. */
  readonly before: unknown;
  readonly after: unknown;
  readonly at: Instant;
}

/** What the first row is chained to. */
const GENESIS = '0'.repeat(64);
const LOCK = 7_206_411_930_413;

/**
 * Appends one entry. Call it in the transaction of the change, as late as you can: entries are written one after the other,
 * so the transactions of two mutations wait for each other from here to their commit.
 */
export async function appendAudit(db: Db, entry: NewAuditEntry): Promise<void> {
  await db.query('select pg_advisory_xact_lock($1)', [LOCK]);
  // INVARIANT: a statement of its own after the lock, so that its snapshot has the row that the last holder committed.
  const { rows } = await db.query<{ seq: number; hash: string }>('select seq, hash from audit_log order by seq desc limit 1');
  const last = rows[0] ?? { seq: 0, hash: GENESIS };
  const row = { ...entry, before: (entry.before ?? null) as Json, after: (entry.after ?? null) as Json, seq: last.seq + 1 };
  await db.query(
    `insert into audit_log (seq, at, principal, action, subject, before, after, previous_hash, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      row.seq,
      toTimestamp(row.at),
      row.principal,
      row.action,
      row.subject,
      canonicalJson(row.before),
      canonicalJson(row.after),
      last.hash,
      hashOf(row, last.hash),
    ],
  );
}

function hashOf(row: Omit<AuditEntry, 'hash'>, previousHash: string): string {
  const { seq, at, principal, action, subject, before, after } = row;
  return createHash('sha256').update(canonicalJson({ seq, at, principal, action, subject, before, after, previousHash })).digest('hex');
}

export interface AuditVerification {
  readonly intact: boolean;
  /** Rows that were checked and found right. */
  readonly entries: number;
  /** Hash of the last right row: keep it elsewhere to notice that rows were cut off the end. Null for an empty log. */
  readonly head: string | null;
  readonly broken: { readonly seq: number; readonly problem: string } | null;
}

const BATCH = 1_000;

/** Recomputes the whole chain, in batches, and names the first row that is not as it was written, or is missing. */
export async function verifyAudit(db: Db): Promise<AuditVerification> {
  let last = { seq: 0, hash: GENESIS };
  for (;;) {
    const rows = await auditRowsAfter(db, last.seq);
    for (const row of rows) {
      const problem = problemOf(row, last);
      if (problem !== null) return verification(last, problem);
      last = row;
    }
    if (rows.length < BATCH) return verification(last, null);
  }
}

type Link = Pick<AuditEntry, 'seq' | 'hash'>;

function verification(last: Link, broken: AuditVerification['broken']): AuditVerification {
  return { intact: broken === null, entries: last.seq, head: last.seq === 0 ? null : last.hash, broken };
}

function problemOf(row: AuditRow, last: Link): AuditVerification['broken'] {
  const expected = last.seq + 1;
  if (row.seq !== expected) return { seq: expected, problem: `entry ${expected} is missing` };
  if (row.previousHash !== last.hash) return { seq: expected, problem: `entry ${expected} is not chained to the one before` };
  if (hashOf(row, last.hash) !== row.hash) return { seq: expected, problem: `entry ${expected} was changed after it was written` };
  return null;
}

export interface AuditFilter {
  readonly principal?: string;
  readonly action?: string;
  readonly subject?: string;
  /** Inclusive. */
  readonly since?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
}

/** Newest first. */
export async function listAudit(db: Db, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>> {
  const before = decodeCursor(page.cursor, { seq: 'number' });
  const { rows } = await db.query<AuditRow>(
    `select ${COLUMNS} from audit_log
     where ($1::bigint is null or seq < $1) and ($2::text is null or principal = $2) and ($3::text is null or action = $3)
       and ($4::text is null or subject = $4) and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
     order by seq desc limit $7`,
    [
      before?.seq ?? null,
      filter.principal ?? null,
      filter.action ?? null,
      filter.subject ?? null,
      toTimestamp(filter.since ?? null),
      toTimestamp(filter.until ?? null),
      page.limit + 1,
    ],
  );
  return toPage(rows.map(toAuditEntry), page.limit, ({ seq }) => ({ seq }));
}

const COLUMNS = 'seq, at, principal, action, subject, before, after, previous_hash as "previousHash", hash';

interface AuditRow extends AuditEntry {
  readonly previousHash: string;
}

function toAuditEntry({ seq, at, principal, action, subject, before, after, hash }: AuditRow): AuditEntry {
  return { seq, at, principal, action, subject, before, after, hash };
}

async function auditRowsAfter(db: Db, seq: number): Promise<readonly AuditRow[]> {
  const { rows } = await db.query<AuditRow>(`select ${COLUMNS} from audit_log where seq > $1 order by seq limit ${BATCH}`, [seq]);
  return rows;
}
