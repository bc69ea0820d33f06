/** Exceptions as stored. Their status on read is worked out against the clock, so an end holds also while no worker runs. */
import { TollgateError } from '../errors.js';
import { exceptionStatus } from '../policy/exception.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { ExceptionRecord, ExceptionStatus, ExceptionType } from '../policy/records.js';
import { type Db, toTimestamp } from './db.js';
import { EXCEPTION_COLUMNS, type ExceptionRow, toExceptionRecord } from './exception-row.js';
import { decodeCursor, toPage } from './page.js';

/** The exception with the status that holds at `at`. @throws not-found */
export async function getException(db: Db, id: string, at: number): Promise<ExceptionRecord> {
  const stored = await findStoredException(db, id);
  if (stored === undefined) throw new TollgateError('not-found', `no exception \`${id}\``);
  return asOf(stored.record, at);
}

export interface StoredException {
  /** As stored: an approved one may have ended since. */
  readonly record: ExceptionRecord;
  /** Number of the last move that was stored. */
  readonly seq: number;
}

/** With `lock`, no other transaction moves it until this one ends. */
export async function findStoredException(db: Db, id: string, lock = false): Promise<StoredException | undefined> {
  const { rows } = await db.query<ExceptionRow & { projection_seq: number }>(
    `select ${EXCEPTION_COLUMNS}, e.projection_seq from exceptions e where e.id = $1${lock ? ' for update' : ''}`,
    [id],
  );
  const row = rows[0];
  return row === undefined ? undefined : { record: toExceptionRecord(row), seq: row.projection_seq };
}

/** Stores a request; false when it was stored before. */
export async function insertException(db: Db, record: ExceptionRecord): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, duration_days, duration_ms, conditions,
       cap_money, cap_uses, review_interval_days, requested_by, requested_at, approvers, expires_at, workflow_id, lapses_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) on conflict (id) do nothing`,
    [
      record.id,
      record.type,
      record.status,
      JSON.stringify(record.target),
      record.policyName,
      record.ruleName,
      record.justification,
      record.durationDays,
      record.durationMs,
      JSON.stringify(record.conditions),
      record.caps.money,
      record.caps.uses,
      record.reviewIntervalDays,
      record.requestedBy,
      toTimestamp(record.requestedAt),
      record.approvers,
      toTimestamp(record.expiresAt),
      record.workflowId,
      toTimestamp(record.lapsesAt ?? null),
    ],
  );
  return rowCount === 1;
}

/** Stores what a move changes. Uses are counted elsewhere and left alone. */
export async function saveException(db: Db, record: ExceptionRecord, seq: number): Promise<void> {
  await db.query(
    `update exceptions set status = $2, approvers = $3, approved_by = $4, approved_at = $5, expires_at = $6, review_due_at = $7,
       last_reviewed_at = $8, closed_reason = $9, closed_at = $10, comments = $11, projection_seq = $12
     where id = $1 and projection_seq < $12`,
    [
      record.id,
      record.status,
      record.approvers,
      record.approvedBy,
      toTimestamp(record.approvedAt),
      toTimestamp(record.expiresAt),
      toTimestamp(record.reviewDueAt),
      toTimestamp(record.lastReviewedAt),
      record.closedReason,
      toTimestamp(record.closedAt),
      record.comments,
      seq,
    ],
  );
}

export interface ExceptionFilter {
  /** The status that holds at `at`. */
  readonly status?: ExceptionStatus;
  readonly policyName?: string;
  readonly ruleName?: string;
  readonly type?: ExceptionType;
  readonly resourceId?: string;
  readonly requestedBy?: string;
  /** Names those who may decide it, as worked out when it was requested or escalated. */
  readonly approver?: string;
}

/** Newest request first. */
export async function listExceptions(db: Db, filter: ExceptionFilter, page: PageRequest, at: number): Promise<Page<ExceptionRecord>> {
  const after = decodeCursor(page.cursor);
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e
     where ($2::text is null or ${STATUS_AT} = $2) and ($3::text is null or policy_name = $3) and ($4::text is null or rule_name = $4)
       and ($5::text is null or type = $5) and ($6::text is null or target ->> 'resourceId' = $6)
       and ($7::text is null or requested_by = $7) and ($8::text is null or $8 = any (approvers))
       and ($9::timestamptz is null or (requested_at, id) < ($9, $10))
     order by requested_at desc, id desc limit $11`,
    [
      toTimestamp(at),
      filter.status ?? null,
      filter.policyName ?? null,
      filter.ruleName ?? null,
      filter.type ?? null,
      filter.resourceId ?? null,
      filter.requestedBy ?? null,
      filter.approver ?? null,
      toTimestamp(after?.at ?? null),
      after?.id ?? null,
      page.limit + 1,
    ],
  );
  const found = rows.map((row) => asOf(toExceptionRecord(row), at));
  return toPage(found, page.limit, ({ requestedAt, id }) => ({ at: requestedAt, id }));
}

/** Those to one of these resources by its id, and those to no one existing resource, with the status that holds at `at`. */
export async function listExceptionsAbout(db: Db, resourceIds: readonly string[], at: number): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e where e.target ->> 'kind' <> 'resource' or e.target ->> 'resourceId' = any($1::text[])`,
    [resourceIds],
  );
  return rows.map((row) => asOf(toExceptionRecord(row), at));
}

/** Those of one policy and rule that may be in force, as stored. */
export async function listApprovedExceptions(db: Db, policyName: string, ruleName: string): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e where policy_name = $1 and rule_name = $2 and status = 'approved'`,
    [policyName, ruleName],
  );
  return rows.map(toExceptionRecord);
}

/** Pending and approved ones, as stored: what may be in force, and what destructive steps wait for. */
export async function loadLiveExceptions(db: Db): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(`select ${EXCEPTION_COLUMNS} from exceptions e where e.status in ('pending', 'approved')`);
  return rows.map(toExceptionRecord);
}

/** The same rule as `exceptionStatus`, for filters; `$1` is the instant. */
const STATUS_AT = `case when status = 'approved' and (expires_at <= $1 or used_uses >= cap_uses or used_money >= cap_money)
  then 'expired' when status = 'pending' and lapses_at <= $1 then 'lapsed' else status end`;

function asOf(record: ExceptionRecord, at: number): ExceptionRecord {
  const status = exceptionStatus(record, at);
  if (status === record.status) return record;
  if (status === 'lapsed') return { ...record, status, closedReason: 'no_answer', closedAt: record.lapsesAt ?? null };
  const byTime = record.expiresAt !== null && record.expiresAt <= at;
  return { ...record, status, closedReason: byTime ? 'duration' : 'cap', closedAt: byTime ? record.expiresAt : null };
}
