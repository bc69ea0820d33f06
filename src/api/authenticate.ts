import type { Request } from 'express';
import { TollgateError } from '../errors.js';
import type { Snapshot } from '../store/snapshot.js';
import { hashToken } from '../store/tokens.js';
import type { Principal } from './route.js';

/**
 * Who calls, by the bearer token. Tokens are in memory, so a known one works while the database is away; whether it has expired is
 * compared at each call. One that is not in memory may have been made a moment ago: `beforeLookup` may refuse, then the database is asked.
 * @throws unauthenticated, or unavailable for an unseen token while the database is away
 */
export async function authenticate(req: Request, snapshot: Snapshot, at: number, beforeLookup: () => Promise<void>): Promise<Principal> {
  const token = bearerToken(req);
  const hash = hashToken(token);
  const found = snapshot.get().tokens.get(hash) ?? (await beforeLookup().then(() => findFresh(snapshot, hash)));
  if (found === undefined) throw new TollgateError('unauthenticated', 'the token is not known, or was revoked');
  if (found.expiresAt !== null && at >= found.expiresAt) throw new TollgateError('unauthenticated', 'the token has expired');
  return { id: found.principal, roles: found.roles };
}

/** A token of ours has 46 characters. */
const LONGEST_TOKEN = 200;

function bearerToken(req: Request): string {
  const header = req.get('authorization');
  if (header === undefined) throw new TollgateError('unauthenticated', 'send a token: `Authorization: Bearer tg_…`');
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined || token.length > LONGEST_TOKEN)
    throw new TollgateError('unauthenticated', 'expected `Authorization: Bearer tg_…`');
  return token;
}

async function findFresh(snapshot: Snapshot, hash: string) {
  await snapshot.refresh();
  const found = snapshot.get().tokens.get(hash);
  if (found === undefined && snapshot.degraded) {
    throw new TollgateError('unavailable', `this token was not seen before, and the database cannot be asked: ${snapshot.problem ?? ''}`);
  }
  return found;
}
