/** The small values that the wire is made of, each defined once. */
import { z } from 'zod';
import { expecting } from '../input.js';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An object that refuses keys it does not know. */
export const wireObject = z.strictObject;

/** Names and ids of others: taken as they are. */
export const text = (longest: number) => expecting(`a text of 1 to ${longest} characters`, z.string().min(1).max(longest));
/** Words of people: blanks around them mean nothing, and blanks alone are none. */
export const prose = (longest: number) => expecting(`a text of 1 to ${longest} characters`, z.string().trim().min(1).max(longest));
export const days = expecting('a positive number of days, at most 3650', z.number().positive().max(3_650));
export const policyName = expecting('a name of lower-case letters, digits and hyphens', z.string().regex(NAME));
export const principalId = expecting('the id of a person or a machine', z.string().trim().min(1).max(200));

/** Money and other exact numbers cross the wire as text. */
export const decimal = expecting(
  'a decimal number as text, such as `"12.50"`',
  z
    .string()
    .regex(/^\d{1,15}(\.\d{1,12})?$/)
    .meta({ description: 'Exact decimal number as text', examples: ['12.50'] }),
);

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
const isInstant = (value: string) => INSTANT.test(value) && !Number.isNaN(Date.parse(value));

/** An instant in a request, ms inside. */
export const instantInput = expecting(
  'a time such as `2026-11-22T10:00:00Z`',
  z
    .string()
    .max(40)
    .refine(isInstant)
    .transform((value) => Date.parse(value)),
);
/** An instant in an answer. */
export const instant = z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC' });

/** Of a busy gate, many answers are of the same millisecond. */
let lastInstant = { at: 0, text: new Date(0).toISOString() };

export function toWireInstant(at: number): string;
export function toWireInstant(at: number | null): string | null;
export function toWireInstant(at: number | null): string | null {
  if (at === null) return null;
  if (at !== lastInstant.at) lastInstant = { at, text: new Date(at).toISOString() };
  return lastInstant.text;
}

export const tags = z.record(z.string().max(256), expecting('a text of at most 1024 characters', z.string().max(1_024)));

const id = (prefix: string) =>
  expecting(
    `an id that begins with \`${prefix}_\``,
    z
      .string()
      .max(100)
      .regex(new RegExp(`^${prefix}_[0-9a-zA-Z-]+$`)),
  );
export const scanId = id('scan');
export const violationId = id('vio');
export const remediationId = id('rem');
export const exceptionId = id('exc');
export const decisionId = id('dec');
export const holdId = id('hold');
export const tokenId = id('tok');
export const approvalId = id('apr');
export const importId = id('imp');

/** In answers: any JSON value. */
export const json = z.unknown();

export const workflowLink = z
  .object({ id: z.string(), url: z.string().nullable() })
  .meta({ id: 'WorkflowLink', description: 'The Temporal workflow, and its page in Temporal UI where there is one' });
