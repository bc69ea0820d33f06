import type { IncomingMessage } from 'node:http';
import { TollgateError } from '../errors.js';
import { type BodyLimit, charsetOf, decodeText, hasBody, mediaTypeOf, receive, refuseUnknownCharset, unsupported } from './receive.js';
import { refuseDeep, refuseUnstorable } from './storable.js';

const JSON_TYPE = 'application/json';
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml'];

/** The body of a request, before a schema has seen it. */
export interface Body {
  readonly value: unknown;
  readonly bytes: Buffer;
  /** As it came; empty where the route takes bytes. */
  readonly text: string;
}

/** Reads the body of a request that may have one; one without is undefined. */
export type BodyReader = (req: IncomingMessage) => Promise<Body | undefined>;

/** What a route takes as it is: bytes of these types, so many at most, once they are inflated too. */
export interface RawBody {
  readonly types: readonly string[];
  readonly limitBytes: number;
  /** A request without a body is taken too, as no bytes. */
  readonly mayBeEmpty?: boolean;
}

/** What a route reads itself, while it comes: bytes of these types, as they were sent. */
export interface StreamedBody {
  readonly types: readonly string[];
}

/** JSON within `limit`; YAML too where `yaml` is true, which becomes `{ content: <text> }`. */
export function createBodyReader(limit: BodyLimit, yaml: boolean): BodyReader {
  const types = yaml ? [JSON_TYPE, ...YAML_TYPES] : [JSON_TYPE];
  return async (req) => {
    if (!hasBody(req)) return undefined;
    const isJson = takenType(req, types) === JSON_TYPE;
    const bytes = await receive(req, limit);
    if (bytes.length === 0) return undefined;
    const text = decodeText(req, bytes);
    const value = isJson ? parseJson(text) : { content: text };
    refuseDeep(value);
    if (!isJson || mayHoldUnstorable(req, bytes)) refuseUnstorable(value, 'request body');
    return { value, bytes, text };
  };
}

/** Bytes as they came, inflated. */
export function createRawReader({ types, limitBytes }: RawBody, ms: number): BodyReader {
  return async (req) => {
    if (!hasBody(req)) return undefined;
    takenType(req, types);
    refuseUnknownCharset(req);
    const bytes = await receive(req, { bytes: limitBytes, ms });
    return { value: bytes, bytes, text: '' };
  };
}

/** The request itself, whose body nobody has read. */
export function createStreamReader({ types }: StreamedBody): BodyReader {
  return (req) => {
    takenType(req, types);
    refuseUnknownCharset(req);
    const encoding = req.headers['content-encoding'] ?? 'identity';
    // gzip is known by its first bytes, wherever it was said
    if (encoding !== 'identity' && encoding !== 'gzip')
      throw unsupported(`expected content encoding gzip, got \`${encoding.slice(0, 100)}\``);
    return Promise.resolve({ value: req, bytes: Buffer.alloc(0), text: '' });
  };
}

function takenType(req: IncomingMessage, types: readonly string[]): string {
  const type = mediaTypeOf(req);
  if (type !== undefined && types.includes(type)) return type;
  const given = req.headers['content-type'];
  const got = given === undefined ? 'no content type' : `\`${given.slice(0, 100)}\``;
  throw unsupported(`expected ${types.join(' or ')}, got ${got}`, types.join(', '));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TollgateError('invalid-input', `the request body is not JSON: ${(error as Error).message}`);
  }
}

/** In JSON as UTF-8, what the database cannot hold comes only by an escape; in other encodings as it is, too. */
function mayHoldUnstorable(req: IncomingMessage, bytes: Buffer): boolean {
  return charsetOf(req.headers['content-type']) !== 'utf-8' || bytes.includes('\\u');
}
