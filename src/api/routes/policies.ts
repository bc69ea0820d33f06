import { z } from 'zod';
import { getPolicy, getPolicyContent, listPolicies } from '../../store/policies.js';
import {
  activatePolicy,
  addPolicyVersion,
  archivePolicy,
  createPolicy,
  deprecatePolicy,
  reviewPolicy,
  submitPolicy,
} from '../../workflows/policy-messages.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { PENDING } from '../contract/pending.js';
import {
  activateRequest,
  addVersionRequest,
  createPolicyRequest,
  deprecateRequest,
  policyQuery,
  policySchema,
  policyWithContent,
  reviewRequest,
  submitRequest,
  toWirePolicy,
  toWireVersions,
  versionsSchema,
} from '../contract/policy.js';
import { policyName } from '../contract/values.js';
import { linkToWorkflow } from '../links.js';
import { readPolicyContent } from '../policy-content.js';
import { movePolicy } from '../policy-moves.js';
import { defineRoute } from '../route.js';

const tag = 'Policies';
const params = z.object({ name: policyName });
const missing = { 404: { description: 'No such policy' } };
const moved = {
  200: { description: 'The policy after it', schema: policySchema },
  202: PENDING,
  ...missing,
  409: { description: 'The state does not allow it; `detail` says why' },
};

export const policies = [
  defineRoute('POST /v1/policies', {
    summary: 'Create a policy, as a draft',
    tag,
    body: createPolicyRequest,
    yaml: true,
    answers: { 201: { description: 'The draft', schema: policySchema }, 202: PENDING, 409: { description: 'The name is taken' } },
    handle: (context, call) => {
      const { name, content } = readPolicyContent(call.body.content);
      return movePolicy(context, call, {
        name,
        update: createPolicy,
        request: { content, description: call.body.description ?? null },
        status: 201,
      });
    },
  }),
  defineRoute('GET /v1/policies', {
    summary: 'List policies by name',
    tag,
    query: policyQuery,
    answers: { 200: { description: 'A page of policies', schema: pageOf(policySchema) } },
    async handle(context, { query }) {
      const { limit, cursor, ...filter } = query;
      const page = await listPolicies(context.pool, filter, toPageRequest({ limit, cursor }));
      return { status: 200, body: toWirePage(page, (policy) => toWirePolicy(policy, linkToWorkflow(context, policy.workflowId))) };
    },
  }),
  defineRoute('GET /v1/policies/{name}', {
    summary: 'Show a policy with the document of its current version',
    tag,
    params,
    answers: { 200: { description: 'The policy', schema: policyWithContent }, ...missing },
    async handle(context, { params: { name } }) {
      const policy = await getPolicy(context.pool, name);
      const content = await getPolicyContent(context.pool, name, policy.currentVersion);
      return { status: 200, body: { ...toWirePolicy(policy, linkToWorkflow(context, policy.workflowId)), content } };
    },
  }),
  defineRoute('GET /v1/policies/{name}/versions', {
    summary: 'List the versions of a policy, oldest first',
    tag,
    params,
    answers: { 200: { description: 'All versions', schema: versionsSchema }, ...missing },
    async handle({ pool }, { params: { name } }) {
      return { status: 200, body: { items: toWireVersions(await getPolicy(pool, name)), next: null } };
    },
  }),
  defineRoute('POST /v1/policies/{name}/versions', {
    summary: 'Add a version',
    tag,
    params,
    body: addVersionRequest,
    answers: { ...moved, 201: { description: 'The policy with its new version', schema: policySchema } },
    handle: (context, call) => {
      const { change_type: changeType, change_summary: changeSummary } = call.body;
      const { content } = readPolicyContent(call.body.content);
      return movePolicy(context, call, {
        name: call.params.name,
        update: addPolicyVersion,
        request: { content, changeType, changeSummary },
        status: 201,
      });
    },
  }),
  defineRoute('POST /v1/policies/{name}/submit', {
    summary: 'Submit the current version for review',
    tag,
    params,
    body: submitRequest,
    answers: moved,
    handle: (context, call) => {
      const reviewers: readonly string[] = call.body.reviewers;
      return movePolicy(context, call, { name: call.params.name, update: submitPolicy, request: { reviewers } });
    },
  }),
  defineRoute('POST /v1/policies/{name}/reviews', {
    summary: 'Approve the version under review, or request changes',
    tag,
    params,
    body: reviewRequest,
    answers: moved,
    handle: (context, call) => {
      const { verdict, comments } = call.body;
      return movePolicy(context, call, { name: call.params.name, update: reviewPolicy, request: { verdict, comments: comments ?? null } });
    },
  }),
  defineRoute('POST /v1/policies/{name}/activate', {
    summary: 'Activate the approved version, now or at a date',
    tag,
    params,
    body: activateRequest,
    answers: moved,
    handle: (context, call) => {
      const request = { effectiveAt: call.body?.effective_at ?? null };
      return movePolicy(context, call, { name: call.params.name, update: activatePolicy, request });
    },
  }),
  defineRoute('POST /v1/policies/{name}/deprecate', {
    summary: 'Deprecate a policy: it enforces until the date',
    tag,
    params,
    body: deprecateRequest,
    answers: moved,
    handle: (context, call) => {
      const { deprecation_date: date, reason, replacement } = call.body;
      const request = { date, reason, replacement: replacement ?? null };
      return movePolicy(context, call, { name: call.params.name, update: deprecatePolicy, request });
    },
  }),
  defineRoute('POST /v1/policies/{name}/archive', {
    summary: 'Archive a deprecated policy after its date',
    tag,
    params,
    answers: moved,
    handle: (context, call) => movePolicy(context, call, { name: call.params.name, update: archivePolicy, request: {} }),
  }),
];
