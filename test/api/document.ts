import type { World } from './world.js';

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly {
    readonly in: 'path' | 'query';
    readonly name: string;
    readonly schema: { readonly type?: string; readonly enum?: readonly string[] };
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly type?: unknown }>> };
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

const EXAMPLE_IDS: readonly (readonly [RegExp, string])[] = [
  [/^\/v1\/decisions/, 'dec_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/scans/, 'scan_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/violations/, 'vio_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/remediations/, 'rem_01980000-0000-7000-8000-000000000000'],
  [/^\/v1\/exceptions/, 'exc_01980000-0000-7000-8000-000000000000'],
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
    .replace('{kind}', 'instance');
}
