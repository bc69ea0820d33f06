/** The rows of holds. They change only under the lock of their budget: see `budget-ledger.ts`. */
import { TollgateError } from '../errors.js';
import type { BudgetKey, HoldRecord, HoldStatus } from '../policy/budget.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

const COLUMNS = `id, policy_name as "policyName", rule_name as "ruleName", period, amount, status, settled, decision_id as "decisionId", principal,
  requester, idempotency_key as "idempotencyKey", plan_digest as "planDigest", resources, taken_at as "takenAt", expires_at as "expiresAt",
  committed_at as "committedAt", committed_by as "committedBy", closed_at as "closedAt", closed_by as "closedBy", close_reason as "closeReason"`;

export async function insertHolds(db: Db, holds: readonly HoldRecord[]): Promise<void> {
  if (holds.length === 0) return;
  const column = <K extends keyof HoldRecord>(key: K) => holds.map((hold) => hold[key]);
  await db.query(
    `insert into holds (id, policy_name, rule_name, period, amount, status, decision_id, principal, requester, idempotency_key, plan_digest,
       resources, taken_at, expires_at)
     select id, policy, rule, period, amount, 'held', decision, principal, requester, key, digest,
       array(select jsonb_array_elements_text(resources)), taken_at, expires_at
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
       $11::jsonb[], $12::timestamptz[], $13::timestamptz[])
       as h (id, policy, rule, period, amount, decision, principal, requester, key, digest, resources, taken_at, expires_at)`,
    [
      column('id'),
      column('policyName'),
      column('ruleName'),
      column('period'),
      column('amount'),
      column('decisionId'),
      column('principal'),
      column('requester'),
      column('idempotencyKey'),
      column('planDigest'),
      column('resources').map((names) => JSON.stringify(names)),
      column('takenAt').map((at) => toTimestamp(at)),
      column('expiresAt').map((at) => toTimestamp(at)),
    ],
  );
}

export interface FormerQuestion {
  readonly decisionId: string;
  readonly principal: string;
  readonly idempotencyKey: string | null;
  readonly planDigest: string | null;
}

/**
 * What these decisions, or the deployments that they are for, hold at the moment, and what the deployments committed and is not all billed.
 * A key names a deployment before a digest does.
 */
export async function findFormerHolds(db: Db, questions: readonly FormerQuestion[]): Promise<readonly HoldRecord[]> {
  if (questions.length === 0) return [];
  const keyed = questions.filter(({ idempotencyKey }) => idempotencyKey !== null);
  const digests = questions.flatMap(({ idempotencyKey, planDigest }) =>
    idempotencyKey === null && planDigest !== null ? [planDigest] : [],
  );
  const { rows } = await db.query<HoldRecord>(
    `select ${COLUMNS} from holds where id in (
       select h.id from holds h where h.status = 'held' and h.decision_id = any ($1::text[])
       union select h.id from unnest($2::text[], $3::text[]) as k (principal, key)
         join holds h on h.principal = k.principal and h.idempotency_key = k.key and h.status in ('held', 'committed')
       union select h.id from holds h where h.status in ('held', 'committed') and h.idempotency_key is null and h.plan_digest = any ($4::text[])
     ) order by id`,
    [
      questions.map(({ decisionId }) => decisionId),
      keyed.map(({ principal }) => principal),
      keyed.map(({ idempotencyKey }) => idempotencyKey),
      digests,
    ],
  );
  return rows;
}

export interface Closing {
  readonly status: 'released';
  readonly at: Instant;
  readonly by: string | null;
  readonly reason: string;
}

/** The totals of their budgets are the caller's. */
export async function closeHolds(db: Db, holds: readonly HoldRecord[], { status, at, by, reason }: Closing): Promise<void> {
  if (holds.length === 0) return;
  await db.query('update holds set status = $2, closed_at = $3, closed_by = $4, close_reason = $5 where id = any ($1::text[])', [
    holds.map(({ id }) => id),
    status,
    toTimestamp(at),
    by,
    reason,
  ]);
}

export async function writeCommitted(db: Db, id: string, at: Instant, by: string): Promise<void> {
  await db.query(`update holds set status = 'committed', committed_at = $2, committed_by = $3 where id = $1`, [id, toTimestamp(at), by]);
}

export async function findHold(db: Db, id: string): Promise<HoldRecord | undefined> {
  const { rows } = await db.query<HoldRecord>(`select ${COLUMNS} from holds where id = $1`, [id]);
  return rows[0];
}

/** @throws not-found */
export async function lockHold(db: Db, id: string): Promise<HoldRecord> {
  const { rows } = await db.query<HoldRecord>(`select ${COLUMNS} from holds where id = $1 for update`, [id]);
  if (rows[0] === undefined) throw new TollgateError('not-found', `there is no hold \`${id}\``);
  return rows[0];
}

export interface HoldFilter extends Partial<BudgetKey> {
  readonly status?: HoldStatus;
  /** Whose status is looked at: one whose time is over has expired. */
  readonly at: Instant;
}

/** Newest first. */
export async function listHolds(db: Db, filter: HoldFilter, page: PageRequest): Promise<Page<HoldRecord>> {
  const after = decodeCursor(page.cursor);
  const { rows } = await db.query<HoldRecord>(
    `select ${COLUMNS} from holds
     where ($1::text is null or policy_name = $1) and ($2::text is null or rule_name = $2) and ($3::text is null or period = $3)
       and ($4::text is null or $4 = case when status = 'held' and expires_at <= $5 then 'expired' else status end)
       and ($6::timestamptz is null or (taken_at, id) < ($6, $7))
     order by taken_at desc, id desc limit $8`,
    [
      filter.policyName ?? null,
      filter.ruleName ?? null,
      filter.period ?? null,
      filter.status ?? null,
      toTimestamp(filter.at),
      toTimestamp(after?.at ?? null),
      after?.id ?? null,
      page.limit + 1,
    ],
  );
  return toPage(rows, page.limit, ({ takenAt, id }) => ({ at: takenAt, id }));
}
