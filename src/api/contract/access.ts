import { z } from 'zod';
import { type AuditEntry, ROLES, type TokenRecord } from '../../policy/house-records.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, instantInput, json, principalId, text, toWireInstant, wireObject } from './values.js';

export const tokenRequest = wireObject({
  principal: expecting(
    'the id of a person or a machine; those that begin with `system:` are Tollgate’s own',
    principalId.refine((id) => !id.startsWith('system:')),
  ),
  roles: expecting(
    `a list of roles, each one of ${ROLES.map((role) => `\`${role}\``).join(', ')}`,
    z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  ),
  expires_at: instantInput.nullish(),
}).meta({ id: 'TokenRequest' });

const tokenKeys = {
  id: z.string(),
  principal: z.string(),
  roles: z.array(z.enum(ROLES)),
  prefix: z.string().meta({ description: 'How the token begins' }),
  created_at: instant,
  created_by: z.string(),
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
};
export const tokenSchema = z.object(tokenKeys).meta({ id: 'Token' });
export const newTokenSchema = z
  .object({ ...tokenKeys, token: z.string().nullable().meta({ description: 'Shown this once' }) })
  .meta({ id: 'NewToken' });

export function toWireToken(token: TokenRecord): z.infer<typeof tokenSchema> {
  return {
    id: token.id,
    principal: token.principal,
    roles: [...token.roles],
    prefix: token.prefix,
    created_at: toWireInstant(token.createdAt),
    created_by: token.createdBy,
    expires_at: toWireInstant(token.expiresAt),
    revoked_at: toWireInstant(token.revokedAt),
  };
}

export const auditQuery = wireObject({
  ...pageQuery,
  principal: text(200).optional(),
  action: text(100).optional(),
  subject: text(2_048).optional(),
  since: instantInput.optional(),
  until: instantInput.optional(),
});

export const auditEntrySchema = z
  .object({
    seq: z.int(),
    at: instant,
    principal: z.string(),
    action: z.string(),
    subject: z.string(),
    before: json,
    after: json,
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' });

export function toWireAuditEntry(entry: AuditEntry): z.infer<typeof auditEntrySchema> {
  const { seq, at, principal, action, subject, before, after, hash } = entry;
  return { seq, at: toWireInstant(at), principal, action, subject, before, after, hash };
}

export const auditVerificationSchema = z
  .object({
    intact: z.boolean(),
    entries: z.int(),
    head: z.string().nullable(),
    broken: z.object({ seq: z.int(), problem: z.string() }).nullable(),
  })
  .meta({ id: 'AuditVerification' });
