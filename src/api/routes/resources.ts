import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { findInventory, listInventory } from '../../store/inventory.js';
import { type Concerns, loadConcerns } from '../../store/resource-concerns.js';
import { listViolations } from '../../store/violations.js';
import { exceptionSchema, toWireException } from '../contract/exception.js';
import { pageOf, pageQuery, toPageRequest } from '../contract/page.js';
import { inventoryItem, toWireItem } from '../contract/resource.js';
import { text, wireObject } from '../contract/values.js';
import { toWireViolation, violationSchema } from '../contract/violation.js';
import { linkToWorkflow } from '../links.js';
import { defineRoute } from '../route.js';

const tag = 'Inventory';
const account = text(128).optional();
const type = text(200).optional();
/** All that concern one resource: more than this is beyond any real one. */
const EVERYTHING = { limit: 1_000, cursor: null };
const NOTHING: Concerns = { openViolationIds: [], exceptions: [] };

export const resources = [
  defineRoute('GET /v1/resources', {
    summary: 'List the inventory, each resource with its open violations and exceptions in force',
    tag,
    query: wireObject({
      ...pageQuery,
      provider: text(64).optional(),
      account,
      region: text(64).optional(),
      type,
      team: text(256).optional(),
    }),
    answers: { 200: { description: 'A page of resources', schema: pageOf(inventoryItem) } },
    async handle({ pool, snapshot }, { query, at }) {
      const { limit, cursor, ...filter } = query;
      const { currency } = snapshot.get().installation;
      const page = await listInventory(pool, filter, toPageRequest({ limit, cursor }));
      const resources = page.items.map(({ resource }) => resource);
      const concerns = await loadConcerns(pool, resources, at);
      const items = page.items.flatMap((record, index) =>
        concerns[index] === undefined ? [] : [toWireItem(record, concerns[index], currency)],
      );
      return { status: 200, body: { items, next: page.next } };
    },
  }),
  defineRoute('GET /v1/resources/{id}', {
    summary: 'Show a resource with its violations and exceptions; its id is percent-encoded',
    tag,
    params: z.object({ id: text(2_048) }),
    query: wireObject({ account, type }),
    answers: {
      200: {
        description: 'The resource',
        schema: inventoryItem
          .extend({ violations: z.array(violationSchema), exceptions: z.array(exceptionSchema) })
          .meta({ id: 'ResourceDetail' }),
      },
      404: { description: 'No such resource' },
      409: { description: 'Several accounts or types have a resource of this id: give `account` or `type`' },
    },
    async handle(context, { params, query, at }) {
      const { pool } = context;
      const found = await findInventory(pool, params.id, query);
      if (found === undefined) throw new TollgateError('not-found', `no resource \`${params.id}\``);
      const { currency } = context.snapshot.get().installation;
      const { resource } = found;
      const [violations, [concerns = NOTHING]] = await Promise.all([
        listViolations(pool, { resource: params.id, account: resource.account ?? undefined, resourceType: resource.type }, EVERYTHING),
        loadConcerns(pool, [resource], at),
      ]);
      return {
        status: 200,
        body: {
          ...toWireItem(found, concerns, currency),
          violations: violations.items.map((violation) => toWireViolation(violation, currency)),
          exceptions: concerns.exceptions.map((exception) =>
            toWireException(exception, { currency, workflow: linkToWorkflow(context, exception.workflowId) }),
          ),
        },
      };
    },
  }),
];
