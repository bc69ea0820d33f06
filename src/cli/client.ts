import { randomUUID } from 'node:crypto';
import { CliError } from './context.js';

export type JsonObject = { readonly [key: string]: unknown };

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Sent as it is under this content type, in place of a JSON body. */
  readonly text?: { readonly type: string; readonly content: string | Uint8Array; readonly encoding?: 'gzip' };
  /** Sent while it is read, under this content type, in place of a JSON body. */
  readonly stream?: { readonly type: string; readonly content: AsyncIterable<Uint8Array> };
  /** Statuses that are answers rather than failures. @default every 2xx */
  readonly accept?: readonly number[];
}

export interface ApiReply {
  readonly status: number;
  readonly body: JsonObject;
}

/** Calls the API of one server. Throws `CliError` with every problem that the server names, or with what to do when there is none. */
export interface ApiClient {
  get(path: string, query?: RequestOptions['query']): Promise<JsonObject>;
  post(path: string, body?: unknown): Promise<JsonObject>;
  send(method: string, path: string, options?: RequestOptions): Promise<ApiReply>;
}

interface ClientOptions {
  readonly server: string;
  readonly token: string | undefined;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onNotice: (notice: string) => void;
}

// A mutation that no worker has answered in the server's 5 s is 202; asking again with the same key gives the outcome.
const PENDING_ATTEMPTS = 10;
const PENDING_PAUSE_MS = 1_000;

export function createApiClient(options: ClientOptions): ApiClient {
  let announced = false;
  const announce = (response: Response) => {
    const acceleration = response.headers.get('tollgate-acceleration');
    if (acceleration === null || announced) return;
    announced = true;
    options.onNotice(`demonstration clock: waiting times are divided by ${acceleration}`);
  };

  const call = async (method: string, path: string, request: RequestOptions, key: string): Promise<ApiReply> => {
    const response = await fetchOrExplain(options.server, method, urlOf(options.server, path, request.query), {
      method,
      headers: headersOf(options.token, method, request, key),
      ...bodyOf(request),
    });
    announce(response);
    const body = await readJson(response);
    const accepted = request.accept?.includes(response.status) ?? response.ok;
    if (!accepted) throw new CliError(explainProblem(response.status, body, options.token));
    return { status: response.status, body };
  };

  const send = async (method: string, path: string, request: RequestOptions = {}): Promise<ApiReply> => {
    const key = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      const reply = await call(method, path, request, key);
      if (reply.status !== 202 || reply.body['status'] !== 'pending') return reply;
      if (attempt === PENDING_ATTEMPTS) {
        throw new CliError(
          'the server accepted the request, and no worker has carried it out yet\nit will be carried out as soon as one does: look again, and see that a worker runs (`tollgate worker`)',
        );
      }
      await options.sleep(PENDING_PAUSE_MS);
    }
  };

  return {
    send,
    get: async (path, query) => (await send('GET', path, query === undefined ? {} : { query })).body,
    post: async (path, body = {}) => (await send('POST', path, { body })).body,
  };
}

function urlOf(server: string, path: string, query: RequestOptions['query'] = {}): string {
  if (!/^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : '')) {
    throw new CliError(`\`${server}\` is no address of a server: expected one such as http://127.0.0.1:8080 (--server, TOLLGATE_URL)`);
  }
  const url = new URL(path, server.endsWith('/') ? server : `${server}/`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url.href;
}

function headersOf(token: string | undefined, method: string, request: RequestOptions, key: string): Record<string, string> {
  return {
    accept: 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(method === 'GET' ? {} : { 'idempotency-key': key }),
    ...(request.stream !== undefined || request.text !== undefined
      ? { 'content-type': (request.stream ?? request.text)?.type ?? '' }
      : request.body !== undefined
        ? { 'content-type': 'application/json' }
        : {}),
    ...(request.text?.encoding === undefined ? {} : { 'content-encoding': request.text.encoding }),
  };
}

function bodyOf(request: RequestOptions): Pick<RequestInit, 'body' | 'duplex'> {
  if (request.stream !== undefined) return { body: request.stream.content, duplex: 'half' };
  if (request.text !== undefined) return { body: request.text.content };
  return request.body === undefined ? {} : { body: JSON.stringify(request.body) };
}

async function fetchOrExplain(server: string, method: string, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CliError(
      `no Tollgate server answers ${method} at ${server}: ${cause}\nstart one with \`npm start\`, or name another with --server URL or TOLLGATE_URL`,
    );
  }
}

async function readJson(response: Response): Promise<JsonObject> {
  const text = await response.text();
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : { value };
  } catch {
    throw new CliError(`the server answered ${response.status} with something that is not JSON: is this a Tollgate server?`);
  }
}

/** A problem document as lines for people: the detail first, then one line for each problem. */
export function explainProblem(status: number, problem: JsonObject, token: string | undefined): string {
  const title = textOf(problem['detail']) ?? textOf(problem['title']) ?? `the server answered ${status}`;
  const errors = Array.isArray(problem['errors']) ? (problem['errors'] as readonly JsonObject[]) : [];
  const lines = errors.map((error) => `  ${textOf(error['path']) || '(body)'}: ${textOf(error['message']) ?? ''}`);
  const hint =
    status !== 401
      ? []
      : token === undefined
        ? ['set TOLLGATE_TOKEN, or run this where `npm start` keeps its .tollgate folder (TOLLGATE_DATA_DIR)']
        : ['the token that was sent is not known there, or has expired or been revoked: see TOLLGATE_TOKEN and --token'];
  return [title, ...lines, ...hint].join('\n');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
