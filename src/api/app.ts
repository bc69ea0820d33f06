import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import type { AppContext, AppDeps } from './deps.js';
import { serveDocs } from './docs.js';
import type { Exchange } from './exchange.js';
import { leanInFrontOf } from './lean.js';
import { DEFAULT_LIMITS } from './limits.js';
import { createMetrics } from './metrics.js';
import { createObserver, type OpenExchange } from './observe.js';
import { openApiDocument } from './openapi.js';
import { answerProblem, HttpProblem } from './problem.js';
import type { Route } from './route.js';
import { routesFor } from './routes/all.js';
import { evaluate } from './routes/evaluate.js';
import { openApiRoute } from './routes/health.js';
import { createServer, type Serve } from './serve.js';

/** The HTTP API. Reads no environment and opens nothing: `deps` brings all it needs. */
export function createApp(deps: AppDeps): RequestListener {
  return createMounts(deps).all;
}

export interface Mounts {
  /** The evaluation by itself, the rest through Express. */
  readonly all: RequestListener;
  /** Everything through Express. */
  readonly express: Express;
}

/** The same routes in two ways. */
export function createMounts(deps: AppDeps): Mounts {
  const metrics = createMetrics({ degraded: () => deps.snapshot.degraded, waitingDecisions: () => deps.decisionLog.waiting });
  const context: AppContext = { ...deps, metrics };
  const documented = routesFor(deps);
  const routes = [...documented, openApiRoute(() => openApiDocument([...documented, openApiRoute(() => ({}))], deps.version))];
  const serve = createServer(context, { ...DEFAULT_LIMITS, ...deps.limits });
  const serveEvaluate = serve(evaluate);
  const open = createObserver(context);
  const app = createExpress(context, routes, (route) => (route === evaluate ? serveEvaluate : serve(route)), open);
  const lean = { method: 'POST', path: pathOf(evaluate), serve: serveEvaluate };
  return { express: app, all: leanInFrontOf(app, lean, open, deps.log) };
}

function createExpress(context: AppContext, routes: readonly Route[], serve: (route: Route) => Serve, open: OpenExchange): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use((req, res, next) => {
    const exchange = open(req, res);
    exchange.showHeaders();
    res.locals['exchange'] = exchange;
    next();
  });
  app.use('/docs', serveDocs());
  app.get('/', (_req, res) => res.redirect('/docs/'));
  mount(app, withoutParametersFirst(routes), serve);
  app.use(answerUnserved);
  const problems: ErrorRequestHandler = (error: unknown, _req, res, _next) => answerProblem(exchangeOf(res), error, context.log);
  app.use(problems);
  return app;
}

function exchangeOf(res: Response): Exchange {
  return res.locals['exchange'] as Exchange;
}

/** Every route by its path. What a path does not serve goes on, since it may match another one (`validate` is a possible policy name). */
function mount(app: Express, routes: readonly Route[], serve: (route: Route) => Serve): void {
  for (const path of new Set(routes.map(pathOf))) {
    const ofPath = routes.filter((route) => pathOf(route) === path);
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    mounted.all((_req, res, next) => {
      exchangeOf(res).route = path;
      next();
    });
    for (const route of ofPath) mounted[methodOf(route)](handlerOf(serve(route)));
    const methods = ofPath.map((route) => methodOf(route).toUpperCase());
    mounted.all((_req, res, next) => {
      const exchange = exchangeOf(res);
      exchange.allowed = [...(exchange.allowed ?? []), ...methods];
      next();
    });
  }
}

/** Express passes on what it rejects with. */
function handlerOf(serve: Serve): RequestHandler {
  return ({ params, query }, res) => serve({ exchange: exchangeOf(res), params, query });
}

/** 405 for a path that serves other methods, 404 for the rest. */
const answerUnserved: RequestHandler = (req, res) => {
  const { allowed } = exchangeOf(res);
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
