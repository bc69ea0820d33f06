import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppContext } from './deps.js';
import { Exchange } from './exchange.js';

export type OpenExchange = (req: IncomingMessage, res: ServerResponse) => Exchange;

/** Gives each request its id, says when the demonstration clock runs, and logs and measures each answer. */
export function createObserver({ snapshot, metrics, log, requestLog = log }: AppContext): OpenExchange {
  return (req, res) => {
    const exchange = new Exchange(req, res, SECURITY_HEADERS);
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

/**
 * Name, value, name, value …: those that concern an answer that is no page, after OWASP's REST Security Cheat Sheet. Pages have helmet's
 * besides, which would be half of each short answer.
 */
const SECURITY_HEADERS: readonly string[] = [
  'cache-control',
  'no-store',
  'content-security-policy',
  "default-src 'none'; frame-ancestors 'none'",
  'strict-transport-security',
  'max-age=31536000; includeSubDomains',
  'x-content-type-options',
  'nosniff',
];
