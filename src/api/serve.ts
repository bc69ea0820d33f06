import type { Request, RequestHandler, Response } from 'express';
import { TollgateError } from '../errors.js';
import { authenticate } from './authenticate.js';
import { createBodyReader, refuseUnstorable } from './body.js';
import type { ApiLimits, AppContext } from './deps.js';
import { onceOf, runOnce, toScope } from './idempotency.js';
import { type Limiter, limitAddress, limitPrincipal } from './limits.js';
import { mayCall, PERMISSIONS } from './permissions.js';
import type { Call, Principal, Reply, Route } from './route.js';

/** Makes the Express handler of a route: token, role, rate, body, `Idempotency-Key`, and then the route's own handler, in this order. */
export function createServer(context: AppContext, limits: ApiLimits): (route: Route) => RequestHandler {
  const limitRefusals = limitAddress(limits.refusalsPerMinute);
  const limitRequests = limitPrincipal(limits.requestsPerMinute);
  const limitEvaluations = limitPrincipal(limits.evaluationsPerMinute);
  const readJson = createBodyReader(limits.bodyBytes, false);
  const readJsonOrYaml = createBodyReader(limits.bodyBytes, true);

  return (route) => {
    const limitCaller = route.name === 'POST /v1/evaluate' ? limitEvaluations : limitRequests;
    const readBody = route.yaml ? readJsonOrYaml : readJson;
    return async (req, res) => {
      const at = context.now();
      const principal = await identify(context, route, req, res, { at, limitRefusals, limitCaller });
      const body = req.method === 'GET' || req.method === 'HEAD' ? undefined : await readBody(req, res);
      refuseUnstorable([req.params, req.query], 'path or query');
      send(res, await answer(context, route, req, res, { params: req.params, query: req.query, body, principal, at }));
    };
  };
}

const NOBODY: Principal = { id: 'anonymous', roles: [] };

interface Admission {
  readonly at: number;
  readonly limitRefusals: Limiter;
  readonly limitCaller: Limiter;
}

async function identify(context: AppContext, route: Route, req: Request, res: Response, admission: Admission): Promise<Principal> {
  const allowed = PERMISSIONS[route.name];
  if (allowed === 'public') return NOBODY;
  const principal = await authenticate(req, context.snapshot, admission.at, () => admission.limitRefusals(req, res));
  res.locals['principal'] = principal.id;
  await admission.limitCaller(req, res);
  if (!mayCall(allowed, principal.roles)) {
    const needed = [...allowed, 'admin'].filter((role, index, all) => all.indexOf(role) === index);
    throw new TollgateError('forbidden', `\`${principal.id}\` may not do this: it needs role ${needed.join(' or ')}`);
  }
  return principal;
}

type Parts = Pick<Call, 'params' | 'query' | 'body' | 'principal' | 'at'>;

async function answer(context: AppContext, route: Route, req: Request, res: Response, parts: Parts): Promise<Reply> {
  const requestId = String(res.locals['requestId']);
  const header = route.idempotencyKey ? req.get('idempotency-key') : undefined;
  const scope = toScope(header, { principal: parts.principal.id, method: req.method, path: req.originalUrl });
  const run = () => route.run(context, { ...parts, requestId, ...onceOf(scope, requestId) });
  if (scope === undefined) return run();
  const rawBody = (res.locals['rawBody'] as Buffer | undefined) ?? Buffer.alloc(0);
  return runOnce({ pool: context.pool, scope, rawBody, requestId, at: parts.at }, run);
}

function send(res: Response, reply: Reply): void {
  if (reply.workflowId !== undefined) res.locals['workflowId'] = reply.workflowId;
  res.status(reply.status);
  if (reply.headers !== undefined) res.set(reply.headers);
  if (reply.body === undefined) res.end();
  else if (typeof reply.body === 'string') res.send(reply.body);
  else {
    if (!res.hasHeader('content-type')) res.type('application/json');
    res.send(JSON.stringify(reply.body));
  }
}
