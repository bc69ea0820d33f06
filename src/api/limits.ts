import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { TollgateError } from '../errors.js';
import type { ApiLimits } from './deps.js';

const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ApiLimits = {
  bodyBytes: 2 * MIB,
  requestsPerMinute: 6_000,
  evaluationsPerMinute: 600_000,
  refusalsPerMinute: 300,
};

/** Counts a request, and rejects when its caller has made too many. Counts are per process. */
export type Limiter = (req: Request, res: Response) => Promise<void>;

export function limitPrincipal(perMinute: number): Limiter {
  return limiter(perMinute, (_req, res) => String(res.locals['principal']));
}

/** For requests that have not shown a valid token. */
export function limitAddress(perMinute: number): Limiter {
  return limiter(perMinute, (req) => ipKeyGenerator(req.ip ?? ''));
}

function limiter(perMinute: number, keyGenerator: (req: Request, res: Response) => string): Limiter {
  const middleware = rateLimit({
    windowMs: MINUTE_MS,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: false,
    keyGenerator,
    handler: (_req, _res, next) => next(new TollgateError('rate-limited', `more than ${perMinute} requests in a minute`)),
  });
  return (req, res) => runMiddleware(middleware, req, res);
}

/** Waits for a middleware; rejects with what it passes on. */
export function runMiddleware(middleware: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown) => (error === undefined ? resolve() : reject(error));
    Promise.resolve(middleware(req, res, done)).catch(reject);
  });
}
