import { z } from 'zod';
import { listAudit, verifyAudit } from '../../store/audit.js';
import { transaction } from '../../store/db.js';
import { createToken, listTokens, revokeToken } from '../../store/tokens.js';
import {
  auditEntrySchema,
  auditQuery,
  auditVerificationSchema,
  newTokenSchema,
  tokenRequest,
  tokenSchema,
  toWireAuditEntry,
  toWireToken,
} from '../contract/access.js';
import { pageOf, pageQuery, toPageRequest, toWirePage } from '../contract/page.js';
import { tokenId, wireObject } from '../contract/values.js';
import { given } from '../given.js';
import { invalidInput } from '../input.js';
import { defineRoute } from '../route.js';

const tag = 'Access';

export const access = [
  defineRoute('POST /v1/tokens', {
    summary: 'Make a token; it is shown this once',
    tag,
    body: tokenRequest,
    answers: { 201: { description: 'The token; `null` in a repeated answer', schema: newTokenSchema } },
    async handle({ pool, snapshot }, { body, principal, at }) {
      const past = body.expires_at !== null && body.expires_at !== undefined && body.expires_at <= at;
      if (past) throw invalidInput([{ path: 'expires_at', message: 'expected an instant in the future' }], 'request body');
      const request = { principal: body.principal, roles: [...new Set(body.roles)], expiresAt: body.expires_at ?? null };
      const { record, token } = await transaction(pool, (db) => createToken(db, { ...request, createdBy: principal.id, at }));
      await snapshot.refresh();
      const shown = toWireToken(record);
      return { status: 201, body: { ...shown, token }, bodyForRepeats: { ...shown, token: null } };
    },
  }),
  defineRoute('GET /v1/tokens', {
    summary: 'List tokens, newest first, without their secrets',
    tag,
    query: wireObject(pageQuery),
    answers: { 200: { description: 'A page of tokens', schema: pageOf(tokenSchema) } },
    async handle({ pool }, { query }) {
      return { status: 200, body: toWirePage(await listTokens(pool, toPageRequest(query)), toWireToken) };
    },
  }),
  defineRoute('DELETE /v1/tokens/{id}', {
    summary: 'Revoke a token; every process refuses it within a second',
    tag,
    params: z.object({ id: tokenId }),
    answers: { 200: { description: 'The revoked token', schema: tokenSchema }, 404: { description: 'No such token' } },
    async handle({ pool, snapshot }, { params, principal, at }) {
      const record = await transaction(pool, (db) => revokeToken(db, params.id, { principal: principal.id, at }));
      await snapshot.refresh();
      return { status: 200, body: toWireToken(record) };
    },
  }),
  defineRoute('GET /v1/audit', {
    summary: 'List the audit log, newest first',
    tag,
    query: auditQuery,
    answers: { 200: { description: 'A page of entries', schema: pageOf(auditEntrySchema) } },
    async handle({ pool }, { query }) {
      const { limit, cursor, ...filter } = query;
      return { status: 200, body: toWirePage(await listAudit(pool, given(filter), toPageRequest({ limit, cursor })), toWireAuditEntry) };
    },
  }),
  defineRoute('GET /v1/audit/verify', {
    summary: 'Check the hash chain of the audit log',
    tag,
    answers: { 200: { description: 'Whether it is intact, and where not', schema: auditVerificationSchema } },
    handle: async ({ pool }) => ({ status: 200, body: await verifyAudit(pool) }),
  }),
];
