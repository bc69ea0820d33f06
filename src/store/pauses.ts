/** The big switch: what is in `enforcement_pauses` stops acting, until it is taken out. */
import type { Instant } from '../policy/model.js';
import type { PauseRecord } from '../policy/records.js';
import { appendAudit } from './audit.js';
import { type Db, toTimestamp } from './db.js';

interface PauseRow {
  scope: string;
  reason: string;
  paused_by: string;
  paused_at: number;
}

const COLUMNS = 'scope, reason, paused_by, paused_at';

function toRecord(row: PauseRow): PauseRecord {
  return { scope: row.scope, reason: row.reason, pausedBy: row.paused_by, pausedAt: row.paused_at };
}

export async function listPauses(db: Db): Promise<readonly PauseRecord[]> {
  const { rows } = await db.query<PauseRow>(`select ${COLUMNS} from enforcement_pauses order by scope`);
  return rows.map(toRecord);
}

/** The pause that stops acting on this policy in this account, if there is one; the widest first. */
export async function findPause(
  db: Db,
  concerned: { readonly policyName: string; readonly account: string },
): Promise<PauseRecord | undefined> {
  const { rows } = await db.query<PauseRow>(
    `select ${COLUMNS} from enforcement_pauses where scope = any($1) order by (scope = 'all') desc, scope desc limit 1`,
    [['all', `policy:${concerned.policyName}`, `account:${concerned.account}`]],
  );
  return rows[0] === undefined ? undefined : toRecord(rows[0]);
}

export interface PauseChange {
  /** `all`, `policy:<name>` or `account:<id>`. */
  readonly scope: string;
  readonly reason: string;
  readonly principal: string;
  readonly at: Instant;
}

/** Pauses a scope; one that is paused already keeps its first reason and is answered as it is. Call it in a transaction: it writes the audit row. */
export async function setPause(db: Db, change: PauseChange): Promise<PauseRecord> {
  const { rows } = await db.query<PauseRow>(
    `insert into enforcement_pauses (scope, reason, paused_by, paused_at) values ($1, $2, $3, $4)
     on conflict (scope) do nothing returning ${COLUMNS}`,
    [change.scope, change.reason, change.principal, toTimestamp(change.at)],
  );
  if (rows[0] === undefined) return getPause(db, change.scope);
  const pause = toRecord(rows[0]);
  await appendAudit(db, {
    principal: change.principal,
    action: 'enforcement.pause',
    subject: change.scope,
    before: null,
    after: { reason: pause.reason },
    at: change.at,
  });
  return pause;
}

async function getPause(db: Db, scope: string): Promise<PauseRecord> {
  const { rows } = await db.query<PauseRow>(`select ${COLUMNS} from enforcement_pauses where scope = $1 for share`, [scope]);
  return toRecord(rows[0] as PauseRow);
}

/** Lifts a pause; undefined when the scope was not paused. Call it in a transaction: it writes the audit row. */
export async function clearPause(db: Db, change: PauseChange): Promise<PauseRecord | undefined> {
  const { rows } = await db.query<PauseRow>(`delete from enforcement_pauses where scope = $1 returning ${COLUMNS}`, [change.scope]);
  if (rows[0] === undefined) return undefined;
  const pause = toRecord(rows[0]);
  await appendAudit(db, {
    principal: change.principal,
    action: 'enforcement.resume',
    subject: change.scope,
    before: { reason: pause.reason, paused_by: pause.pausedBy, paused_at: new Date(pause.pausedAt).toISOString() },
    after: { reason: change.reason },
    at: change.at,
  });
  return pause;
}
