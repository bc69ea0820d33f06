import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { refuseDuplicateKeys } from '../intake/duplicate-keys.js';
import type { Role } from '../policy/house-records.js';
import type { RawBody, StreamedBody } from './body.js';
import { wireObject } from './contract/values.js';
import type { AppContext } from './deps.js';
import { expecting, parseParts } from './input.js';
import type { RouteName } from './permissions.js';

/** Who calls: the owner of the token. */
export interface Principal {
  readonly id: string;
  readonly roles: readonly Role[];
}

/** A request as a handler sees it: parsed, authenticated, with its instant. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body as it came, where it is text; empty without one. */
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
  readonly principal: Principal;
  readonly requestId: string;
  readonly at: number;
  /**
   * Key under which Temporal does an update once: made of `Idempotency-Key`, principal, method and path where the header is given,
   * else the request id.
   */
  readonly onceKey: string;
  /** An id for what this call makes; the same for each repeat of one `Idempotency-Key`. */
  readonly newId: (prefix: 'scan' | 'exc') => string;
}

export interface Reply {
  readonly status: number;
  /** Absent: no body. A string is sent as it is, with the `content-type` of `headers`. */
  readonly body?: unknown;
  /** JSON text, in place of `body`. */
  readonly json?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The outcome is not known yet: not kept under the `Idempotency-Key`, so that a repeat asks again. */
  readonly pending?: boolean;
  /** Body for repeats under the same `Idempotency-Key`, where the first one shows a secret. */
  readonly bodyForRepeats?: unknown;
  /** Named in the log line of the request. */
  readonly workflowId?: string;
}

export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
}

interface Definition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly summary: string;
  readonly tag: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** What `body` makes of parsed JSON, for requests that are asked so often that the schema costs too much; undefined leaves it to the schema. */
  readonly fastBody?: (body: unknown) => z.output<B> | undefined;
  /** Says of a body that is something else altogether what it is, before `body` names each key. */
  readonly refuse?: (body: unknown) => void;
  /** YAML is taken too and arrives as text. */
  readonly yaml?: boolean;
  /** False for a POST that changes nothing or has its own key (`evaluate`). @default true for POST and DELETE */
  readonly idempotencyKey?: boolean;
  /** For a GET that the gate answers: while the database is away it is answered from memory, and not refused. @default false */
  readonly fromMemory?: boolean;
  /** Every status it answers of its own accord; 400, 401, 403, 429, 500 and 503 are every route's. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly handle: (context: AppContext, call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply>;
}

/** A route that reads its body itself: it takes bytes of these types, already inflated. */
interface RawDefinition<P extends z.ZodType, Q extends z.ZodType> extends Omit<Definition<P, Q, z.ZodType<Buffer>>, 'body' | 'yaml'> {
  readonly raw: RawBody;
}

/** A route that reads its body while it comes. An answer before its end is for the handler to see to: it resumes what it does not read. */
interface StreamDefinition<P extends z.ZodType, Q extends z.ZodType> extends Omit<Definition<P, Q, z.ZodType<Readable>>, 'body' | 'yaml'> {
  readonly stream: StreamedBody;
  /** A key would stand for a body that nobody keeps. */
  readonly idempotencyKey: false;
}

/** What a call is before its parts are parsed. */
export type RawCall = Call;

export interface Route {
  readonly name: RouteName;
  readonly summary: string;
  readonly tag: string;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly yaml: boolean;
  /** Instead of `body`. */
  readonly raw: RawBody | undefined;
  /** Instead of `body` or `raw`. */
  readonly stream: StreamedBody | undefined;
  readonly idempotencyKey: boolean;
  readonly fromMemory: boolean;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Parses the parts, path first, and handles the call. */
  readonly run: (context: AppContext, raw: RawCall) => Promise<Reply>;
}

/** One route: schemas, contract, handler. What it takes is parsed by the same schemas that document it. */
export function defineRoute<P extends z.ZodType = NoParams, Q extends z.ZodType = NoKeys>(
  name: RouteName,
  definition: RawDefinition<P, Q>,
): Route;
export function defineRoute<P extends z.ZodType = NoParams, Q extends z.ZodType = NoKeys>(
  name: RouteName,
  definition: StreamDefinition<P, Q>,
): Route;
export function defineRoute<P extends z.ZodType = NoParams, Q extends z.ZodType = NoKeys, B extends z.ZodType = NoBody>(
  name: RouteName,
  definition: Definition<P, Q, B>,
): Route;
export function defineRoute(name: RouteName, given: unknown): Route {
  const definition = given as Definition<z.ZodType, z.ZodType, z.ZodType> & {
    readonly raw?: RawBody;
    readonly stream?: StreamedBody;
  };
  const { params = z.unknown(), query = wireObject({}), raw, stream, fastBody, refuse, handle } = definition;
  const body = definition.body ?? implied(raw, stream);
  const yaml = definition.yaml ?? false;
  return {
    name,
    summary: definition.summary,
    tag: definition.tag,
    params: definition.params,
    query: definition.query,
    body: definition.body,
    yaml,
    raw,
    stream,
    idempotencyKey: definition.idempotencyKey ?? !name.startsWith('GET '),
    fromMemory: definition.fromMemory ?? false,
    answers: definition.answers,
    run: (context, call) => {
      if (call.text !== '' && !(yaml && isYaml(call))) refuseDuplicateKeys(call.text, call.body, 'the request body');
      const fast = isEmpty(call.query) ? fastBody?.(call.body) : undefined;
      if (fast !== undefined) return handle(context, { ...call, body: fast });
      refuse?.(call.body);
      const parts = parseParts({ path: [params, call.params], query: [query, call.query], 'request body': [body, call.body] });
      return handle(context, { ...call, params: parts.path, query: parts.query, body: parts['request body'] });
    },
  };
}

/** YAML arrives as text too, and its parser finds what it gives twice. */
function isYaml({ headers }: RawCall): boolean {
  return /yaml/i.test(headers['content-type'] ?? '');
}

function isEmpty(query: unknown): boolean {
  return typeof query === 'object' && query !== null && Object.keys(query).length === 0;
}

function implied(raw: RawBody | undefined, stream: StreamedBody | undefined): z.ZodType {
  if (stream !== undefined) return z.instanceof(Readable);
  return raw === undefined ? wireObject({}).optional() : bytesOf(raw);
}

const someBytes = expecting('a body', z.instanceof(Buffer));

function bytesOf({ mayBeEmpty = false }: RawBody): z.ZodType {
  return mayBeEmpty ? someBytes.default(Buffer.alloc(0)) : someBytes;
}

type NoParams = z.ZodUnknown;
type NoKeys = z.ZodObject<Record<never, never>>;
type NoBody = z.ZodOptional<NoKeys>;
