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
  for (const name of Object.keys(parts) as K[]) {
    const [schema, input] = parts[name];
    const result = schema.safeParse(input);
    parsed[name] = result.data;
    if (result.success) continue;
    problems.push(...problemsOf(schema, result.error.issues, input));
    faulty.push(name);
  }
  if (problems.length > 0) throw invalidInput(problems, faulty.join(' and '));
  return parsed;
}

export function invalidInput(problems: readonly Problem[], where: string): TollgateError {
  return new TollgateError('invalid-input', `${problems.length} problem${problems.length === 1 ? '' : 's'} in the ${where}`, { problems });
}

function problemsOf(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], input: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, [...path, key]));
    return [{ path: formatPath(path), message: messageOf(schema, issue, path, input) }];
  });
}

function messageOf(schema: z.ZodType, issue: z.core.$ZodIssue, path: Path, input: unknown): string {
  const wanted = schemaAt(schema, path);
  // A check over several keys says itself what is wrong.
  if (issue.code === 'custom' && (wanted === undefined || !phrases.has(wanted))) return issue.message;
  if (issue.code === 'invalid_key') return `unusable key \`${String(path.at(-1))}\``;
  return `expected ${describe(wanted)}, got ${showValue(valueAt(input, path))}`;
}

function unknownKey(schema: z.ZodType, path: Path): Problem {
  const parent = schemaAt(schema, path.slice(0, -1));
  const known = parent?._zod.def.type === 'object' ? Object.keys(parent._zod.def.shape) : [];
  const nearest = nearestWord(String(path.at(-1)), known);
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
  if (def.type === 'optional' || def.type === 'nullable' || def.type === 'default') return unwrap(def.innerType as Schema);
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

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined), input);
}
