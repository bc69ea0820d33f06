/**
 * Keys that stand twice in one object of a JSON text. `JSON.parse` keeps the last without a word and other readers keep the first, so what
 * one reader checks is not what the next one acts on. Pure.
 */
import { type Problem, TollgateError } from '../errors.js';
import { formatPath } from '../policy/issue.js';

const PROBLEMS_TOLD = 20;
/** Of a key in a path: a key may be as long as the text. */
const LONGEST_STEP = 200;

/**
 * @param text JSON
 * @param value what `JSON.parse` made of it, not nested too deeply for what calls itself
 * @param what names it in errors: `the plan`, `the request body`
 * @throws invalid-input with each such key and its place
 */
export function refuseDuplicateKeys(text: string, value: unknown, what: string): void {
  if (isSurelyUnique(text, value)) return;
  const problems = findDuplicateKeys(text);
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length > 1 ? ', and other keys too' : '';
  throw new TollgateError('invalid-input', `${what} gives a key twice: ${first.path}: ${first.message}${more}`, { problems });
}

/**
 * Told by counting, which costs next to nothing beside parsing. Each key of the text has a colon behind it, and all other colons are within
 * strings: where the text has as many as the value has keys and colons in strings, no key was dropped.
 */
function isSurelyUnique(text: string, value: unknown): boolean {
  const colons = colonsIn(text);
  if (colons === keysIn(value)) return true;
  // A colon may be written without one. Then the sum says nothing.
  return !text.includes('\\u003a') && !text.includes('\\u003A') && colons === keysIn(value) + colonsWithin(value);
}

function colonsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) count += 1;
  return count;
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) count += keysIn(item);
    return count;
  }
  for (const key in value) count += 1 + keysIn((value as Record<string, unknown>)[key]);
  return count;
}

/** In its strings, keys among them. */
function colonsWithin(value: unknown): number {
  if (typeof value === 'string') return colonsIn(value);
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) count += colonsWithin(item);
    return count;
  }
  for (const key in value) count += colonsIn(key) + colonsWithin((value as Record<string, unknown>)[key]);
  return count;
}

/** An object or a list that is open at some place of the text. */
interface Open {
  /** Undefined for a list. */
  readonly keys: Set<string> | undefined;
  /** Where in it the reading is. */
  step: string | number;
  isAtKey: boolean;
}

/** The first of them, in the order of the text. */
function findDuplicateKeys(text: string): readonly Problem[] {
  const problems: Problem[] = [];
  const open: Open[] = [];
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length && problems.length < PROBLEMS_TOLD; at += 1) {
    const inner = open.at(-1);
    switch (text[at]) {
      case '\n':
        line += 1;
        lineStart = at + 1;
        break;
      case '{':
        open.push({ keys: new Set(), step: '', isAtKey: true });
        break;
      case '[':
        open.push({ keys: undefined, step: 0, isAtKey: false });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (typeof inner?.step === 'number') inner.step += 1;
        else if (inner !== undefined) inner.isAtKey = true;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (inner?.isAtKey === true && isSecond(inner, text.slice(at, end))) problems.push(problemAt(open, line, at - lineStart + 1));
        at = end - 1;
        break;
      }
      default:
    }
  }
  return problems;
}

/** Behind its closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Takes the key of an object, and says whether it has it already: `"a"` and `"\u0061"` are one. */
function isSecond(inner: Open, quoted: string): boolean {
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  inner.step = key;
  inner.isAtKey = false;
  const { keys } = inner;
  if (keys?.has(key) === true) return true;
  keys?.add(key);
  return false;
}

function problemAt(open: readonly Open[], line: number, column: number): Problem {
  const path = open.map(({ step }) => (typeof step === 'string' ? step.slice(0, LONGEST_STEP) : step));
  return { path: formatPath(path), message: `duplicate key, again at line ${line}, column ${column}` };
}
