import { z } from 'zod';
import { type Problem, TollgateError } from '../errors.js';
import { formatPath, nearestWord, showValue } from '../policy/issue.js';

type Schema = z.core.$ZodTypes;
type Path = readonly (string | number)[];

const phrases = new WeakMap<object, string>();

/** Names what `schema` wants in words, for messages: `expected a positive number, got …`. */
export function expecting<S extends z.ZodType>(phrase: string, schema: S): S {
  phrases.set(schema, phrase);
  return schema;
}

/** Parses the parts of a request, or throws `invalid-input` with every problem of all of them. The names of the parts are for people. */
export function parseParts<K extends string>(
  parts: { readonly [name in K]: readonly [z.ZodType, unknown] },
): { readonly [name in K]: unknown } {
  const parsed = {} as { [name in K]: unknown };
  const problems: Problem[] = [];
  const faulty: string[] = [];
  let found = 0;
  for (const name of Object.keys(parts) as K[]) {
    const [schema, input] = parts[name];
    const result = schema.safeParse(input);
    parsed[name] = result.data;
    if (result.success) continue;
    const { issues } = result.error;
    found += issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
    for (const problem of problemsOf(schema, issues, input)) {
      const last = problems.at(-1);
      // One value may fail several checks, and be told once what was expected.
      if (last?.path === problem.path && last.message === problem.message) found -= 1;
      else if (problems.push(problem) >= MOST_TOLD) break;
    }
    faulty.push(name);
  }
  if (found > 0) throw invalidInput(problems, faulty.join(' and '), found);
  return parsed;
}

/** How many problems one answer names. */
export const MOST_TOLD = 1_000;
/** For how many unknown keys a known one is looked for: comparing words is slow. */
const MOST_SUGGESTED = 100;

/** `found` is how many there are where `problems` names only the first. */
export function invalidInput(problems: readonly Problem[], where: string, found = problems.length): TollgateError {
  const told = problems.slice(0, MOST_TOLD);
  const more = found > told.length ? `, of which the first ${told.length} are named` : '';
  return new TollgateError('invalid-input', `${found} problem${found === 1 ? '' : 's'} in the ${where}${more}`, { problems: told });
}

/** One by one, so that nobody pays for those that are not told. */
function* problemsOf(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], input: unknown): Generator<Problem> {
  let unknown = 0;
  for (const issue of issues) {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) yield unknownKey(schema, [...path, key], ++unknown <= MOST_SUGGESTED);
    } else yield { path: formatPath(path), message: messageOf(schema, issue, path, input) };
  }
}

/** What zod says of a check that says nothing itself. */
const NO_WORDS = 'Invalid input';

function messageOf(schema: z.ZodType, issue: z.core.$ZodIssue, path: Path, input: unknown): string {
  const wanted = schemaAt(schema, path);
  // A check with words of its own says itself what is wrong.
  if (issue.code === 'custom' && issue.message !== NO_WORDS) return issue.message;
  if (issue.code === 'invalid_key') return `unusable key \`${String(path.at(-1))}\``;
  return `expected ${describe(wanted)}, got ${shown(valueAt(input, path))}`;
}

function unknownKey(schema: z.ZodType, path: Path, suggest: boolean): Problem {
  const parent = schemaAt(schema, path.slice(0, -1));
  const known = parent?._zod.def.type === 'object' ? Object.keys(parent._zod.def.shape) : [];
  const nearest = suggest ? nearestWord(String(path.at(-1)), known) : undefined;
  return { path: formatPath(path), message: nearest === undefined ? 'unknown key' : `unknown key, did you mean \`${nearest}\`?` };
}

function schemaAt(schema: z.ZodType, path: Path): Schema | undefined {
  let at: Schema | undefined = unwrap(schema as unknown as Schema);
  for (const part of path) at = at === undefined ? undefined : child(at, part);
  return at;
}

function child(schema: Schema, part: PropertyKey): Schema | undefined {
  const { def } = schema._zod;
  if (def.type === 'object') return unwrap(def.shape[String(part)] as Schema | undefined);
  if (def.type === 'array') return unwrap(def.element as Schema);
  if (def.type === 'record') return unwrap(def.valueType as Schema);
  return undefined;
}

/** What an optional, nullable, defaulted or piped schema wants of the input, unless a phrase says it already. */
function unwrap(schema: Schema | undefined): Schema | undefined {
  if (schema === undefined || phrases.has(schema)) return schema;
  const { def } = schema._zod;
  if (def.type === 'optional' || def.type === 'nullable' || def.type === 'default' || def.type === 'prefault')
    return unwrap(def.innerType as Schema);
  if (def.type === 'pipe') return unwrap(def.in as Schema);
  return schema;
}

function describe(schema: Schema | undefined): string {
  if (schema === undefined) return 'something else';
  const phrase = phrases.get(schema);
  if (phrase !== undefined) return phrase;
  const { def } = schema._zod;
  switch (def.type) {
    case 'enum':
      return `one of ${Object.values(def.entries)
        .map((entry) => `\`${entry}\``)
        .join(', ')}`;
    case 'object':
    case 'record':
      return 'an object';
    case 'array':
      return 'a list';
    case 'boolean':
      return '`true` or `false`';
    case 'union':
      return def.options.map((option) => describe(unwrap(option as Schema))).join(' or ');
    default:
      return `a ${def.type}`;
  }
}

function shown(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? `a list of ${value.length}` : showValue(value);
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined), input);
}
