/** The doors that read another tool's document whole: one query, one way from bytes to the answer. */
import { z } from 'zod';
import type { DocumentContext, DocumentDoor } from '../intake/readers.js';
import { decisionSchema } from './contract/evaluate.js';
import { principalId, text, wireObject } from './contract/values.js';
import type { AppContext } from './deps.js';
import { answerGate, type Door, gateRequestOf, requesterOf } from './gate.js';
import { expecting } from './input.js';
import type { RouteName } from './permissions.js';
import type { PreparedIntake } from './prepare.js';
import { type Call, defineRoute, type Reply, type Route } from './route.js';

const MIB = 1024 * 1024;
/** Of a plan, inflated. */
const LARGEST_DOCUMENT = 32 * MIB;

/** What a document does not say of itself. */
export const documentQuery = wireObject({
  requester: principalId.optional().meta({ description: 'Defaults to the principal; naming somebody else needs role `deployer`' }),
  namespace: text(256).optional().meta({ description: 'Of resources that have no tag `environment`' }),
  account: text(128).optional().meta({ description: 'Of resources whose document does not tell' }),
  region: text(64).optional().meta({ description: 'Of resources whose document does not tell' }),
  idempotency_key: text(200).optional().meta({ description: 'Names a deployment' }),
  dry_run: expecting(
    '`true` or `false`',
    z.enum(['true', 'false']).transform((word) => word === 'true'),
  ).default(false),
});
export type DocumentQuery = z.output<typeof documentQuery>;

interface DoorOptions {
  readonly door: DocumentDoor;
  readonly summary: string;
  /** Types of content that it takes. @default application/json */
  readonly types?: readonly string[];
}

/** Answers 200 for every decision; 400 for what is no such document, and says what it looks like. */
export function documentDoor(name: RouteName, { door, summary, types = ['application/json'] }: DoorOptions): Route {
  return defineRoute(name, {
    summary,
    tag: 'Evaluation',
    query: documentQuery,
    raw: { types: [...types], limitBytes: LARGEST_DOCUMENT },
    idempotencyKey: false,
    answers: { 200: { description: 'The decision: allowed or not, why, and what would pass', schema: decisionSchema } },
    handle: async (context, call) => {
      const intake = await context.readDocument(door, call.body, documentContextOf(context, call.query));
      return answerDocument(context, call, door, intake);
    },
  });
}

export function documentContextOf(context: AppContext, { namespace, account, region }: DocumentQuery): DocumentContext {
  const { currency } = context.snapshot.get().installation;
  return { lookup: context.lookup, currency, namespace: namespace ?? null, account: account ?? null, region: region ?? null };
}

async function answerDocument(
  context: AppContext,
  call: Call<unknown, DocumentQuery, unknown>,
  door: Door,
  intake: PreparedIntake,
): Promise<Reply> {
  const { query, principal, at } = call;
  const request = gateRequestOf(intake, {
    door,
    requester: requesterOf(query.requester, principal),
    dryRun: query.dry_run,
    idempotencyKey: query.idempotency_key ?? null,
  });
  // the document may change nothing at all, and then there is no resource to tell the account
  const account = request.account ?? query.account ?? null;
  return { status: 200, body: await answerGate(context, { principal, at }, { ...request, account }) };
}
