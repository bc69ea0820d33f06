import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { parseJsonDocument } from '../../intake/document.js';
import type { WireDecision } from '../contract/evaluate.js';
import {
  type Asked,
  isDefined,
  MISSING_INPUT,
  opaAnswerSchema,
  opaErrorSchema,
  toOpaError,
  undefinedDocument,
  valueOf,
} from '../contract/opa.js';
import { text } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { answerGate } from '../gate.js';
import { type OpaInput, readOpaInput } from '../opa-document.js';
import { toOpaGateRequest } from '../opa-input.js';
import type { RouteName } from '../permissions.js';
import { type Call, defineRoute, type Reply, type Route } from '../route.js';

const MIB = 1024 * 1024;
const tag = 'OPA Data API';

interface Path {
  readonly package: string;
  readonly rule?: string;
}
/** Clients add what they like: `explain`, `instrument`, `strict-builtin-errors`. */
const flag = z.string().optional();
const query = z.looseObject({ pretty: flag, metrics: flag, provenance: flag });
const queryWithInput = query.extend({ input: z.string().optional().meta({ description: 'JSON' }) });
/** A plan is asked about as it is. */
const raw = { types: ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml'], limitBytes: 32 * MIB, mayBeEmpty: true };

type DataCall = Call<Path, z.output<typeof query>, Buffer>;
/** As a body it may have consequences, in the query it has none. Undefined where there is none. */
type Input = { readonly read: OpaInput; readonly isReadOnly: boolean } | undefined;

const answers = {
  200: { description: 'The value of the rule; without `result` where there is no such rule', schema: opaAnswerSchema },
  400: { description: 'The input cannot be judged', schema: opaErrorSchema },
};
const bareAnswers = {
  200: { description: 'The value of the rule', schema: z.unknown() },
  400: { description: 'The input cannot be judged', schema: opaErrorSchema },
  404: { description: 'There is no such rule', schema: opaErrorSchema },
};

const JSON_HEADERS = { 'content-type': 'application/json' };

const packageParams: z.ZodType<Path> = z.object({ package: text(200) });
const ruleParams: z.ZodType<Path> = z.object({ package: text(200), rule: text(200) });
const PATHS = [
  ['data/{package}', packageParams],
  ['data/{package}/{rule}', ruleParams],
] as const;

/** Open Policy Agent's own API, for its clients; errors of the input are worded as OPA words them, all others as everywhere. */
export const opa: readonly Route[] = PATHS.flatMap(([path, params]) => [
  defineRoute(`POST /v1/${path}` satisfies RouteName, {
    summary: 'Ask a rule of the package `tollgate`, as of Open Policy Agent',
    tag,
    params,
    query,
    raw,
    idempotencyKey: false,
    answers,
    handle: (context, call) => answerInOpasWords(async () => answerData(context, call, await inputOfBody(context, call, false))),
  }),
  defineRoute(`GET /v1/${path}` satisfies RouteName, {
    summary: 'Ask a rule with the input in the query',
    tag,
    params,
    query: queryWithInput,
    fromMemory: true,
    answers,
    handle: (context, call) => answerInOpasWords(() => answerData(context, call, inputOfQuery(context, call))),
  }),
  defineRoute(`POST /v0/${path}` satisfies RouteName, {
    summary: 'Ask a rule; the body is the input, the answer its value',
    tag,
    params,
    query,
    raw,
    idempotencyKey: false,
    answers: bareAnswers,
    handle: (context, call) => answerInOpasWords(() => answerBare(context, call)),
  }),
]);

/** A body that is empty asks about nothing. */
async function inputOfBody(context: AppContext, call: DataCall, isBare: boolean): Promise<Input> {
  const { body, headers } = call;
  if (body.length === 0) return undefined;
  const reading = { contentType: headers['content-type'] ?? '', isBare, isAsked: isDefined(toAsked(call)) };
  const read = await context.readOpaBody(body, reading, context.lookup);
  return read === undefined ? undefined : { read, isReadOnly: false };
}

function inputOfQuery({ lookup }: AppContext, call: Call<Path, z.output<typeof queryWithInput>, unknown>): Input {
  const given = call.query.input;
  if (given === undefined) return undefined;
  return { read: readOpaInput(parseJsonDocument(given, '`input`'), isDefined(toAsked(call)), lookup), isReadOnly: true };
}

async function answerInOpasWords(answer: () => Promise<Reply>): Promise<Reply> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'invalid-input') return { status: 400, body: toOpaError(error) };
    throw error;
  }
}

type Asking = Pick<DataCall, 'params' | 'query' | 'principal' | 'at'>;

async function answerData(context: AppContext, call: Asking, input: Input): Promise<Reply> {
  const began = performance.now();
  const asked = toAsked(call);
  const decision = await decide(context, call, input);
  const body = {
    ...(isDefined(asked) ? { result: valueOf(asked, decision) } : {}),
    ...(decision === null ? {} : { decision_id: decision.decision_id }),
    ...(input === undefined ? { warning: MISSING_INPUT } : {}),
    ...(isSet(call.query.metrics) ? { metrics: { timer_server_handler_ns: Math.round((performance.now() - began) * 1e6) } } : {}),
    ...(isSet(call.query.provenance) ? { provenance: { version: context.version } } : {}),
  };
  return isSet(call.query.pretty)
    ? { status: 200, headers: JSON_HEADERS, body: `${JSON.stringify(body, null, 2)}\n` }
    : { status: 200, body };
}

async function answerBare(context: AppContext, call: DataCall): Promise<Reply> {
  const asked = toAsked(call);
  const input = await inputOfBody(context, call, true);
  const value = isDefined(asked) ? valueOf(asked, await decide(context, call, input)) : undefined;
  if (value === undefined) return { status: 404, body: undefinedDocument(asked) };
  // A text would be sent as it is, and be no JSON.
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

function toAsked({ params: { package: name, rule } }: Pick<DataCall, 'params'>): Asked {
  return { package: name, rule };
}

/** Null where there is nothing to judge: no input, or nobody reads the answer. */
async function decide(context: AppContext, { principal, at }: Asking, input: Input): Promise<WireDecision | null> {
  if (input === undefined || input.read.kind === 'nothing') return null;
  const { read, isReadOnly } = input;
  return answerGate(context, { principal, at }, toOpaGateRequest(context, { input: read, principal, isReadOnly }));
}

/** As OPA reads them: `?pretty` and `?pretty=true`. */
function isSet(value: string | undefined): boolean {
  return value === '' || value === 'true' || value === '1';
}
