/** Turns what zod found into issues of ours: what was expected, what was given, and the nearest known word. */
import { z } from 'zod';
import { nearestWord, type Path, showValue, withGiven } from './issue.js';

/** A problem at a place in a document; `at` says which of a key and its value is wrong. */
export interface Finding {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
}

type ZodIssue = z.core.$ZodIssue;

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestWord(key, known);
  return near === undefined ? `unknown key, known are ${known.join(', ')}` : `unknown key, did you mean ${near}?`;
}

/** A document of nothing but typos must not hold up the others: looking for near words takes time. */
const MAX_SUGGESTIONS = 100;

/** One line for each unknown key, in the order of `keys`: only here does zod tell which keys are known. */
function describeUnknownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !(issue.inst instanceof z.ZodObject)) return undefined;
  const known = Object.keys(issue.inst.shape);
  return issue.keys.map((key, index) => (index < MAX_SUGGESTIONS ? unknownKey(key, known) : 'unknown key')).join('\n');
}

function valueAt(content: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    content,
  );
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  nonoptional: 'something',
};

function expectedWord(word: unknown): string | undefined {
  if (typeof word !== 'string') return undefined;
  const list = [...new Set(word.split('|').map((type) => TYPE_WORDS[type] ?? type))];
  return list.join(' or ');
}

function expectOneOf(values: readonly unknown[], given: unknown): string {
  const words = values.map(String);
  const near = typeof given === 'string' ? nearestWord(given, words) : undefined;
  const list = words.length === 1 ? words[0] : `one of ${words.join(', ')}`;
  return `expected ${list}, got ${showValue(given)}${near === undefined ? '' : `, did you mean ${near}?`}`;
}

function outOfRange(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, given: unknown): string {
  const isSmall = issue.code === 'too_small';
  if (issue.origin === 'array') return 'expected at least one entry, got an empty list';
  if (issue.origin === 'string') return `${issue.message}, got ${showValue(given)}`;
  const bound = String(isSmall ? issue.minimum : issue.maximum);
  const words = issue.inclusive === false ? ['above', 'below'] : ['of at least', 'of at most'];
  return `expected a number ${words[isSmall ? 0 : 1]} ${bound}, got ${showValue(given)}`;
}

/** The branch that the author most likely meant: one whose shape fits, else one whose type does. */
function likelyBranch(branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] | undefined {
  const fits = branches.find((issues) => issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'));
  return fits ?? branches.find((issues) => issues.every((issue) => issue.code !== 'invalid_type' && issue.code !== 'invalid_value'));
}

function unionFindings(issue: z.core.$ZodIssueInvalidUnion, prefix: Path, content: unknown): readonly Finding[] {
  const path = [...prefix, ...issue.path.map(toStep)];
  const given = valueAt(content, path);
  if ('options' in issue && Array.isArray(issue.options)) return [{ path, at: 'value', message: expectOneOf(issue.options, given) }];
  const branch =
    likelyBranch(issue.errors) ??
    (typeof given === 'string' ? issue.errors.find((issues) => issues[0]?.code === 'invalid_value') : undefined);
  if (branch !== undefined) return branch.flatMap((inner) => findingsOf(inner, path, content));
  const message = issue.message === 'Invalid input' ? expectedOf(issue.errors.flat(), given) : `${issue.message}, got ${showValue(given)}`;
  return [{ path, at: 'value', message }];
}

/** All types and words that any branch would have taken. */
function expectedOf(issues: readonly ZodIssue[], given: unknown): string {
  const words = issues.flatMap((issue) => {
    if (issue.code === 'invalid_value') return issue.values.map(String);
    return issue.code === 'invalid_type' ? (expectedWord(issue.expected) ?? []) : [];
  });
  return `expected ${[...new Set(words)].join(' or ')}, got ${showValue(given)}`;
}

function toStep(step: PropertyKey): string | number {
  return typeof step === 'number' ? step : String(step);
}

function messageOf(issue: ZodIssue, given: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return given === undefined
        ? `required and missing, expected ${expectedWord(issue.expected)}`
        : `expected ${expectedWord(issue.expected)}, got ${showValue(given)}`;
    case 'invalid_value':
      if (given === undefined) return `required and missing, expected ${issue.values.map(String).join(' or ')}`;
      return issue.message.startsWith('Invalid') ? expectOneOf(issue.values, given) : `${issue.message}, got ${showValue(given)}`;
    case 'too_small':
    case 'too_big':
      return outOfRange(issue, given);
    default:
      return withGiven(issue.message, given);
  }
}

function findingsOf(issue: ZodIssue, prefix: Path, content: unknown): readonly Finding[] {
  const path = [...prefix, ...issue.path.map(toStep)];
  if (issue.code === 'invalid_union') return unionFindings(issue, prefix, content);
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], at: 'key', message: messages[index] ?? 'unknown key' }));
  }
  return [{ path, at: 'value', message: messageOf(issue, valueAt(content, path)) }];
}

/** Far more than any policy or test file has; naming what is wrong with each takes time. */
const MAX_VALUES = 20_000;

/** How many values `content` is made of, itself included; counted no further than to `limit` and one more. */
function countValues(content: unknown, limit: number): number {
  if (typeof content !== 'object' || content === null) return 1;
  let count = 1;
  for (const item of Object.values(content)) {
    if (count > limit) break;
    count += countValues(item, limit - count);
  }
  return count;
}

/** What is wrong with `content`, in which a schema found the issues of `error`. */
export function findingsIn(error: z.ZodError, content: unknown): readonly Finding[] {
  return error.issues.flatMap((issue) => findingsOf(issue, [], content));
}

/** Checks `content`, giving the parsed value or every finding at once; of what is too large only that. */
export function checkSchema<T extends z.ZodType>(
  schema: T,
  content: unknown,
): { readonly value?: z.output<T>; readonly findings: readonly Finding[] } {
  if (countValues(content, MAX_VALUES) > MAX_VALUES)
    return { findings: [{ path: [], at: 'value', message: `too large, expected at most ${MAX_VALUES} values` }] };
  const result = schema.safeParse(content, { error: describeUnknownKeys });
  if (result.success) return { value: result.data, findings: [] };
  return { findings: findingsIn(result.error, content) };
}
