import { TollgateError } from '../errors.js';
import { createAuthenticator } from './authenticate.js';
import { type Body, type BodyReader, createBodyReader, createRawReader, createStreamReader } from './body.js';
import type { ApiLimits, AppContext } from './deps.js';
import type { Exchange } from './exchange.js';
import { onceOf, runOnce, toScope } from './idempotency.js';
import { limitAddress, limitPrincipal } from './limits.js';
import { unlessAway } from './patience.js';
import { mayCall, PERMISSIONS } from './permissions.js';
import type { Call, Principal, Reply, Route } from './route.js';
import { refuseUnstorable } from './storable.js';

/** What a listener has found in the path and the query, and the exchange. */
export interface Asked {
  readonly exchange: Exchange;
  readonly params: unknown;
  readonly query: unknown;
}

/** No parameters, or no query: there is nothing in it to check. */
export const NOTHING: unknown = Object.freeze({});

/** Answers a request; what it throws is for the listener to answer as a problem. */
export type Serve = (asked: Asked) => Promise<void>;

/** Makes what serves a route: token, rate, role, body, `Idempotency-Key`, and then the route's own handler, in this order. */
export function createServer(context: AppContext, limits: ApiLimits): (route: Route) => Serve {
  const authenticate = createAuthenticator(context.snapshot);
  const limitRefusals = limitAddress(limits.refusalsPerMinute);
  const limitRequests = limitPrincipal(limits.requestsPerMinute);
  const limitEvaluations = limitPrincipal(limits.evaluationsPerMinute);

  return (route) => {
    const limitCaller = route.name === 'POST /v1/evaluate' ? limitEvaluations : limitRequests;
    const readBody = readerOf(route, limits);
    const isPublic = PERMISSIONS[route.name] === 'public';
    const isRead = route.name.startsWith('GET ') && !isPublic && !route.fromMemory;

    async function identify(exchange: Exchange, at: number): Promise<Principal> {
      const allowed = PERMISSIONS[route.name];
      if (allowed === 'public') return NOBODY;
      const principal = await authenticate(exchange.req.headers.authorization, at, () => limitRefusals(exchange, at));
      exchange.principal = principal.id;
      limitCaller(exchange, at);
      if (mayCall(allowed, principal.roles)) return principal;
      const needed = [...new Set([...allowed, 'admin'])].join(' or ');
      throw new TollgateError('forbidden', `\`${principal.id}\` may not do this: it needs role ${needed}`);
    }

    /** What a public route refuses by a proof of its own, such as a signature, counts like a refused token. */
    function countRefusal(error: unknown, exchange: Exchange, at: number): never {
      if (error instanceof TollgateError && error.code === 'unauthenticated') limitRefusals(exchange, at);
      throw error;
    }

    return async ({ exchange, params, query }) => {
      const at = context.now();
      const principal = await identify(exchange, at);
      const body = await readBody(exchange.req);
      if (params !== NOTHING || query !== NOTHING) refuseUnstorable([params, query], 'path or query');
      const { headers } = exchange.req;
      const parts = { params, query, body: body?.value, text: body?.text ?? '', headers, principal, at };
      const given = answer(context, route, exchange, parts, body);
      const reply = isPublic ? given.catch((error: unknown) => countRefusal(error, exchange, at)) : given;
      send(exchange, await (isRead ? unlessAway(context.snapshot, reply) : reply));
    };
  };
}

const NOBODY: Principal = { id: 'anonymous', roles: [] };

function readerOf(route: Route, { bodyBytes: bytes, bodyMs: ms }: ApiLimits): BodyReader {
  if (route.name.startsWith('GET ')) return () => Promise.resolve(undefined);
  if (route.stream !== undefined) return createStreamReader(route.stream);
  return route.raw === undefined ? createBodyReader({ bytes, ms }, route.yaml) : createRawReader(route.raw, ms);
}

type Parts = Pick<Call, 'params' | 'query' | 'body' | 'text' | 'headers' | 'principal' | 'at'>;

async function answer(context: AppContext, route: Route, exchange: Exchange, parts: Parts, body: Body | undefined): Promise<Reply> {
  const { requestId, req } = exchange;
  const header = route.idempotencyKey ? parts.headers['idempotency-key'] : undefined;
  const path = (req as { originalUrl?: string }).originalUrl ?? req.url ?? '';
  const scope = toScope(header?.toString(), { principal: parts.principal.id, method: req.method ?? '', path });
  const run = () => route.run(context, { ...parts, requestId, ...onceOf(scope, requestId) });
  if (scope === undefined) return run();
  return runOnce({ pool: context.pool, scope, rawBody: body?.bytes ?? Buffer.alloc(0), requestId, at: parts.at }, run);
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

function send(exchange: Exchange, { status, headers = {}, body, json, workflowId }: Reply): void {
  exchange.workflowId = workflowId;
  const text = json ?? (typeof body === 'object' ? JSON.stringify(body) : undefined);
  if (text === undefined) exchange.send(status, headers, body as string | undefined);
  else exchange.send(status, headers['content-type'] === undefined ? { ...headers, ...JSON_TYPE } : headers, text);
}
