/** Run tasks of HCP Terraform: asked once, answered once, the token forgotten with the answer. */
import { TollgateError } from '../errors.js';
import type { Instant } from '../policy/model.js';
import type { RunTaskAnswer, RunTaskRecord, RunTaskRequest, RunTaskResult } from '../policy/run-task.js';
import { type Db, toTimestamp } from './db.js';
import { seal, unseal } from './seal.js';

export interface NewRunTask {
  readonly request: RunTaskRequest;
  readonly token: string;
  readonly receivedAt: Instant;
  readonly expiresAt: Instant;
}

/** Opens a run task. A repeat, which may bring another token, is the same one; tokens that outlived their purpose are forgotten. */
export async function openRunTask(db: Db, { request, token, receivedAt, expiresAt }: NewRunTask, key: string): Promise<void> {
  await db.query('update run_tasks set sealed_token = null where sealed_token is not null and expires_at < $1', [toTimestamp(receivedAt)]);
  await db.query(
    `insert into run_tasks (id, request, sealed_token, received_at, expires_at) values ($1, $2, $3, $4, $5)
     on conflict (id) do update set sealed_token = excluded.sealed_token where run_tasks.ended_at is null`,
    [request.id, JSON.stringify(request), seal(token, key, request.id), toTimestamp(receivedAt), toTimestamp(expiresAt)],
  );
}

interface RunTaskRow extends Pick<RunTaskRecord, 'request' | 'endedAt'> {
  readonly result: RunTaskResult | null;
  readonly decisionId: string | null;
}

/** @throws not-found */
export async function getRunTask(db: Db, id: string): Promise<RunTaskRecord> {
  const { rows } = await db.query<RunTaskRow>(
    `select request, result, decision_id as "decisionId", ended_at as "endedAt" from run_tasks where id = $1`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) throw new TollgateError('not-found', `no run task \`${id}\``);
  const { request, result, decisionId, endedAt } = row;
  return { request, answer: result === null ? null : { result, decisionId }, endedAt };
}

/** The token to answer with. @throws not-found when it is forgotten, invalid-configuration when this process has another key */
export async function getRunTaskToken(db: Db, id: string, key: string): Promise<string> {
  const { rows } = await db.query<{ sealed: Buffer | null }>('select sealed_token as sealed from run_tasks where id = $1', [id]);
  const sealed = rows[0]?.sealed ?? null;
  if (sealed === null) throw new TollgateError('not-found', `the token of run task \`${id}\` is no longer kept`);
  return unseal(sealed, key, id);
}

/** Keeps the answer; the first one stays. */
export async function saveRunTaskAnswer(db: Db, id: string, { result, decisionId }: RunTaskAnswer): Promise<void> {
  await db.query('update run_tasks set result = $2, decision_id = $3 where id = $1 and result is null', [
    id,
    JSON.stringify(result),
    decisionId,
  ]);
}

/** Forgets the token. Safe to repeat. */
export async function endRunTask(db: Db, id: string, at: Instant): Promise<void> {
  await db.query('update run_tasks set sealed_token = null, ended_at = coalesce(ended_at, $2) where id = $1', [id, toTimestamp(at)]);
}
