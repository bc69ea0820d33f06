/** The single values of a policy document. Each says in its error what it expects; `schema-issues.ts` adds what was given. */
import { RE2JS } from 're2js';
import { z } from 'zod';
import { parseDuration } from './durations.js';
import type { PerPoint } from './model.js';
import { isNegative, parseDecimal } from './money.js';
import { typeProblem, unknownKind } from './resource-type.js';

/** Names of policies and of rules (SPEC §15). */
export const NAME_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const name = z.string().regex(NAME_PATTERN, {
  error: 'expected a name of lower-case letters, digits and hyphens, at most 63, with a letter or digit at both ends',
});

export const text = z.string().min(1, { error: 'expected some text' });
export const positive = z.number().positive();
export const wholeNumber = z.number().int().nonnegative();

/** At least one entry. */
export function list<T extends z.ZodType>(item: T) {
  return z.array(item).min(1);
}

/** Gives undefined, after adding an issue with `expected`, when `read` cannot make sense of the value. */
function reading<I, O>(read: (value: I) => O | undefined, expected: string | ((value: I) => string)) {
  return (value: I, context: z.RefinementCtx<I>): O => {
    const result = read(value);
    if (result !== undefined) return result;
    context.issues.push({ code: 'custom', input: value, message: typeof expected === 'string' ? expected : expected(value) });
    return z.NEVER;
  };
}

function readAmount(value: string | number): string | undefined {
  const decimal = parseDecimal(value);
  return decimal === undefined || isNegative(decimal) ? undefined : decimal;
}

const AMOUNT = 'expected an amount of money that is not negative, as a number or as text such as "1234.50"';
export const amount = z.union([z.number(), z.string()], { error: AMOUNT }).transform(reading(readAmount, AMOUNT));

export const duration = z.string().transform(reading(parseDuration, 'expected a duration such as 7d, 24h, 30m or 90s'));

/** Programs larger than this are refused, so that one pattern stays cheap to match. */
const MAX_PROGRAM_SIZE = 2_000;

function patternProblem(value: string): string | undefined {
  if (/\(\?<?[=!]/.test(value)) return 'look-around is not supported, patterns are matched in linear time (RE2 syntax)';
  try {
    const size = RE2JS.compile(value).programSize();
    return size > MAX_PROGRAM_SIZE ? `pattern is too large: ${size} steps, at most ${MAX_PROGRAM_SIZE}` : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace('error parsing regexp: ', '') : String(error);
    if (/invalid escape sequence: `\\(\d|k)/.test(reason))
      return 'back-references are not supported, patterns are matched in linear time (RE2 syntax)';
    return `not a valid RE2 pattern: ${reason}`;
  }
}

export const pattern = z.string().check((context) => {
  const message = patternProblem(context.value);
  if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
});

/** A glob over resource types. In a known family only known kinds exist; other families are the providers' own. */
function globProblem(value: string): string | undefined {
  if (value === '*') return undefined;
  if (!/^[a-z0-9_.*-]+\/[a-zA-Z0-9_.*-]+$/.test(value)) return 'expected a resource type such as compute/instance, compute/* or *';
  return value.includes('*') ? undefined : unknownKind(value);
}

/** A service has a slash where it is a glob over resource types, and else is a name of a bill. */
export const service = z.string().check((context) => {
  const { value } = context;
  const message = value.includes('/')
    ? globProblem(value)
    : value.trim() === ''
      ? 'expected a service such as Compute, Amazon Elastic Compute Cloud or compute/*'
      : undefined;
  if (message !== undefined) context.issues.push({ code: 'custom', input: value, message });
});

/** Of a resource, not a glob. */
export const resourceType = z.string().check((context) => {
  const message = typeProblem(context.value);
  if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
});

export const glob = z.string().check((context) => {
  const message = globProblem(context.value);
  if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
});

function isTimezone(value: string): boolean {
  // Offsets such as +01:00 are taken by Intl and are no IANA zones: they know no daylight saving.
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

export const timezone = z.string().refine(isTimezone, { error: 'expected an IANA timezone such as Europe/Berlin' });
export const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'expected a time of day such as 08:00' });
/** Where a window may end: also at the midnight after its day. */
export const endOfDay = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, { error: 'expected a time of day such as 20:00, or 24:00' });
export const date = z.iso.date({ error: 'expected a date such as 2026-12-25' });
export const channel = z.string().regex(/^(slack:#\S+|email:[^\s@]+@[^\s@]+|webhook:\S+)$/, {
  error: 'expected a channel: slack:#name, email:address or webhook:name',
});

/** A word for both points, or one for each: `warn`, `{ deploy: warn, scan: audit }`. */
export function perPoint<const W extends readonly [string, ...string[]]>(words: W) {
  const word = z.enum(words);
  const each = z.strictObject({ deploy: word.exactOptional(), scan: word.exactOptional() });
  const both = word.transform((one): Partial<PerPoint<W[number]>> => ({ deploy: one, scan: one }));
  return z.union([both, each]);
}
