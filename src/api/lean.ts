import type { IncomingMessage, RequestListener } from 'node:http';
import type { ApiLog } from './deps.js';
import type { OpenExchange } from './observe.js';
import { answerProblem } from './problem.js';
import { NOTHING, type Serve } from './serve.js';

export interface LeanRoute {
  readonly method: string;
  /** Exactly as a request writes it: without parameters, without a query. */
  readonly path: string;
  readonly serve: Serve;
}

/**
 * Answers one much asked route without Express, which costs several times the work itself, and hands everything else on. It is the
 * same route: what Express would do for it is to find it.
 */
export function leanInFrontOf(rest: RequestListener, { method, path, serve }: LeanRoute, open: OpenExchange, log: ApiLog): RequestListener {
  const isLean = (req: IncomingMessage) => req.url === path && req.method === method;
  return (req, res) => {
    if (!isLean(req)) return rest(req, res);
    const exchange = open(req, res);
    exchange.route = path;
    serve({ exchange, params: NOTHING, query: NOTHING }).catch((error: unknown) => answerProblem(exchange, error, log));
  };
}
