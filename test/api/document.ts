import type { World } from './world.js';

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly {
    readonly in: 'path' | 'query' | 'header';
    readonly name: string;
    readonly schema: { readonly type?: string; readonly enum?: readonly string[] };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export async function documentOf(world: World): Promise<Document> {
  return (await world.ask('GET', '/v1/openapi.json', { token: null })).body as Document;
}

export interface Described {
  readonly method: string;
  /** With `{…}`. */
  readonly path: string;
  readonly operation: Operation;
}

export function operationsOf(document: Document): readonly Described[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** The keys that the JSON body of an operation may have. */
export function keysOf(document: Document, { requestBody }: Operation): readonly string[] {
  const schema = requestBody?.content['application/json']?.schema ?? {};
  const name = schema.$ref?.split('/').at(-1);
  return Object.keys((name === undefined ? schema : document.components.schemas[name])?.properties ?? {});
}

/** The type of content that an operation takes, JSON where it takes several or any. */
export function contentTypeOf({ requestBody }: Operation): string {
  const types = Object.keys(requestBody?.content ?? {});
  return types.length === 0 || types.includes('application/json') ? 'application/json' : (types[0] as string);
}

/** What an operation takes as it is, to read it itself: another tool's document, a file. */
export function takesBytes({ requestBody }: Operation): boolean {
  return Object.values(requestBody?.content ?? {}).every(({ schema }) => schema.type === 'string') && requestBody !== undefined;
}

const EXAMPLE_IDS: readonly (readonly [RegExp, string])[] = [
  [/^\/v1\/decisions/, 'dec_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/scans/, 'scan_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/violations/, 'vio_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/remediations/, 'rem_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/exceptions/, 'exc_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/holds/, 'hold_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/approvals/, 'apr_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/imports/, 'imp_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/tokens/, 'tok_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/simulated\/faults/, '999999'],
];

/** A path whose parameters are well-formed and name nothing that exists. */
export function pathToNothing(path: string): string {
  const id = EXAMPLE_IDS.find(([pattern]) => pattern.test(path))?.[1] ?? 'i-nothing';
  return path
    .replace('{id}', id)
    .replace('{name}', 'no-such-policy')
    .replace('{account}', '999')
    .replace('{family}', 'compute')
    .replace('{kind}', 'instance')
    .replace('{policy}', 'no-such-policy')
    .replace('{rule}', 'no-such-rule');
}
