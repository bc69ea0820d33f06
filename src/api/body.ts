import express, { type Request, type Response } from 'express';
import type { Problem } from '../errors.js';
import { formatPath } from '../policy/issue.js';
import { invalidInput, MOST_TOLD } from './input.js';
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
    refuseDeep(body);
    if (type !== JSON_TYPE || mayHoldUnstorable(req, res)) refuseUnstorable(body, 'request body');
    return body;
  };
}

function unsupportedType(types: readonly string[], given: string | undefined): HttpProblem {
  const detail = `expected ${types.join(' or ')}, got ${given === undefined ? 'no content type' : `\`${given.slice(0, 100)}\``}`;
  return new HttpProblem(415, 'unsupported-media-type', 'This content type is not taken here', detail, { accept: types.join(', ') });
}

/** Far deeper than anything that is meant; what walks a value by calling itself is safe with it. */
const DEEPEST = 100;

/** @throws invalid-input for JSON that is nested so deeply that what reads it later would run out of stack */
function refuseDeep(body: unknown): void {
  if (isDeeper(body, DEEPEST))
    throw invalidInput([{ path: '', message: `nested too deeply: expected at most ${DEEPEST} levels` }], 'request body');
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

/** In JSON as UTF-8, what the database cannot hold comes only by an escape; in other encodings as it is, too. */
function mayHoldUnstorable(req: Request, res: Response): boolean {
  const raw = res.locals['rawBody'] as Buffer | undefined;
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(req.get('content-type') ?? '')?.[1] ?? 'utf-8';
  return charset.toLowerCase() !== 'utf-8' || raw?.includes('\\u') === true;
}

const UNSTORABLE = /\0|\p{Surrogate}/u;
const UNSTORABLE_MESSAGE = 'expected text without NUL and without halves of surrogate pairs';
/** Of a key in a path: a key may be as long as the body. */
const LONGEST_STEP = 200;

/** @throws invalid-input for texts with a NUL or half of a surrogate pair, which PostgreSQL refuses */
export function refuseUnstorable(value: unknown, where: string): void {
  const problems: Problem[] = [];
  let found = 0;
  const path: (string | number)[] = [];
  const tell = () => {
    found += 1;
    if (problems.length < MOST_TOLD) problems.push({ path: formatPath(path), message: UNSTORABLE_MESSAGE });
  };
  const walk = (at: unknown): void => {
    if (typeof at === 'string' && UNSTORABLE.test(at)) tell();
    if (typeof at !== 'object' || at === null) return;
    for (const [key, item] of Object.entries(at)) {
      if (UNSTORABLE.test(key)) tell();
      path.push(Array.isArray(at) ? Number(key) : key.slice(0, LONGEST_STEP));
      walk(item);
      path.pop();
    }
  };
  walk(value);
  if (found > 0) throw invalidInput(problems, where, found);
}
