/** The ledger of external effects: one row per business idempotency key, written before the call and finished after it. */
import type { Instant, Json } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';

export interface EffectStart {
  /** `<remediation id>/<step>`, made in the workflow; also the provider's idempotency token. */
  readonly idempotencyKey: string;
  readonly remediationId: string;
  readonly step: string;
  readonly provider: string;
  readonly resourceId: string;
  readonly command: object;
  readonly at: Instant;
}

export interface EffectOutcome {
  readonly changed: boolean;
  readonly made: { readonly [name: string]: string };
}

export interface EffectRecord {
  readonly idempotencyKey: string;
  readonly step: string;
  readonly resourceId: string;
  readonly command: Json;
  /** `started` and not under way: a call of unknown outcome. */
  readonly status: 'started' | 'done' | 'failed';
  readonly outcome: EffectOutcome | null;
  readonly error: string | null;
  /** How often the provider was, or may have been, called. */
  readonly attempts: number;
  readonly startedAt: Instant;
  readonly finishedAt: Instant | null;
}

interface EffectRow {
  idempotency_key: string;
  step: string;
  resource_id: string;
  command: Json;
  status: EffectRecord['status'];
  outcome: EffectOutcome | null;
  error: string | null;
  attempts: number;
  started_at: number;
  finished_at: number | null;
}

const COLUMNS = 'idempotency_key, step, resource_id, command, status, outcome, error, attempts, started_at, finished_at';

function toRecord(row: EffectRow): EffectRecord {
  return {
    idempotencyKey: row.idempotency_key,
    step: row.step,
    resourceId: row.resource_id,
    command: row.command,
    status: row.status,
    outcome: row.outcome,
    error: row.error,
    attempts: row.attempts,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}

/** Enters an effect that is about to be tried, or counts another attempt. A row that is `done` stays as it is: its call must not be made again. */
export async function startEffect(db: Db, effect: EffectStart): Promise<void> {
  await db.query(
    `insert into effects as e (idempotency_key, remediation_id, step, provider, resource_id, command, status, started_at)
     values ($1, $2, $3, $4, $5, $6, 'started', $7)
     on conflict (idempotency_key) do update set
       attempts = e.attempts + (e.status <> 'done')::int,
       command = case when e.status = 'done' then e.command else excluded.command end,
       status = case when e.status = 'done' then 'done' else 'started' end`,
    [
      effect.idempotencyKey,
      effect.remediationId,
      effect.step,
      effect.provider,
      effect.resourceId,
      JSON.stringify(effect.command),
      toTimestamp(effect.at),
    ],
  );
}

export async function completeEffect(db: Db, idempotencyKey: string, outcome: EffectOutcome, at: Instant): Promise<void> {
  await db.query(`update effects set status = 'done', outcome = $2, error = null, finished_at = $3 where idempotency_key = $1`, [
    idempotencyKey,
    JSON.stringify(outcome),
    toTimestamp(at),
  ]);
}

/** Only for what certainly did not happen. */
export async function failEffect(db: Db, idempotencyKey: string, error: string, at: Instant): Promise<void> {
  await db.query(`update effects set status = 'failed', error = $2, finished_at = $3 where idempotency_key = $1 and status <> 'done'`, [
    idempotencyKey,
    error,
    toTimestamp(at),
  ]);
}

export async function findEffect(db: Db, idempotencyKey: string): Promise<EffectRecord | null> {
  const { rows } = await db.query<EffectRow>(`select ${COLUMNS} from effects where idempotency_key = $1`, [idempotencyKey]);
  return rows[0] === undefined ? null : toRecord(rows[0]);
}

/** The effects of one remediation, in the order they were begun. */
export async function listEffects(db: Db, remediationId: string): Promise<readonly EffectRecord[]> {
  const { rows } = await db.query<EffectRow>(
    `select ${COLUMNS} from effects where remediation_id = $1 order by started_at, idempotency_key`,
    [remediationId],
  );
  return rows.map(toRecord);
}
