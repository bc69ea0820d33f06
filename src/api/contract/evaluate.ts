import { z } from 'zod';
import type { ApprovalRecord } from '../../policy/approval.js';
import { effectiveNamespace } from '../../policy/match.js';
import {
  type AppliedException,
  type Decision,
  type DecisionWord,
  type DeployFinding,
  type DeployUnknown,
  type Effect,
  ENFORCEMENTS,
  ON_UNKNOWNS,
  type Resource,
  SEVERITIES,
  type TakenHold,
  type UnknownEffect,
} from '../../policy/model.js';
import { expecting } from '../input.js';
import { resourceInput, resourceInputKeys, type Target, toResource } from './resource.js';
import { instant, json, principalId, text, toWireInstant, wireObject } from './values.js';

const MAX_RESOURCES = 1_000;
const EFFECTS = [...ENFORCEMENTS, 'needs_approval'] as const satisfies readonly Effect[];
export const effectSchema = z.enum(EFFECTS);
const UNKNOWN_EFFECTS = [...ON_UNKNOWNS, 'needs_approval'] as const satisfies readonly UnknownEffect[];
export const DECISIONS = ['allow', 'warn', 'needs_approval', 'deny'] as const satisfies readonly DecisionWord[];

const { type, ...optionalKeys } = resourceInputKeys;

/** Keys of a plan that are the target of all its resources; every other one says something of one resource. */
const OF_THE_PLAN: ReadonlySet<string> = new Set(['account', 'region', 'namespace', 'provider']);
const OF_ONE_RESOURCE = (Object.keys(resourceInputKeys) as (keyof typeof resourceInputKeys)[]).filter((key) => !OF_THE_PLAN.has(key));

