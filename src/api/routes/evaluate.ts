import { createHash } from 'node:crypto';
import { TollgateError } from '../../errors.js';
import { newId } from '../../ids.js';
import type { Resource } from '../../policy/model.js';
import { addressed, type NewNotice } from '../../store/outbox.js';
import { costOf, toPricedResources } from '../contract/cost.js';
import { decisionSchema, type EvaluateRequest, evaluateRequest, toWireDecision, type WireDecision } from '../contract/evaluate.js';
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
  const { currency } = state.installation;
  const resources = toPricedResources(request, context.price, currency);
  const id = newId('dec');
  const idempotencyKey = request.idempotency_key ?? null;
  const asked = { resources, at, dryRun: request.dry_run, principal: principal.id, requester, decisionId: id, idempotencyKey };
  const { decision, uses } = await judgeRequest(context, asked);
  const answer = toWireDecision(decision, {
    id,
    at,
    resources,
    cost: costOf(resources, currency),
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
  return addressed({ ...denialKey(answer, requester), title: answer.message, body: reasons.join('\n') }, [requester]);
}

const HOUR_OF_INSTANT = '2026-11-22T10'.length;

/** Subject and stage: a pipeline that tries again and again is told once an hour of the same findings, not at each denial. */
function denialKey({ violations, unknowns, evaluated_at: at }: WireDecision, requester: string): Pick<NewNotice, 'subject' | 'stage'> {
  const findings = [...violations, ...unknowns].map(({ policy_name, rule_name, resource_id, path }) => [
    policy_name,
    rule_name,
    resource_id,
    path,
  ]);
  const hash = createHash('sha256')
    .update(JSON.stringify([requester, findings]))
    .digest('hex');
  return { subject: `denial:${hash}`, stage: `denied ${at.slice(0, HOUR_OF_INSTANT)}` };
}
