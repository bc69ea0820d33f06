import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { listExceptions } from '../../store/exceptions.js';
import { findInventory, listInventory } from '../../store/inventory.js';
import { listViolations } from '../../store/violations.js';
import { exceptionSchema, toWireException } from '../contract/exception.js';
import { pageOf, pageQuery, toPageRequest, toWirePage } from '../contract/page.js';
import { resourceSchema, toWireResource } from '../contract/resource.js';
import { text, wireObject } from '../contract/values.js';
import { toWireViolation, violationSchema } from '../contract/violation.js';
import { linkToWorkflow } from '../links.js';
import { defineRoute } from '../route.js';

const tag = 'Inventory';
const account = text(128).optional();
/** All that concern one resource: more than this is beyond any real one. */
const EVERYTHING = { limit: 1_000, cursor: null };

export const resources = [
  defineRoute('GET /v1/resources', {
    summary: 'List the inventory',
    tag,
    query: wireObject({
      ...pageQuery,
      provider: text(64).optional(),
      account,
      region: text(64).optional(),
      type: text(200).optional(),
      team: text(256).optional(),
    }),
    answers: { 200: { description: 'A page of resources', schema: pageOf(resourceSchema) } },
    async handle({ pool, snapshot }, { query }) {
      const { limit, cursor, ...filter } = query;
      const { currency } = snapshot.get().installation;
      const page = await listInventory(pool, filter, toPageRequest({ limit, cursor }));
      return { status: 200, body: toWirePage(page, (record) => toWireResource(record, currency)) };
    },
  }),
  defineRoute('GET /v1/resources/{id}', {
    summary: 'Show a resource with its violations and exceptions; its id is percent-encoded',
    tag,
    params: z.object({ id: text(2_048) }),
    query: wireObject({ account }),
    answers: {
      200: {
        description: 'The resource',
        schema: resourceSchema
          .extend({ violations: z.array(violationSchema), exceptions: z.array(exceptionSchema) })
          .meta({ id: 'ResourceDetail' }),
      },
      404: { description: 'No such resource' },
      409: { description: 'Several accounts have a resource of this id: give `account`' },
    },
    async handle(context, { params, query, at }) {
      const { pool } = context;
      const found = await findInventory(pool, params.id, query.account);
      if (found === undefined) throw new TollgateError('not-found', `no resource \`${params.id}\``);
      const { currency } = context.snapshot.get().installation;
      const { account: owner, type } = found.resource;
      const [violations, exceptions] = await Promise.all([
        listViolations(pool, { resource: params.id, account: owner ?? undefined, resourceType: type }, EVERYTHING),
        listExceptions(pool, { resourceId: params.id }, EVERYTHING, at),
      ]);
      const own = exceptions.items.filter(({ target }) => target.kind === 'resource' && target.account === owner);
      return {
        status: 200,
        body: {
          ...toWireResource(found, currency),
          violations: violations.items.map((violation) => toWireViolation(violation, currency)),
          exceptions: own.map((exception) =>
            toWireException(exception, { currency, workflow: linkToWorkflow(context, exception.workflowId) }),
          ),
        },
      };
    },
  }),
];
