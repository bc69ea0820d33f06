import { TollgateError } from '../errors.js';
import type { Snapshot } from '../store/snapshot.js';
import { hashToken, type LiveToken } from '../store/tokens.js';
import type { Principal } from './route.js';

/** Who calls, by the `Authorization` header; `beforeLookup` may refuse before the database is asked. */
export type Authenticate = (authorization: string | undefined, at: number, beforeLookup: () => void) => Promise<Principal>;

/** How many tokens' hashes are kept. */
const MOST_HASHES = 10_000;

/**
 * Authenticates by tokens in memory, so a known one works while the database is away; whether it has expired is compared at each call.
 * One that is not in memory may have been made a moment ago: then the database is asked.
 * @throws unauthenticated, or unavailable for an unseen token while the database is away
 */
export function createAuthenticator(snapshot: Snapshot): Authenticate {
  // Of tokens that were good once, so that guesses cannot fill it. Whether one still is, the snapshot says.
  const hashes = new Map<string, string>();

  return async (authorization, at, beforeLookup) => {
    const token = bearerToken(authorization);
    const hash = hashes.get(token) ?? hashToken(token);
    let found = snapshot.get().tokens.get(hash);
    if (found === undefined) {
      beforeLookup();
      found = await findFresh(snapshot, hash);
    }
    if (found.expiresAt !== null && at >= found.expiresAt) throw new TollgateError('unauthenticated', 'the token has expired');
    if (hashes.size >= MOST_HASHES) hashes.clear();
    hashes.set(token, hash);
    return { id: found.principal, roles: found.roles };
  };
}

/** A token of ours has 46 characters. */
const LONGEST_TOKEN = 200;

function bearerToken(header: string | undefined): string {
  if (header === undefined) throw new TollgateError('unauthenticated', 'send a token: `Authorization: Bearer tg_…`');
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined || token.length > LONGEST_TOKEN)
    throw new TollgateError('unauthenticated', 'expected `Authorization: Bearer tg_…`');
  return token;
}

async function findFresh(snapshot: Snapshot, hash: string): Promise<LiveToken> {
  await snapshot.refresh();
  const found = snapshot.get().tokens.get(hash);
  if (found !== undefined) return found;
  if (!snapshot.degraded) throw new TollgateError('unauthenticated', 'the token is not known, or was revoked');
  throw new TollgateError('unavailable', `this token was not seen before, and the database cannot be asked: ${snapshot.problem ?? ''}`);
}
