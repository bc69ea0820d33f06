/** The import of a bill: read as a stream into a table of its own, then put in place of what it replaces, all of it or nothing. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { describeError, TollgateError } from '../errors.js';
import type { FocusImport } from '../policy/house-records.js';
import { appendAudit } from './audit.js';
import type { TimeSpan } from './budgets.js';
import type { Db, Pool } from './db.js';
import { openBill } from './focus-bytes.js';
import { endFocusImport, type FocusEnd, getFocusImport, type NewFocusImport, noteFocusProgress, openFocusImport } from './focus-imports.js';
import { replaceBillingPeriods, STAGING } from './focus-periods.js';
import { type BillTally, billLines, explainReading } from './focus-read.js';
import { LINE_COLUMNS } from './focus-row.js';

export interface FocusSource {
  readonly bytes: Readable;
  /** Of the bytes as they come. */
  readonly limitBytes: number;
}

export interface FocusHooks {
  /** Brings what depends on the charges of these times up to date, in the import's transaction. */
  readonly settle: (db: Db, spans: readonly TimeSpan[], at: number) => Promise<void>;
  readonly now: () => number;
}

/** How often a running import says how far it is. */
const PROGRESS_MS = 1_000;

interface Reading extends BillTally {
  bytes: number;
  sha256: string | null;
}

/**
 * Imports one bill; memory does not grow with its size. What is refused or broken off leaves nothing but the record that says why.
 * @throws invalid-input or too-large for a refused file, with the first problems; whatever else broke it as it is
 */
export async function importFocus(pool: Pool, wanted: NewFocusImport, source: FocusSource, hooks: FocusHooks): Promise<FocusImport> {
  await openFocusImport(pool, wanted);
  const reading: Reading = { header: null, rows: 0, refusedRows: 0, problems: [], bytes: 0, sha256: null };
  const progress = setInterval(() => {
    // the record of a running import is for people to look at: a write that fails breaks nothing
    noteFocusProgress(pool, wanted.id, endOf('completed', reading)).catch(() => {});
  }, PROGRESS_MS);
  try {
    await readAndReplace(pool, wanted, source, reading, hooks);
  } catch (thrown) {
    const error = explainReading(thrown);
    const isRefusal = error instanceof TollgateError && (error.code === 'invalid-input' || error.code === 'too-large');
    const end = { ...endOf(isRefusal ? 'refused' : 'failed', reading), reason: isRefusal ? error.message : describeError(error) };
    // with the database away nothing can be written: its silence then says that the import has failed
    await endFocusImport(pool, wanted.id, end, hooks.now()).catch(() => {});
    throw error;
  } finally {
    clearInterval(progress);
  }
  return getFocusImport(pool, wanted.id);
}

/** On a connection of its own: the pool's are for short statements. A connection that ends takes its transaction with it. */
async function readAndReplace(pool: Pool, wanted: NewFocusImport, source: FocusSource, reading: Reading, hooks: FocusHooks): Promise<void> {
  const client = new pg.Client({ ...pool.options, query_timeout: 0, keepAlive: true });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin');
    await client.query(STAGING);
    await readInto(client, wanted, source, reading);
    refuseBadRows(reading);
    const { periods, spans, notices } = await replaceBillingPeriods(client, wanted.id);
    await hooks.settle(client, spans, hooks.now());
    const end = { ...endOf('completed', reading), billingPeriods: periods, notices: [costNotice(wanted), ...notices] };
    await endFocusImport(client, wanted.id, end, hooks.now());
    const after = {
      fileName: wanted.fileName,
      sha256: end.sha256,
      costColumn: wanted.costColumn,
      rows: end.rows,
      billingPeriods: end.billingPeriods,
    };
    await appendAudit(client, {
      principal: wanted.createdBy,
      action: 'focus.import',
      subject: wanted.id,
      before: null,
      after,
      at: hooks.now(),
    });
    await client.query('commit');
  } finally {
    await client.end();
  }
}

async function readInto(client: pg.Client, wanted: NewFocusImport, { bytes, limitBytes }: FocusSource, reading: Reading): Promise<void> {
  const onBytes = (length: number) => void (reading.bytes += length);
  const { steps, hash } = await openBill({ source: bytes, limitBytes, onBytes });
  const copy = client.query(copyFrom(`copy focus_staging (${LINE_COLUMNS}) from stdin`));
  await pipeline([...steps, billLines(wanted, reading), copy] as NodeJS.ReadWriteStream[]);
  reading.sha256 = hash.digest('hex');
}

function refuseBadRows({ rows, refusedRows, problems }: Reading): void {
  if (rows === 0) throw new TollgateError('invalid-input', 'the file has a header and no rows');
  if (refusedRows === 0) return;
  const told = problems.map(({ line, column, message }) => ({
    path: column === null ? `line ${line}` : `line ${line} ${column}`,
    message,
  }));
  const count = refusedRows === 1 ? '1 row' : `${refusedRows} rows`;
  throw new TollgateError('invalid-input', `${count} of ${rows} cannot be imported, so nothing of the file is`, { problems: told });
}

const costNotice = ({ costColumn }: NewFocusImport): string => `budgets count \`${costColumn}\` of this bill`;

function endOf(status: FocusEnd['status'], { header, rows, refusedRows, problems, bytes, sha256 }: Reading): FocusEnd {
  const focusVersion = header?.version ?? null;
  return { status, sha256, bytes, focusVersion, rows, refusedRows, problems, billingPeriods: [], notices: [], reason: null };
}
