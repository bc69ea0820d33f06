import { z } from 'zod';
import type { Role } from '../policy/records.js';
import { wireObject } from './contract/values.js';
import type { AppContext } from './deps.js';
import { parseParts } from './input.js';
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
  /** YAML is taken too and arrives as text. */
  readonly yaml?: boolean;
  /** False for a POST that changes nothing or has its own key (`evaluate`). @default true for POST and DELETE */
  readonly idempotencyKey?: boolean;
  /** Every status it answers of its own accord; 400, 401, 403, 429, 500 and 503 are every route's. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly handle: (context: AppContext, call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply>;
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
  readonly idempotencyKey: boolean;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Parses the parts, path first, and handles the call. */
  readonly run: (context: AppContext, raw: RawCall) => Promise<Reply>;
}

/** One route: schemas, contract, handler. What it takes is parsed by the same schemas that document it. */
export function defineRoute<P extends z.ZodType = NoParams, Q extends z.ZodType = NoKeys, B extends z.ZodType = NoBody>(
  name: RouteName,
  definition: Definition<P, Q, B>,
): Route {
  const { params = z.unknown(), query = wireObject({}), body = wireObject({}).optional(), handle } = definition;
  return {
    name,
    summary: definition.summary,
    tag: definition.tag,
    params: definition.params,
    query: definition.query,
    body: definition.body,
    yaml: definition.yaml ?? false,
    idempotencyKey: definition.idempotencyKey ?? !name.startsWith('GET '),
    answers: definition.answers,
    run: (context, raw) => {
      const parts = parseParts({ path: [params, raw.params], query: [query, raw.query], 'request body': [body, raw.body] });
      return handle(context, {
        ...raw,
        params: parts.path as z.output<P>,
        query: parts.query as z.output<Q>,
        body: parts['request body'] as z.output<B>,
      });
    },
  };
}

type NoParams = z.ZodUnknown;
type NoKeys = z.ZodObject<Record<never, never>>;
type NoBody = z.ZodOptional<NoKeys>;
