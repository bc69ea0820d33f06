import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { problemSchema } from './contract/problem.js';
import { PERMISSIONS } from './permissions.js';
import type { Answer, Route } from './route.js';

/** Statuses that any route may answer with a problem, beside its own. */
const COMMON: Readonly<Record<number, string>> = {
  400: 'The request is not valid; every problem is in `errors`',
  429: 'Too many requests',
  500: 'Something went wrong; the request id leads to the log',
  503: 'A part that this needs is away; `detail` names it',
};
const WITH_TOKEN: Readonly<Record<number, string>> = { 401: 'No token, or one that is not valid', 403: 'The principal may not do this' };
const WITH_BODY: Readonly<Record<number, string>> = {
  408: 'The body did not come in time',
  413: 'The body is too large',
  415: 'The content type is not one that this route takes',
};

/** OpenAPI 3.1, made from the schemas that validate and the permission table. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  for (const route of routes) registry.registerPath(describeRoute(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description: 'Enforces cost policies on cloud infrastructure.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  });
}

function describeRoute(route: Route): RouteConfig {
  const [method, path] = route.name.split(' ') as [string, string];
  const permission = PERMISSIONS[route.name];
  return {
    method: method.toLowerCase() as 'get' | 'post' | 'delete',
    path,
    operationId: operationId(route.name),
    summary: route.summary,
    tags: [route.tag],
    ...(permission === 'public'
      ? { security: [] }
      : { security: [{ token: [] }], description: `Roles: ${[...permission, 'admin'].filter(unique).join(', ')}` }),
    request: describeRequest(route),
    responses: describeAnswers(route),
  };
}

const unique = <T>(item: T, index: number, all: readonly T[]): boolean => all.indexOf(item) === index;

/** `POST /v1/policies/{name}/versions` → `postPoliciesNameVersions` */
function operationId(name: string): string {
  const [first = '', ...rest] = name
    .replace('/v1', '')
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== '');
  return first.toLowerCase() + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'The same key and body give the same answer for 24 hours; another body is 409' }),
});

function describeRequest(route: Route): NonNullable<RouteConfig['request']> {
  const { params, query, body } = route;
  const bytes = route.raw ?? route.stream;
  return {
    ...(params === undefined ? {} : { params: params as z.ZodObject }),
    ...(query === undefined ? {} : { query: query as z.ZodObject }),
    ...(route.idempotencyKey ? { headers: idempotencyHeader } : {}),
    ...(bytes === undefined ? {} : { body: { required: true, content: rawContent(bytes.types) } }),
    ...(body === undefined ? {} : { body: { required: !body.safeParse(undefined).success, content: bodyContent(route, body) } }),
  };
}

function bodyContent(route: Route, body: z.ZodType): Record<string, { schema: z.ZodType | { type: 'string' } }> {
  return { 'application/json': { schema: body }, ...(route.yaml ? { 'application/yaml': { schema: { type: 'string' as const } } } : {}) };
}

function rawContent(types: readonly string[]): Record<string, { schema: { type: 'string' } }> {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' as const } }]));
}

function describeAnswers(route: Route): RouteConfig['responses'] {
  const problems = {
    ...COMMON,
    ...(PERMISSIONS[route.name] === 'public' ? {} : WITH_TOKEN),
    ...(route.body === undefined && route.raw === undefined && route.stream === undefined ? {} : WITH_BODY),
  };
  return {
    ...Object.fromEntries(Object.entries(problems).map(([status, description]) => [status, problemAnswer(description)])),
    ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, describeAnswer(Number(status), answer)])),
  };
}

function problemAnswer(description: string): RouteConfig['responses'][string] {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

function describeAnswer(status: number, answer: Answer): RouteConfig['responses'][string] {
  if (status >= 400 && answer.schema === undefined) return problemAnswer(answer.description);
  if (answer.schema === undefined) return { description: answer.description };
  return { description: answer.description, content: { [answer.contentType ?? 'application/json']: { schema: answer.schema } } };
}
