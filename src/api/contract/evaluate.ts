import { z } from 'zod';
import { ENFORCEMENTS, ON_UNKNOWNS, type Resource, SEVERITIES } from '../../policy/model.js';
import type { DecisionWord, Effect, UnknownEffect } from '../../policy/verdict.js';
import { expecting } from '../input.js';
import { resourceInput, resourceInputKeys, type Target, toResource } from './resource.js';
import { instant, json, principalId, text, wireObject } from './values.js';

const MAX_RESOURCES = 1_000;
const EFFECTS = [...ENFORCEMENTS, 'needs_approval'] as const satisfies readonly Effect[];
export const effectSchema = z.enum(EFFECTS);
const UNKNOWN_EFFECTS = [...ON_UNKNOWNS, 'needs_approval'] as const satisfies readonly UnknownEffect[];
export const DECISIONS = ['allow', 'warn', 'needs_approval', 'deny'] as const satisfies readonly DecisionWord[];

/** Keys of a plan that are the target of all its resources; every other one says something of one resource. */
const OF_THE_PLAN: ReadonlySet<string> = new Set(['account', 'region', 'namespace', 'provider']);
const OF_ONE_RESOURCE = (Object.keys(resourceInputKeys) as (keyof typeof resourceInputKeys)[]).filter((key) => !OF_THE_PLAN.has(key));

/** An empty object is what tags and specs are by default. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

const requestOf = (resource: typeof resourceInput, leastResources: number, mostResources: number) =>
  wireObject({
    ...resource.shape,
    type: resource.shape.type.optional(),
    resources: expecting(
      `a list of ${leastResources} to ${mostResources} resources`,
      z.array(resource).min(leastResources).max(mostResources),
    ).optional(),
    requester: principalId.optional().meta({ description: 'Defaults to the principal; naming somebody else needs role `deployer`' }),
    idempotency_key: text(200).nullish().meta({ description: 'Names a deployment' }),
    dry_run: z.boolean().default(false),
  }).superRefine((request, context) => {
    if (request.resources === undefined && request.type === undefined) {
      context.addIssue({ code: 'custom', path: ['type'], message: 'expected the type of the resource, or `resources`, got nothing' });
    }
    if (request.resources === undefined) return;
    for (const key of OF_ONE_RESOURCE) {
      if (isGiven(request[key]))
        context.addIssue({ code: 'custom', path: [key], message: 'belongs to each of `resources`, not beside them' });
    }
  });

/** One resource by its own keys, or a plan by `resources`; `account`, `region` and `namespace` of a plan are the target of all its resources. */
export const evaluateRequest = requestOf(resourceInput, 1, MAX_RESOURCES).meta({ id: 'EvaluateRequest' });
const anyTexts = {
  type: z.string(),
  tags: z.record(z.string(), z.string()).default({}),
  name: z.string().nullish(),
  unknown: z.array(z.string()).optional(),
};
/** As the log keeps it: a document of another tool may have more resources, or none, and longer names and tags; and types were once not looked at. */
export const loggedRequest = requestOf(wireObject({ ...resourceInputKeys, ...anyTexts }), 0, Number.MAX_SAFE_INTEGER);
export type EvaluateRequest = z.output<typeof evaluateRequest>;

/** The resources of a request, in its order, each with the plan's target where it names none of its own. */
export function toResources(request: EvaluateRequest): readonly Resource[] {
  const { provider, account, region, namespace } = request;
  const target: Target = { provider: provider ?? null, account: account ?? null, region: region ?? null, namespace: namespace ?? null };
  if (request.resources !== undefined) return request.resources.map((resource) => toResource(resource, target));
  return [toResource({ ...request, type: request.type ?? '' }, target)];
}

const findingSchema = z
  .object({
    policy_name: z.string(),
    policy_version: z.string(),
    rule_name: z.string(),
    severity: z.enum(SEVERITIES),
    effect: effectSchema,
    resource_type: z.string(),
    resource_id: z.string().meta({ description: 'Address in the plan, else id, else name' }),
    path: z.string(),
    observed: json,
    limit: json,
    message: z.string(),
    fix: z.object({ set: z.record(z.string(), json), text: z.string() }).nullable(),
    exception_hint: z
      .object({
        policy_name: z.string(),
        rule_name: z.string(),
        resource: z.record(z.string(), z.string()).meta({ description: 'As `POST /v1/exceptions` takes it' }),
      })
      .nullable(),
    exception_hint_missing: z
      .string()
      .nullable()
      .meta({ description: 'What the request would have to say so that an exception can be requested for what it plans' }),
  })
  .meta({ id: 'Finding' });

export const decisionSchema = z
  .object({
    allowed: z.boolean(),
    decision: z.enum(DECISIONS),
    message: z.string(),
    violations: z.array(findingSchema),
    warnings: z.array(findingSchema),
    unknowns: z.array(
      z.object({
        policy_name: z.string(),
        policy_version: z.string(),
        rule_name: z.string(),
        resource_id: z.string(),
        path: z.string(),
        reason: z.string(),
        effect: z.enum(UNKNOWN_EFFECTS),
      }),
    ),
    errors: z.array(
      z.object({ policy_name: z.string(), policy_version: z.string(), rule_name: z.string().nullable(), message: z.string() }),
    ),
    exceptions_applied: z.array(
      z.object({ id: z.string(), policy_name: z.string(), rule_name: z.string(), resource_id: z.string(), expires_at: instant.nullable() }),
    ),
    cost: z.object({
      low: z.string().nullable(),
      likely: z.string().nullable(),
      high: z.string().nullable(),
      currency: z.string(),
      period: z.literal('month'),
      unpriced: z.array(z.string()),
    }),
    notes: z
      .array(
        z.object({
          policy_name: z.string(),
          policy_version: z.string(),
          rule_name: z.string(),
          resource_id: z.string(),
          message: z.string(),
        }),
      )
      .meta({ description: 'What will apply to a resource, neither for nor against it: the windows of a schedule' }),
    notices: z.array(z.string()).meta({ description: 'What was left out of the document, or is incomplete in it' }),
    holds: z.array(
      z.object({
        id: z.string(),
        policy_name: z.string(),
        rule_name: z.string(),
        period: z.string(),
        amount: z.string(),
        expires_at: instant,
      }),
    ),
    approvals: z
      .array(
        z.object({
          id: z.string(),
          policy_name: z.string(),
          rule_name: z.string(),
          status: z.enum(['pending', 'rejected']),
          approvers: z.array(z.string()),
          expires_at: instant.meta({ description: 'A pending one lapses then; a rejected one stands until then' }),
          decided_by: z.string().nullable(),
          reason: z.string().nullable().meta({ description: 'Why it was rejected' }),
        }),
      )
      .meta({
        description:
          'Of a request that needs approval: what waits for a decision, and what was rejected and still stands. The same request is allowed once all are approved',
      }),
    policy_set: z.string(),
    decision_id: z.string(),
    evaluated_at: instant,
    degraded: z.boolean().meta({ description: 'The database is away: answered from memory' }),
    durable: z.boolean().meta({
      description:
        'False when the decision was not logged before this answer: the database is away (`degraded`) and it is logged as soon as it is back, or the log is set to `relaxed` and it is logged within 50 ms',
    }),
  })
  .meta({ id: 'Decision' });
export type WireDecision = z.infer<typeof decisionSchema>;

/** The interval of a month's cost; null where nothing is known. */
export type WireCost = WireDecision['cost'];
