import express, { type Request, type Response } from 'express';
import type { Problem } from '../errors.js';
import { formatPath } from '../policy/issue.js';
import { invalidInput } from './input.js';
import { runMiddleware } from './limits.js';
import { HttpProblem } from './problem.js';

const JSON_TYPE = 'application/json';
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml'];

/** Reads the body of a request that may have one. */
export type BodyReader = (req: Request, res: Response) => Promise<unknown>;

/** JSON of at most `limit` bytes; YAML too where `yaml` is true, which becomes `{ content: <text> }`. None at all is undefined. */
export function createBodyReader(limit: number, yaml: boolean): BodyReader {
  const keepRaw = (_req: unknown, res: unknown, raw: Buffer) => {
    (res as Response).locals['rawBody'] = raw;
  };
  const parseJson = express.json({ limit, strict: false, type: () => true, verify: keepRaw });
  const parseText = express.text({ limit, type: () => true, verify: keepRaw });
  const types = yaml ? [JSON_TYPE, ...YAML_TYPES] : [JSON_TYPE];
  return async (req, res) => {
    const type = req.is(types);
    if (type === null || req.get('content-length') === '0') return undefined;
    if (type === false) throw unsupportedType(types, req.get('content-type'));
    await runMiddleware(type === JSON_TYPE ? parseJson : parseText, req, res);
    const body: unknown = type === JSON_TYPE ? req.body : { content: req.body as string };
    const raw = res.locals['rawBody'] as Buffer | undefined;
    // What the database cannot hold comes only by an escape in JSON, or raw in text.
    if (type !== JSON_TYPE || raw?.includes('\\u') === true) refuseUnstorable(body, 'request body');
    return body;
  };
}

function unsupportedType(types: readonly string[], given: string | undefined): HttpProblem {
  const detail = `expected ${types.join(' or ')}, got ${given === undefined ? 'no content type' : `\`${given.slice(0, 100)}\``}`;
  return new HttpProblem(415, 'unsupported-media-type', 'This content type is not taken here', detail, { accept: types.join(', ') });
}

/** @throws invalid-input for texts with a NUL or half of a surrogate pair, which PostgreSQL refuses */
export function refuseUnstorable(value: unknown, where: string): void {
  const problems = unstorableIn(value, []);
  if (problems.length > 0) throw invalidInput(problems, where);
}

const UNSTORABLE = /\0|\p{Surrogate}/u;

function unstorableIn(value: unknown, path: readonly (string | number)[]): readonly Problem[] {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? [unstorable(path)] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => unstorableIn(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => (UNSTORABLE.test(key) ? [unstorable(path)] : unstorableIn(item, [...path, key])));
}

function unstorable(path: readonly (string | number)[]): Problem {
  return { path: formatPath(path), message: 'expected text without NUL and without halves of surrogate pairs' };
}
