import { TollgateError } from '../../errors.js';
import { newId } from '../../ids.js';
import type { Resource } from '../../policy/model.js';
import { hourlyFromMonthly, monthlyFromHourly, roundMoney, sum } from '../../policy/money.js';
import { addressed, type NewNotice } from '../../store/outbox.js';
import {
  decisionSchema,
  type EvaluateRequest,
  evaluateRequest,
  nameOf,
  toResources,
  toWireDecision,
  type WireCost,
  type WireDecision,
} from '../contract/evaluate.js';
import type { LoggedDecision } from '../decision-facts.js';
import type { AppContext } from '../deps.js';
import { judgeRequest } from '../judge.js';
import { type Call, defineRoute, type Principal, type Reply } from '../route.js';

/** Answers 200 for every decision, a denial too; 503 only when the policies never could be loaded, or an unseen token meets an absent database. */
export const evaluate = defineRoute('POST /v1/evaluate', {
  summary: 'Ask whether resources may be deployed',
  tag: 'Evaluation',
  body: evaluateRequest,
  idempotencyKey: false,
  answers: { 200: { description: 'The decision: allowed or not, why, and what would pass', schema: decisionSchema } },
  handle: evaluateNow,
});

async function evaluateNow(context: AppContext, call: Call<unknown, unknown, EvaluateRequest>): Promise<Reply> {
  const { body: request, principal, at } = call;
  const requester = requesterOf(request, principal);
  const { snapshot } = context;
  const state = snapshot.get();
  const resources = toResources(request).map((resource) => priced(context, resource));
  const id = newId('dec');
  const idempotencyKey = request.idempotency_key ?? null;
  const asked = { resources, at, dryRun: request.dry_run, principal: principal.id, requester, decisionId: id, idempotencyKey };
  const { decision, uses } = await judgeRequest(context, asked);
  const answer = toWireDecision(decision, {
    id,
    at,
    resources,
    cost: costOf(resources, state.installation.currency),
    policySet: state.policies.revision,
    degraded: snapshot.degraded,
  });
  const logged = { ...toLogged(call, requester, answer, resources), uses };
  const { durable } = await context.decisionLog.append(logged);
  context.metrics.countDecision(answer.decision, answer.degraded || !durable);
  return { status: 200, body: durable ? answer : { ...answer, degraded: true, durable } };
}

/** @throws forbidden when the principal names somebody else and is no deployer */
function requesterOf(request: EvaluateRequest, principal: Principal): string {
  const requester = request.requester ?? principal.id;
  const mayNameOthers = principal.roles.includes('deployer') || principal.roles.includes('admin');
  if (requester !== principal.id && !mayNameOthers) {
    throw new TollgateError('forbidden', `\`${principal.id}\` may not evaluate for \`${requester}\`: it needs role deployer`);
  }
  return requester;
}

/** The caller's own estimate where it gives one, the missing half worked out; else the price list's. */
function priced(context: AppContext, resource: Resource): Resource {
  const { hourly, monthly, source } = resource.cost;
  if (source === 'none') return { ...resource, cost: context.price(resource) };
  return {
    ...resource,
    cost: {
      hourly: hourly ?? (monthly === null ? null : hourlyFromMonthly(monthly)),
      monthly: monthly ?? (hourly === null ? null : monthlyFromHourly(hourly)),
      source,
    },
  };
}

/** A month of all resources. One without a price leaves the upper end open and is named; with none priced nothing is known. */
function costOf(resources: readonly Resource[], currency: string): WireCost {
  const known = resources.flatMap(({ cost }) => cost.monthly ?? []);
  const unpriced = resources.flatMap(({ cost }, index) => (cost.monthly === null ? [nameOf(resources, index)] : []));
  const total = known.length === 0 ? null : roundMoney(sum(known));
  return { low: total, likely: total, high: unpriced.length === 0 ? total : null, currency, period: 'month', unpriced };
}

function toLogged(
  call: Call<unknown, unknown, EvaluateRequest>,
  requester: string,
  answer: WireDecision,
  resources: readonly Resource[],
): Omit<LoggedDecision, 'uses'> {
  const { body: request, principal, at } = call;
  const dryRun = request.dry_run;
  return {
    id: answer.decision_id,
    at,
    principal: principal.id,
    requester,
    decision: answer.decision,
    dryRun,
    degraded: answer.degraded,
    policySet: answer.policy_set,
    idempotencyKey: request.idempotency_key ?? null,
    account: request.account ?? resources[0]?.account ?? null,
    request: JSON.stringify(toLoggedRequest(request)),
    result: JSON.stringify(answer),
    notices: dryRun || answer.decision !== 'deny' ? [] : denialNotices(answer, requester),
  };
}

/** The request as it crossed the wire: instants as texts again. */
function toLoggedRequest(request: EvaluateRequest): unknown {
  const instants = ({ created_at: created, detached_at: detached }: Pick<EvaluateRequest, 'created_at' | 'detached_at'>) => ({
    ...(typeof created === 'number' ? { created_at: new Date(created).toISOString() } : {}),
    ...(typeof detached === 'number' ? { detached_at: new Date(detached).toISOString() } : {}),
  });
  const resources = request.resources?.map((resource) => ({ ...resource, ...instants(resource) }));
  return { ...request, ...instants(request), ...(resources === undefined ? {} : { resources }) };
}

const FINDINGS_TOLD = 10;

function denialNotices(answer: WireDecision, requester: string): readonly NewNotice[] {
  const { violations } = answer;
  const lines = violations
    .slice(0, FINDINGS_TOLD)
    .map((finding) => `${finding.resource_id}: ${finding.message}${finding.fix === null ? '' : `; ${finding.fix.text}`}`);
  const more =
    violations.length > FINDINGS_TOLD ? [`and ${violations.length - FINDINGS_TOLD} more, see decision ${answer.decision_id}`] : [];
  const reasons = violations.length === 0 ? ['a value that a policy needs is not known'] : [...lines, ...more];
  return addressed({ subject: answer.decision_id, stage: 'denied', title: answer.message, body: reasons.join('\n') }, [requester]);
}
