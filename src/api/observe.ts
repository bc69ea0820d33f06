import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { AppContext } from './deps.js';
import { Exchange } from './exchange.js';

export type OpenExchange = (req: IncomingMessage, res: ServerResponse) => Exchange;

/** Gives each request its id, says when the demonstration clock runs, and logs and measures each answer. */
export function createObserver({ snapshot, metrics, log, requestLog = log }: AppContext): OpenExchange {
  const security = securityHeaders();
  return (req, res) => {
    const exchange = new Exchange(req, res, security);
    const acceleration = snapshot.loaded ? snapshot.get().installation.acceleration : 1;
    if (acceleration !== 1) exchange.addHeader('tollgate-acceleration', String(acceleration));
    res.on('finish', () => {
      const { requestId, principal, workflowId, route, path } = exchange;
      const ms = performance.now() - exchange.began;
      const status = res.statusCode;
      metrics.observeRequest(req.method ?? '', route, status, ms / 1_000);
      requestLog.info({ requestId, method: req.method, path, status, ms: Math.round(ms * 10) / 10, principal, workflowId }, 'request');
    });
    return exchange;
  };
}

/** Those that helmet sets: name, value, name, value … They are the same for every answer. */
function securityHeaders(): readonly string[] {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } })(req, res, () => {});
  return Object.entries(res.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
}
