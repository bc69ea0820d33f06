/** The decision log: every answer of the gate, as it crossed the wire. Written through `decision-log.ts`. */
import type pg from 'pg';
import { TollgateError } from '../errors.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Instant } from '../policy/model.js';
import type { DecisionWord } from '../policy/verdict.js';
import { copyRows, formatCopyRow } from './copy-rows.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export interface DecisionRecord {
  readonly id: string;
  readonly at: Instant;
  /** Who asked, and for whom. */
  readonly principal: string;
  readonly requester: string;
  readonly decision: DecisionWord;
  readonly dryRun: boolean;
  readonly degraded: boolean;
  /** Revision of the policies it was judged by. */
  readonly policySet: string;
  readonly idempotencyKey: string | null;
  readonly account: string | null;
  /** Request and answer as JSON texts, without secrets. */
  readonly request: string;
  readonly result: string;
  /** Through which door of the gate the request came: `evaluate`, `terraform` … */
  readonly door: string;
  /** Of a plan: `sha256:…` of what it asks for. */
  readonly planDigest: string | null;
  /** JSON text of what the decision rested on besides the policies; null when on nothing. */
  readonly facts: string | null;
}

const INSERTED = `id, at, principal, requester, decision, dry_run, degraded, policy_set, idempotency_key, account, request, result, door,
  plan_digest, facts`;

/** Writes new decisions; one that is there already fails all of them. With `begin`, opens the transaction that they are written in. */
export async function copyDecisions(client: pg.Client, decisions: readonly DecisionRecord[], begin: boolean): Promise<void> {
  await copyRows(client, `${begin ? 'begin; ' : ''}copy decisions (${INSERTED}) from stdin`, decisions.map(toCopyRow).join(''));
}

function toCopyRow(decision: DecisionRecord): string {
  return formatCopyRow([
    decision.id,
    new Date(decision.at).toISOString(),
    decision.principal,
    decision.requester,
    decision.decision,
    decision.dryRun,
    decision.degraded,
    decision.policySet,
    decision.idempotencyKey,
    decision.account,
    decision.request,
    decision.result,
    decision.door,
    decision.planDigest,
    decision.facts,
  ]);
}

/**
 * Writes decisions in one statement. A repeat is safe: what is there already stays as it is, unless its answer had to go out before
 * its writing was confirmed, and so became a degraded one.
 */
export async function insertDecisions(db: Db, decisions: readonly DecisionRecord[]): Promise<void> {
  const column = <K extends keyof DecisionRecord>(key: K) => decisions.map((decision) => decision[key]);
  await db.query(
    `insert into decisions (${INSERTED})
     select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::text[],
       $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
     on conflict (id) do update set degraded = true, decision = excluded.decision, result = excluded.result, facts = excluded.facts
     where excluded.degraded and decisions.result <> excluded.result`,
    [
      column('id'),
      column('at').map((at) => toTimestamp(at)),
      column('principal'),
      column('requester'),
      column('decision'),
      column('dryRun'),
      column('degraded'),
      column('policySet'),
      column('idempotencyKey'),
      column('account'),
      column('request'),
      column('result'),
      column('door'),
      column('planDigest'),
      column('facts'),
    ],
  );
}

const COLUMNS = `id, at, principal, requester, decision, dry_run as "dryRun", degraded, policy_set as "policySet",
  idempotency_key as "idempotencyKey", account, request, result, door, plan_digest as "planDigest", facts`;

export async function findDecision(db: Db, id: string): Promise<DecisionRecord | undefined> {
  const { rows } = await db.query<DecisionRecord>(`select ${COLUMNS} from decisions where id = $1`, [id]);
  return rows[0];
}

/** @throws not-found */
export async function getDecision(db: Db, id: string): Promise<DecisionRecord> {
  const decision = await findDecision(db, id);
  if (decision === undefined) throw new TollgateError('not-found', `there is no decision \`${id}\``);
  return decision;
}

export interface DecisionFilter {
  readonly decision?: DecisionWord;
  readonly requester?: string;
  readonly account?: string;
  /** Inclusive. */
  readonly since?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
}

/** Newest first. */
export async function listDecisions(db: Db, filter: DecisionFilter, page: PageRequest): Promise<Page<DecisionRecord>> {
  const values: unknown[] = [page.limit + 1];
  const where: string[] = [];
  const when = (condition: string, value: unknown) => {
    if (value !== undefined) where.push(condition.replace('?', `$${values.push(value)}`));
  };
  when('decision = ?', filter.decision);
  when('requester = ?', filter.requester);
  when('account = ?', filter.account);
  when('at >= ?::timestamptz', filter.since === undefined ? undefined : toTimestamp(filter.since));
  when('at < ?::timestamptz', filter.until === undefined ? undefined : toTimestamp(filter.until));
  const after = decodeCursor(page.cursor);
  if (after !== null) where.push(`(at, id) < ($${values.push(toTimestamp(after.at))}, $${values.push(after.id)})`);
  const { rows } = await db.query<DecisionRecord>(
    `select ${COLUMNS} from decisions ${where.length === 0 ? '' : `where ${where.join(' and ')}`} order by at desc, id desc limit $1`,
    values,
  );
  return toPage(rows, page.limit, ({ at, id }) => ({ at, id }));
}
