/** The package `tollgate` as a client of the OPA Data API sees it. Pure. */
import { z } from 'zod';
import type { TollgateError } from '../../errors.js';
import type { WireDecision } from './evaluate.js';

export const OPA_PACKAGE = 'tollgate';

type Rule = (decision: WireDecision) => unknown;

/** `deny` is empty exactly when `allow` is true. */
const RULES: Readonly<Record<string, Rule>> = {
  allow: ({ allowed }) => allowed,
  deny: ({ violations }) => violations.map(toMessage),
  warn: ({ warnings }) => warnings.map(toMessage),
  decision: ({ decision }) => decision,
  evaluate: (decision) => decision,
};

/** With the name of the resource, where it has one. */
function toMessage({ resource_id: resource, message }: WireDecision['violations'][number]): string {
  return resource.startsWith('resources[') ? message : `${resource}: ${message}`;
}

/** What the rules are without an input: nothing was asked, so nothing is allowed. `evaluate` is undefined then. */
const WITHOUT_INPUT: Readonly<Record<string, unknown>> = { allow: false, deny: ['no input was given'], warn: [], decision: 'deny' };

/** `rule` undefined is the whole package. */
export interface Asked {
  readonly package: string;
  readonly rule: string | undefined;
}

/** Whether there is such a document; what there is not is `undefined` for OPA, and no error. */
export function isDefined(asked: Asked): boolean {
  return asked.package === OPA_PACKAGE && (asked.rule === undefined || Object.hasOwn(RULES, asked.rule));
}

/** The value of a rule, or of all of them by name. A null decision stands for a question without input. */
export function valueOf({ rule }: Asked, decision: WireDecision | null): unknown {
  const all: Readonly<Record<string, unknown>> =
    decision === null ? WITHOUT_INPUT : Object.fromEntries(Object.entries(RULES).map(([name, value]) => [name, value(decision)]));
  return rule === undefined ? all : all[rule];
}

export const MISSING_INPUT = { code: 'api_usage_warning', message: "'input' key missing from the request" } as const;

export const opaAnswerSchema = z
  .object({
    result: z.unknown().optional().meta({ description: 'The value of the rule; absent where there is no such rule' }),
    decision_id: z.string().optional().meta({ description: 'Of the decision log' }),
    warning: z.object({ code: z.string(), message: z.string() }).optional(),
    metrics: z.record(z.string(), z.number()).optional(),
    provenance: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'OpaAnswer' });

export const opaErrorSchema = z
  .object({ code: z.string(), message: z.string(), errors: z.array(z.object({ code: z.string(), message: z.string() })).optional() })
  .meta({ id: 'OpaError' });
export type OpaError = z.infer<typeof opaErrorSchema>;

/** As OPA words the errors of a request; `errors` where they say more than the message. */
export function toOpaError({ message, problems }: TollgateError): OpaError {
  const code = 'invalid_parameter';
  const errors = problems
    .filter((problem) => problem.message !== message)
    .map((problem) => ({ code, message: problem.path === '' ? problem.message : `${problem.path}: ${problem.message}` }));
  return { code, message, ...(errors.length === 0 ? {} : { errors }) };
}

export function undefinedDocument({ package: name, rule }: Asked): OpaError {
  return {
    code: 'undefined_document',
    message: `document undefined: ${['data', name, rule].filter((part) => part !== undefined).join('.')}`,
  };
}