/** An empty object is what tags and specs are by default. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

const requestOf = (leastResources: number, mostResources: number) =>
  wireObject({
    type: type.optional(),
    ...optionalKeys,
    resources: expecting(
      `a list of ${leastResources} to ${mostResources} resources`,
      z.array(resourceInput).min(leastResources).max(mostResources),
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
export const evaluateRequest = requestOf(1, MAX_RESOURCES).meta({ id: 'EvaluateRequest' });
/** As the log keeps it: a document of another tool may have more resources, or none. */
export const loggedRequest = requestOf(0, Number.MAX_SAFE_INTEGER);
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
        z.object({ id: z.string(), policy_name: z.string(), rule_name: z.string(), approvers: z.array(z.string()), expires_at: instant }),
      )
      .meta({
        description: 'Of a request that needs approval: what waits for a decision. The same request is allowed once all are approved',
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

export interface DecisionFacts {
  readonly id: string;
  readonly at: number;
  readonly resources: readonly Resource[];
  readonly cost: WireCost;
  readonly policySet: string;
  readonly degraded: boolean;
  /** Whether the decision is written before it is answered. */
  readonly durable: boolean;
  readonly notices: readonly string[];
  readonly holds: readonly TakenHold[];
}

const MESSAGES: { readonly [W in DecisionWord]: string } = {
  allow: 'Request compliant with all policies',
  warn: 'Request allowed with warnings',
  needs_approval: 'Request needs approval',
  deny: 'Request denied due to policy violations',
};

export function toWireDecision(decision: Decision, facts: DecisionFacts): WireDecision {
  const { resources } = facts;
  return {
    allowed: decision.decision === 'allow' || decision.decision === 'warn',
    decision: decision.decision,
    message: MESSAGES[decision.decision],
    violations: decision.violations.map((finding) => toWireFinding(finding, resources)),
    warnings: decision.warnings.map((finding) => toWireFinding(finding, resources)),
    unknowns: decision.unknowns.map((unknown) => toWireUnknown(unknown, resources)),
    errors: decision.errors.map((error) => ({
      policy_name: error.policyName,
      policy_version: error.policyVersion,
      rule_name: error.ruleName,
      message: error.message,
    })),
    exceptions_applied: decision.exceptionsApplied.map((exception) => toWireApplied(exception, resources)),
    cost: facts.cost,
    notes: decision.notes.map((note) => ({
      policy_name: note.policyName,
      policy_version: note.policyVersion,
      rule_name: note.ruleName,
      resource_id: nameOf(resources, note.resourceIndex),
      message: note.message,
    })),
    notices: [...facts.notices],
    holds: facts.holds.map(toWireHold),
    approvals: [],
    policy_set: facts.policySet,
    decision_id: facts.id,
    evaluated_at: toWireInstant(facts.at),
    degraded: facts.degraded,
    durable: facts.durable,
  };
}

/** What a resource is called in an answer: its address in the plan, else its id, else its name, else its place in the request. */
export function nameOf(resources: readonly Resource[], index: number): string {
  const resource = resources[index];
  return resource?.address ?? resource?.id ?? resource?.name ?? `resources[${index}]`;
}

export function toWireFinding(finding: DeployFinding, resources: readonly Resource[]): WireDecision['violations'][number] {
  return {
    policy_name: finding.policyName,
    policy_version: finding.policyVersion,
    rule_name: finding.ruleName,
    severity: finding.severity,
    effect: finding.effect,
    resource_type: finding.resourceType,
    resource_id: nameOf(resources, finding.resourceIndex),
    path: finding.path,
    observed: finding.observed,
    limit: finding.limit,
    message: finding.message,
    fix: finding.fix && { set: { ...finding.fix.set }, text: finding.fix.text },
    ...toExceptionHint(finding, resources[finding.resourceIndex]),
  };
}

type ExceptionHint = Pick<WireDecision['violations'][number], 'exception_hint' | 'exception_hint_missing'>;

/** The planned resource as an exception request names it; an address where there is one, else the name. None of it may be missing. */
function toExceptionHint({ policyName, ruleName }: DeployFinding, resource: Resource | undefined): ExceptionHint {
  if (resource === undefined) return { exception_hint: null, exception_hint_missing: null };
  const { type: kind, account, address, name } = resource;
  const namespace = effectiveNamespace(resource);
  const missing = [
    account === null ? '`account`' : [],
    namespace === null ? '`namespace`' : [],
    address === null && name === null ? '`name` or `address`' : [],
  ].flat();
  if (account === null || namespace === null || missing.length > 0) {
    const words = `give ${missing.join(' and ')}: an exception for a planned resource names it by all of them`;
    return { exception_hint: null, exception_hint_missing: words };
  }
  const named: Record<string, string> = address === null ? { name: name ?? '' } : { address };
  const target = { type: kind, account, namespace, ...named };
  return { exception_hint: { policy_name: policyName, rule_name: ruleName, resource: target }, exception_hint_missing: null };
}

function toWireUnknown(unknown: DeployUnknown, resources: readonly Resource[]): WireDecision['unknowns'][number] {
  return {
    policy_name: unknown.policyName,
    policy_version: unknown.policyVersion,
    rule_name: unknown.ruleName,
    resource_id: nameOf(resources, unknown.resourceIndex),
    path: unknown.path,
    reason: unknown.reason,
    effect: unknown.effect,
  };
}

function toWireHold(hold: TakenHold): WireDecision['holds'][number] {
  return {
    id: hold.id,
    policy_name: hold.policyName,
    rule_name: hold.ruleName,
    period: hold.period,
    amount: hold.amount,
    expires_at: toWireInstant(hold.expiresAt),
  };
}

function toWireApplied(exception: AppliedException, resources: readonly Resource[]): WireDecision['exceptions_applied'][number] {
  return {
    id: exception.id,
    policy_name: exception.policyName,
    rule_name: exception.ruleName,
    resource_id: nameOf(resources, exception.resourceIndex),
    expires_at: toWireInstant(exception.expiresAt),
  };
}

export function toWireAsked(record: ApprovalRecord): WireDecision['approvals'][number] {
  return {
    id: record.id,
    policy_name: record.policyName,
    rule_name: record.ruleName,
    approvers: [...record.approvers],
    expires_at: toWireInstant(record.expiresAt),
  };
}
