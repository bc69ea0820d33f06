import type { Problem } from '../errors.js';
import { formatPath } from '../policy/issue.js';
import { invalidInput, MOST_TOLD } from './input.js';

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

/** Far deeper than anything that is meant; what walks a value by calling itself is safe with it. */
const DEEPEST = 100;

/** @throws invalid-input for JSON that is nested so deeply that what reads it later would run out of stack */
export function refuseDeep(body: unknown): void {
  if (isDeeper(body, DEEPEST))
    throw invalidInput([{ path: '', message: `nested too deeply: expected at most ${DEEPEST} levels` }], 'request body');
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}
