import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { getViolation, listViolations } from '../../store/violations.js';
import { exceptionSchema, exceptionTerms, toTerms } from '../contract/exception.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { PENDING } from '../contract/pending.js';
import { violationId } from '../contract/values.js';
import { toWireViolation, violationQuery, violationSchema } from '../contract/violation.js';
import { requestNewException } from '../exception-request.js';
import { defineRoute } from '../route.js';

const tag = 'Violations';

export const violations = [
  defineRoute('GET /v1/violations', {
    summary: 'List violations, newest detection first',
    tag,
    query: violationQuery,
    answers: { 200: { description: 'A page of violations', schema: pageOf(violationSchema) } },
    async handle({ pool, snapshot }, { query }) {
      const { limit, cursor, ...filter } = query;
      const { currency } = snapshot.get().installation;
      const page = await listViolations(pool, filter, toPageRequest({ limit, cursor }));
      return { status: 200, body: toWirePage(page, (violation) => toWireViolation(violation, currency)) };
    },
  }),
  defineRoute('GET /v1/violations/{id}', {
    summary: 'Show a violation',
    tag,
    params: z.object({ id: violationId }),
    answers: { 200: { description: 'The violation', schema: violationSchema }, 404: { description: 'No such violation' } },
    async handle({ pool, snapshot }, { params }) {
      return { status: 200, body: toWireViolation(await getViolation(pool, params.id), snapshot.get().installation.currency) };
    },
  }),
  defineRoute('POST /v1/violations/{id}/exception', {
    summary: 'Request an exception for the resource and rule of a violation',
    tag: 'Exceptions',
    params: z.object({ id: violationId }),
    body: exceptionTerms,
    answers: {
      201: { description: 'The request, waiting for its approvers', schema: exceptionSchema },
      202: PENDING,
      404: { description: 'No such violation' },
      409: { description: 'The violation is closed' },
    },
    async handle(context, call) {
      const violation = await getViolation(context.pool, call.params.id);
      if (violation.closedAt !== null)
        throw new TollgateError('conflict', `violation \`${violation.id}\` is ${violation.status}: there is nothing to except`);
      const { policyName, ruleName, resource } = violation;
      const target = { resourceId: resource.id, account: resource.account, resourceType: resource.type, resource: null, selector: null };
      return requestNewException(context, call, { ...target, policyName, ruleName, ...toTerms(call.body) });
    },
  }),
];
