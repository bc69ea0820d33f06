/** The imports of bills: opened, followed while they run, and ended. */
import { TollgateError } from '../errors.js';
import type { FocusImport, Page, PageRequest } from '../policy/house-records.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export type NewFocusImport = Pick<FocusImport, 'id' | 'fileName' | 'currency' | 'costColumn' | 'createdBy' | 'startedAt'>;
/** What is known of an import while its file is read. */
export type FocusProgress = Pick<FocusImport, 'bytes' | 'focusVersion' | 'rows' | 'refusedRows'>;
export type FocusEnd = Pick<
  FocusImport,
  'status' | 'sha256' | 'bytes' | 'focusVersion' | 'rows' | 'refusedRows' | 'problems' | 'billingPeriods' | 'notices' | 'reason'
>;

export async function openFocusImport(db: Db, { id, fileName, currency, costColumn, createdBy, startedAt }: NewFocusImport): Promise<void> {
  await db.query(
    `insert into focus_imports (id, status, file_name, currency, cost_column, created_by, started_at, seen_at)
     values ($1, 'running', $2, $3, $4, $5, $6, now())`,
    [id, fileName, currency, costColumn, createdBy, toTimestamp(startedAt)],
  );
}

/** Says how far it is, and that its process lives. */
export async function noteFocusProgress(db: Db, id: string, progress: FocusProgress): Promise<void> {
  await db.query(
    `update focus_imports set bytes = $2, focus_version = $3, rows = $4, refused_rows = $5, seen_at = now()
     where id = $1 and status = 'running'`,
    [id, progress.bytes, progress.focusVersion, progress.rows, progress.refusedRows],
  );
}

export async function endFocusImport(db: Db, id: string, end: FocusEnd, at: number): Promise<void> {
  await db.query(
    `update focus_imports set status = $2, sha256 = $3, bytes = $4, focus_version = $5, rows = $6, refused_rows = $7, problems = $8,
       billing_periods = $9, notices = $10, reason = $11, ended_at = $12, seen_at = now()
     where id = $1`,
    [
      id,
      end.status,
      end.sha256,
      end.bytes,
      end.focusVersion,
      end.rows,
      end.refusedRows,
      JSON.stringify(end.problems),
      JSON.stringify(end.billingPeriods),
      JSON.stringify(end.notices),
      end.reason,
      toTimestamp(at),
    ],
  );
}

/** A process says every second that it lives; one that is silent for so long is gone, and its transaction with it. */
const LOST = `status = 'running' and seen_at < now() - interval '1 minute'`;

const COLUMNS = `id, case when ${LOST} then 'failed' else status end as status, file_name as "fileName", sha256, bytes, focus_version as "focusVersion",
  currency, cost_column as "costColumn", rows, refused_rows as "refusedRows", problems, billing_periods as "billingPeriods", notices,
  case when ${LOST} then 'the process that read it is gone' else reason end as reason, created_by as "createdBy",
  started_at as "startedAt", case when ${LOST} then seen_at else ended_at end as "endedAt"`;

/** @throws not-found */
export async function getFocusImport(db: Db, id: string): Promise<FocusImport> {
  const { rows } = await db.query<FocusImport>(`select ${COLUMNS} from focus_imports where id = $1`, [id]);
  const row = rows[0];
  if (row === undefined) throw new TollgateError('not-found', `no import \`${id}\``);
  return row;
}

/** Newest first. */
export async function listFocusImports(db: Db, { limit, cursor }: PageRequest): Promise<Page<FocusImport>> {
  const after = decodeCursor(cursor);
  const { rows } = await db.query<FocusImport>(
    `select ${COLUMNS} from focus_imports
     where $2::timestamptz is null or (started_at, id) < ($2, $3) order by started_at desc, id desc limit $1`,
    [limit + 1, toTimestamp(after?.at ?? null), after?.id ?? null],
  );
  return toPage(rows, limit, ({ startedAt, id }) => ({ at: startedAt, id }));
}
