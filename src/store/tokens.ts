import { createHash, randomBytes } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Page, PageRequest, Role, TokenRecord } from '../policy/house-records.js';
import type { Instant } from '../policy/model.js';
import { appendAudit } from './audit.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

export interface NewToken {
  /** Whom the token speaks for. */
  readonly principal: string;
  readonly roles: readonly Role[];
  /** Null never expires. */
  readonly expiresAt: Instant | null;
  readonly createdBy: string;
  readonly at: Instant;
}

/** What authentication needs of a token that is not revoked; whether it has expired is a comparison with the clock. */
export interface LiveToken {
  readonly id: string;
  readonly principal: string;
  readonly roles: readonly Role[];
  readonly expiresAt: Instant | null;
}

/** Length of the part that lists show, so that a person recognises a token. */
const PREFIX_LENGTH = 9;

/** Sha-256 in hex: the form in which tokens are stored and looked up. 256 random bits need no slow hash. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Makes a token and answers it, this once: only its hash is stored. In a transaction. */
export async function createToken(db: Db, request: NewToken): Promise<{ readonly record: TokenRecord; readonly token: string }> {
  const token = `tg_${randomBytes(32).toString('base64url')}`;
  const { rows } = await db.query<TokenRecord>(
    `insert into tokens (id, principal, roles, token_hash, prefix, created_at, created_by, expires_at)
     values ($1, $2, $3, decode($4, 'hex'), $5, $6, $7, $8) returning ${COLUMNS}`,
    [
      newId('tok'),
      request.principal,
      request.roles,
      hashToken(token),
      token.slice(0, PREFIX_LENGTH),
      toTimestamp(request.at),
      request.createdBy,
      toTimestamp(request.expiresAt),
    ],
  );
  const record = returned(rows[0]);
  await appendAudit(db, {
    principal: request.createdBy,
    action: 'token.create',
    subject: record.id,
    before: null,
    after: toAudit(record),
    at: request.at,
  });
  return { record, token };
}

/** Newest first, revoked and expired ones included. */
export async function listTokens(db: Db, page: PageRequest): Promise<Page<TokenRecord>> {
  const after = decodeCursor(page.cursor);
  const { rows } = await db.query<TokenRecord>(
    `select ${COLUMNS} from tokens where $1::timestamptz is null or (created_at, id) < ($1, $2::text)
     order by created_at desc, id desc limit $3`,
    [toTimestamp(after?.at ?? null), after?.id ?? null, page.limit + 1],
  );
  return toPage(rows, page.limit, ({ createdAt: at, id }) => ({ at, id }));
}

/**
 * Ends a token at `at`; every process refuses it within a second. A token that is revoked already stays as it is. In a transaction.
 * @throws not-found
 */
export async function revokeToken(db: Db, id: string, by: { readonly principal: string; readonly at: Instant }): Promise<TokenRecord> {
  const found = await db.query<TokenRecord>(`select ${COLUMNS} from tokens where id = $1 for update`, [id]);
  if (found.rows[0] === undefined) throw new TollgateError('not-found', `there is no token \`${id}\``);
  const before = returned(found.rows[0]);
  if (before.revokedAt !== null) return before;
  const { rows } = await db.query<TokenRecord>(`update tokens set revoked_at = $2 where id = $1 returning ${COLUMNS}`, [
    id,
    toTimestamp(by.at),
  ]);
  const after = returned(rows[0]);
  await appendAudit(db, { ...by, action: 'token.revoke', subject: id, before: toAudit(before), after: toAudit(after) });
  return after;
}

/** All tokens that are not revoked, by their hash (`hashToken`). */
export async function loadTokens(db: Db): Promise<ReadonlyMap<string, LiveToken>> {
  const { rows } = await db.query<LiveToken & { hash: string }>(
    `select encode(token_hash, 'hex') as hash, id, principal, roles, expires_at as "expiresAt" from tokens where revoked_at is null`,
  );
  return new Map(rows.map(({ hash, ...token }) => [hash, token]));
}

const COLUMNS = `id, principal, roles, prefix, created_at as "createdAt", created_by as "createdBy", expires_at as "expiresAt", revoked_at as "revokedAt"`;

function returned(row: TokenRecord | undefined): TokenRecord {
  if (row === undefined) throw new TollgateError('internal', 'a token was not returned');
  return row;
}

const iso = (at: Instant | null) => (at === null ? null : new Date(at).toISOString());

/** As the audit log shows it, in wire form. */
function toAudit({ principal, roles, prefix, expiresAt, revokedAt }: TokenRecord): object {
  return { principal, roles, prefix, expires_at: iso(expiresAt), revoked_at: iso(revokedAt) };
}
