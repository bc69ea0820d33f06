import { z } from 'zod';
import { appendAudit } from '../../store/audit.js';
import { type Db, transaction } from '../../store/db.js';
import { text, wireObject } from '../contract/values.js';
import type { AppContext, AppDeps } from '../deps.js';
import { expecting } from '../input.js';
import { type Call, defineRoute, type Reply, type Route } from '../route.js';

const tag = 'Simulated cloud';
const key = z.object({ account: text(128), family: text(64), kind: text(128), id: text(2_048) });
const faultId = z.object({
  id: expecting(
    'the number of a fault',
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ),
});
const anything = z.unknown();
const list = z.object({ items: z.array(anything), next: z.null() });

type Simulated = NonNullable<AppDeps['simulated']>;

/** What happens in the simulated cloud without Tollgate: breakdowns, limits, engineers who make, change and remove things. */
export function simulatedRoutes(simulated: Simulated): readonly Route[] {
  return [...faultRoutes(simulated), ...settingsRoutes(simulated), ...resourceRoutes(simulated)];
}

function faultRoutes({ admin, bodies }: Simulated): readonly Route[] {
  const cleared = { 200: { description: 'How many were cleared', schema: z.object({ cleared: z.int() }) } };
  const clear = async (context: AppContext, call: Call, id?: number): Promise<Reply> => {
    const count = await audited(context, call, { action: 'clear-faults', subject: String(id ?? 'all') }, (db) => admin(db).clearFaults(id));
    return { status: 200, body: { cleared: count } };
  };
  return [
    defineRoute('GET /v1/simulated/faults', {
      summary: 'List the faults that are set',
      tag,
      answers: { 200: { description: 'All faults', schema: list } },
      handle: async ({ pool }) => ({ status: 200, body: { items: await admin(pool).listFaults(), next: null } }),
    }),
    defineRoute('POST /v1/simulated/faults', {
      summary: 'Make calls to the simulated cloud fail, throttle or wait',
      tag,
      body: bodies.faultBody,
      answers: { 201: { description: 'The fault', schema: anything } },
      async handle(context, call) {
        const fault = await audited(context, call, { action: 'set-fault', subject: call.body.kind }, (db) => admin(db).setFault(call.body));
        return { status: 201, body: fault };
      },
    }),
    defineRoute('DELETE /v1/simulated/faults', {
      summary: 'Clear all faults',
      tag,
      answers: cleared,
      handle: (context, call) => clear(context, call),
    }),
    defineRoute('DELETE /v1/simulated/faults/{id}', {
      summary: 'Clear a fault',
      tag,
      params: faultId,
      answers: cleared,
      handle: (context, call) => clear(context, call, call.params.id),
    }),
  ];
}

function settingsRoutes({ admin, bodies }: Simulated): readonly Route[] {
  const answers = { 200: { description: 'The settings', schema: anything } };
  return [
    defineRoute('GET /v1/simulated/settings', {
      summary: 'Show latency and rate limits of the simulated cloud',
      tag,
      answers,
      handle: async ({ pool }) => ({ status: 200, body: await admin(pool).settings() }),
    }),
    defineRoute('POST /v1/simulated/settings', {
      summary: 'Change latency and rate limits of the simulated cloud',
      tag,
      body: bodies.settingsBody,
      answers,
      async handle(context, call) {
        const set = (db: Db) => admin(db).setSettings(call.body);
        return { status: 200, body: await audited(context, call, { action: 'set-settings', subject: 'settings' }, set) };
      },
    }),
    defineRoute('GET /v1/simulated/calls', {
      summary: 'List the commands that the simulated cloud has accepted, oldest first',
      tag,
      query: wireObject({ resource: text(2_048).optional() }),
      answers: { 200: { description: 'All calls', schema: list } },
      handle: async ({ pool }, { query }) => ({ status: 200, body: { items: await admin(pool).listCalls(query.resource), next: null } }),
    }),
  ];
}

function resourceRoutes({ admin, bodies }: Simulated): readonly Route[] {
  const missing = { 404: { description: 'No such resource' } };
  return [
    defineRoute('POST /v1/simulated/resources', {
      summary: 'Make a resource',
      tag,
      body: bodies.createBody,
      answers: { 201: { description: 'The resource', schema: anything }, 409: { description: 'It exists, or its id was used before' } },
      async handle(context, call) {
        const create = (db: Db) => admin(db).createResource(call.body);
        return { status: 201, body: await audited(context, call, { action: 'create-resource', subject: call.body.id }, create) };
      },
    }),
    defineRoute('POST /v1/simulated/resources/{account}/{family}/{kind}/{id}', {
      summary: 'Change a resource',
      tag,
      params: key,
      body: bodies.changeBody,
      answers: { 200: { description: 'The resource', schema: anything }, ...missing },
      async handle(context, call) {
        const change = (db: Db) => admin(db).changeResource(toKey(call.params), call.body);
        return { status: 200, body: await audited(context, call, { action: 'change-resource', subject: call.params.id }, change) };
      },
    }),
    defineRoute('DELETE /v1/simulated/resources/{account}/{family}/{kind}/{id}', {
      summary: 'Remove a resource at once',
      tag,
      params: key,
      answers: { 200: { description: 'It is gone', schema: z.object({ removed: z.literal(true) }) }, ...missing },
      async handle(context, call) {
        const remove = (db: Db) => admin(db).removeResource(toKey(call.params));
        await audited(context, call, { action: 'remove-resource', subject: call.params.id }, remove);
        return { status: 200, body: { removed: true } };
      },
    }),
  ];
}

function toKey({ account, family, kind, id }: z.output<typeof key>): {
  readonly account: string;
  readonly type: string;
  readonly id: string;
} {
  return { account, type: `${family}/${kind}`, id };
}

interface Act {
  readonly action: string;
  readonly subject: string;
}

/** Does something to the simulated cloud with its audit row, both in one transaction. */
function audited<T>({ pool }: AppContext, { principal, at, body }: Call, act: Act, work: (db: Db) => Promise<T>): Promise<T> {
  return transaction(pool, async (db) => {
    const result = await work(db);
    await appendAudit(db, {
      principal: principal.id,
      action: `simulated.${act.action}`,
      subject: act.subject,
      before: null,
      after: body ?? null,
      at,
    });
    return result;
  });
}
