import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { newId } from '../ids.js';
import type { AppContext, AppDeps } from './deps.js';
import { serveDocs } from './docs.js';
import { DEFAULT_LIMITS } from './limits.js';
import { createMetrics } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { HttpProblem, problemHandler } from './problem.js';
import type { Route } from './route.js';
import { routesFor } from './routes/all.js';
import { openApiRoute } from './routes/health.js';
import { createServer } from './serve.js';

/** The HTTP API. Reads no environment and opens nothing: `deps` brings all it needs. */
export function createApp(deps: AppDeps): Express {
  const metrics = createMetrics({ degraded: () => deps.snapshot.degraded, waitingDecisions: () => deps.decisionLog.waiting });
  const context: AppContext = { ...deps, metrics };
  const documented = routesFor(deps);
  const routes = [...documented, openApiRoute(() => openApiDocument([...documented, openApiRoute(() => ({}))], deps.version))];

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use(observe(context));
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
  app.use('/docs', serveDocs());
  app.get('/', (_req, res) => res.redirect('/docs/'));
  mount(app, withoutParametersFirst(routes), createServer(context, { ...DEFAULT_LIMITS, ...deps.limits }));
  app.use(answerUnserved);
  app.use(problemHandler(deps.log));
  return app;
}

/** Every route by its path. What a path does not serve goes on, since it may match another one (`validate` is a possible policy name). */
function mount(app: Express, routes: readonly Route[], serve: (route: Route) => RequestHandler): void {
  for (const path of new Set(routes.map(pathOf))) {
    const ofPath = routes.filter((route) => pathOf(route) === path);
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of ofPath) mounted[methodOf(route)](serve(route));
    const methods = ofPath.map((route) => methodOf(route).toUpperCase());
    mounted.all((_req, res, next) => {
      res.locals['allowed'] = [...((res.locals['allowed'] as string[] | undefined) ?? []), ...methods];
      next();
    });
  }
}

/** 405 for a path that serves other methods, 404 for the rest. */
const answerUnserved: RequestHandler = (req, res) => {
  const allowed = res.locals['allowed'] as string[] | undefined;
  if (allowed === undefined) throw new HttpProblem(404, 'not-found', 'There is no such thing', `no route \`${req.path}\``);
  const allow = [...new Set(allowed)].join(', ');
  throw new HttpProblem(405, 'method-not-allowed', 'This path has no such method', `expected ${allow}, got ${req.method}`, { allow });
};

/** So that `/v1/policies/validate` is not taken for the policy `validate`. */
function withoutParametersFirst(routes: readonly Route[]): readonly Route[] {
  const count = (route: Route) => pathOf(route).split('{').length;
  return [...routes].sort((a, b) => count(a) - count(b));
}

function pathOf(route: Route): string {
  return route.name.slice(route.name.indexOf(' ') + 1);
}

function methodOf(route: Route): 'get' | 'post' | 'delete' {
  return route.name.split(' ')[0]?.toLowerCase() as 'get' | 'post' | 'delete';
}

/** Gives each request its id, says when the demonstration clock runs, and logs and measures each answer. */
function observe({ snapshot, metrics, log }: AppContext): RequestHandler {
  return (req, res, next) => {
    const began = performance.now();
    const requestId = newId('req');
    res.locals['requestId'] = requestId;
    res.set('x-request-id', requestId);
    const acceleration = snapshot.loaded ? snapshot.get().installation.acceleration : 1;
    if (acceleration !== 1) res.set('tollgate-acceleration', String(acceleration));
    res.on('finish', () => {
      const seconds = (performance.now() - began) / 1_000;
      const route = (req.route as { path?: string } | undefined)?.path ?? 'none';
      metrics.requests.observe({ method: req.method, route, status: String(res.statusCode) }, seconds);
      const { principal, workflowId } = res.locals as { principal?: string; workflowId?: string };
      log.info(
        {
          requestId,
          method: req.method,
          path: req.path,
          status: res.statusCode,
          ms: Math.round(seconds * 10_000) / 10,
          principal,
          workflowId,
        },
        'request',
      );
    });
    next();
  };
}
