import { createHash } from 'node:crypto';
import { ipKeyGenerator } from 'express-rate-limit';
import { TollgateError } from '../errors.js';
import type { ApiLimits } from './deps.js';
import type { Exchange } from './exchange.js';

const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ApiLimits = {
  bodyBytes: 2 * MIB,
  bodyMs: 5 * MINUTE_MS,
  importBytes: 2_048 * MIB,
  requestsPerMinute: 6_000,
  evaluationsPerMinute: 600_000,
  refusalsPerMinute: 300,
};

/**
 * Counts a request at `at`, says in the headers of the answer what is left (draft 8 of the IETF's RateLimit fields), and refuses when
 * its caller has made too many. Counts are per process.
 * @throws rate-limited
 */
export type Limiter = (exchange: Exchange, at: number) => void;

export function limitPrincipal(perMinute: number): Limiter {
  return createLimiter(perMinute, ({ principal }) => String(principal));
}

/** For requests that have not shown a valid token or signature. */
export function limitAddress(perMinute: number): Limiter {
  return createLimiter(perMinute, ({ req }) => ipKeyGenerator(req.socket.remoteAddress ?? ''));
}

/** A minute of one caller's, from its first request. */
interface Window {
  count: number;
  readonly endsAt: number;
  readonly policy: string;
}

function createLimiter(perMinute: number, keyOf: (exchange: Exchange) => string): Limiter {
  const name = `"${perMinute}-in-1min"`;
  const windows = new Map<string, Window>();
  let sweepAt = 0;

  function open(key: string, at: number): Window {
    if (at >= sweepAt) {
      for (const [other, { endsAt }] of windows) if (at >= endsAt) windows.delete(other);
      sweepAt = at + MINUTE_MS;
    }
    const made = { count: 0, endsAt: at + MINUTE_MS, policy: `${name}; q=${perMinute}; w=60; pk=:${partitionKey(key)}:` };
    windows.set(key, made);
    return made;
  }

  return (exchange, at) => {
    const key = keyOf(exchange);
    const found = windows.get(key);
    const window = found === undefined || at >= found.endsAt ? open(key, at) : found;
    window.count += 1;
    const seconds = Math.ceil((window.endsAt - at) / 1_000);
    exchange.addHeader('ratelimit', `${name}; r=${Math.max(0, perMinute - window.count)}; t=${seconds}`);
    exchange.addHeader('ratelimit-policy', window.policy);
    if (window.count <= perMinute) return;
    exchange.addHeader('retry-after', String(seconds));
    throw new TollgateError('rate-limited', `more than ${perMinute} requests in a minute`);
  };
}

/** Tells callers apart without naming them. */
function partitionKey(key: string): string {
  return Buffer.from(createHash('sha256').update(key).digest('hex').slice(0, 12)).toString('base64');
}
