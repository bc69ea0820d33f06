/** Rows for store tests, written as SQL so that the tests of one store do not rest on another. */
import { createHash } from 'node:crypto';
import { newId } from '../../src/ids.js';
import type { Db } from '../../src/store/db.js';
import type { DecisionRecord } from '../../src/store/decisions.js';

export const AT = Date.UTC(2026, 10, 22, 12);
export const timestamp = (at: number) => new Date(at).toISOString();
const optional = (at: number | null | undefined) => (at === null || at === undefined ? null : timestamp(at));

export function policyContent(name: string, maxVCPUs = 16): object {
  return {
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name },
    spec: { type: 'ResourceLimit', rules: [{ name: 'size', resource: 'compute/*', constraint: { maxVCPUs } }] },
  };
}

export interface PolicyRow {
  readonly name: string;
  /** Null does not enforce. */
  readonly active?: string | null;
  readonly content?: object;
}

const hashOf = (content: object) => createHash('sha256').update(JSON.stringify(content)).digest('hex');

/** A policy with its active version, else with version 1.0.0, in one statement: nobody sees the one without the other. Answers its id. */
export async function insertPolicy(db: Db, { name, active = '1.0.0', content = policyContent(name) }: PolicyRow): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `with policy as (
       insert into policies (name, type, status, current_version, active_version, created_at, created_by, updated_at, updated_by)
       values ($1, 'ResourceLimit', 'active', coalesce($2, '1.0.0'), $2, now(), 'a', now(), 'a') returning id, name, current_version),
     version as (
       insert into policy_versions (policy_name, version, status, content, content_hash, rules_hash, change_type, change_summary, created_at,
         created_by)
       select name, current_version, 'active', $3, $4, '', 'major', '', now(), 'a' from policy)
     select id from policy`,
    [name, active, content, hashOf(content)],
  );
  return rows[0]?.id ?? 0;
}

/** Changes nothing that a snapshot looks at, until it is activated. */
export async function insertVersion(db: Db, name: string, version: string, content: object): Promise<void> {
  await db.query(
    `insert into policy_versions (policy_name, version, status, content, content_hash, rules_hash, change_type, change_summary, created_at, created_by)
     values ($1, $2, 'active', $3, $4, '', 'major', '', now(), 'a')`,
    [name, version, content, hashOf(content)],
  );
}

export async function activate(db: Db, name: string, version: string): Promise<void> {
  await db.query('update policies set active_version = $2 where name = $1', [name, version]);
}

export interface ExceptionRowGiven {
  readonly id?: string;
  readonly status?: string;
  readonly type?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly resourceId?: string;
  readonly account?: string;
  readonly expiresAt?: number | null;
  readonly reviewDueAt?: number | null;
  readonly capUses?: number | null;
  readonly capMoney?: string | null;
}

/** An approved temporary exception for `r1` unless something else is given. Answers its id. */
export async function insertException(db: Db, given: ExceptionRowGiven = {}): Promise<string> {
  const id = given.id ?? newId('exc');
  const target = { kind: 'resource', resourceId: given.resourceId ?? 'r1', account: given.account ?? 'a1', resourceType: null };
  await db.query(
    `insert into exceptions (id, type, status, target, policy_name, rule_name, justification, requested_by, requested_at, approvers,
       approved_by, approved_at, expires_at, review_due_at, cap_uses, cap_money, used_uses, used_money, workflow_id)
     values ($1, $2, $3, $4, $5, $6, 'because', 'dana@company.com', $7, '{}', 'bob@company.com', $7, $8, $9, $10, $11, 2, '5.00', 'exception/x')`,
    [
      id,
      given.type ?? 'temporary',
      given.status ?? 'approved',
      target,
      given.policy ?? 'p',
      given.rule ?? 'size',
      timestamp(AT - 1_000),
      optional(given.expiresAt),
      optional(given.reviewDueAt),
      given.capUses ?? null,
      given.capMoney ?? null,
    ],
  );
  return id;
}

export function decision(over: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    id: newId('dec'),
    at: AT,
    principal: 'ci@company.com',
    requester: 'dana@company.com',
    decision: 'deny',
    dryRun: false,
    degraded: false,
    policySet: 'sha256:0',
    idempotencyKey: null,
    account: '111122223333',
    request: '{}',
    result: '{}',
    door: 'evaluate',
    planDigest: null,
    facts: null,
    ...over,
  };
}
