/** The one way from a request to its answer, whatever door it came through: judge, word, log, then answer. */
import { createHash } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Intake } from '../intake/intake.js';
import { canonicalJson } from '../policy/canonical.js';
import type { Resource } from '../policy/model.js';
import { costOf } from './contract/cost.js';
import { toWireDecision, type WireDecision } from './contract/evaluate.js';
import { toWireResourceInput } from './contract/resource-input.js';
import type { LoggedDecision } from './decision-facts.js';
import { denialNotices } from './denial-notices.js';
import type { AppContext } from './deps.js';
import { judgeRequest } from './judge.js';
import type { Principal } from './route.js';

export type Door = 'evaluate' | 'terraform' | 'opa' | 'admission' | 'run-task' | 'infracost' | 'cloudformation' | 'pulumi';

/** A request in our own words. */
export interface GateRequest {
  readonly door: Door;
  /** Each with its cost. */
  readonly resources: readonly Resource[];
  readonly requester: string;
  readonly dryRun: boolean;
  /** Of the body: names a deployment. */
  readonly idempotencyKey: string | null;
  /** `sha256:…` of what a plan asks for: equal plans are one deployment. Null for a single resource. */
  readonly planDigest: string | null;
  readonly account: string | null;
  /** Said in the answer, as they are. */
  readonly notices: readonly string[];
  /** JSON text for the log: the body that `POST /v1/evaluate` would take for the same question. Without secrets. */
  readonly logged: string;
}

export interface Asker {
  readonly principal: Principal;
  readonly at: number;
}

/** What a door's request says besides the document itself. */
export interface DoorOptions {
  readonly door: Door;
  readonly requester: string;
  readonly dryRun: boolean;
  readonly idempotencyKey: string | null;
}

/** The request that a document makes. */
export function gateRequestOf({ resources, notices }: Intake, options: DoorOptions): GateRequest {
  const { requester, dryRun, idempotencyKey } = options;
  const wire = resources.map(toWireResourceInput);
  const digest = createHash('sha256').update(canonicalJson(wire)).digest('hex');
  return {
    ...options,
    resources,
    planDigest: `sha256:${digest}`,
    account: resources.find(({ account }) => account !== null)?.account ?? null,
    notices,
    logged: JSON.stringify({ resources: wire, requester, idempotency_key: idempotencyKey, dry_run: dryRun }),
  };
}

/** @throws forbidden when the principal names somebody else and is no deployer */
export function requesterOf(named: string | null | undefined, principal: Principal): string {
  const requester = named ?? principal.id;
  const mayNameOthers = principal.roles.includes('deployer') || principal.roles.includes('admin');
  if (requester !== principal.id && !mayNameOthers) {
    throw new TollgateError('forbidden', `\`${principal.id}\` may not evaluate for \`${requester}\`: it needs role deployer`);
  }
  return requester;
}

/** The decision is in the log before it is answered, or the answer says that it is not. */
export async function answerGate(context: AppContext, { principal, at }: Asker, request: GateRequest): Promise<WireDecision> {
  const { snapshot } = context;
  const state = snapshot.get();
  const id = newId('dec');
  const { decision, uses } = await judgeRequest(context, { ...request, at, principal: principal.id, decisionId: id });
  const answer = toWireDecision(decision, {
    id,
    at,
    resources: request.resources,
    cost: costOf(request.resources, state.installation.currency),
    policySet: state.policies.revision,
    degraded: snapshot.degraded,
    notices: request.notices,
  });
  const { durable } = await context.decisionLog.append({ ...toLogged(principal, at, request, answer), uses });
  context.metrics.countDecision(answer.decision, answer.degraded || !durable);
  return durable ? answer : { ...answer, degraded: true, durable };
}

function toLogged(principal: Principal, at: number, request: GateRequest, answer: WireDecision): Omit<LoggedDecision, 'uses'> {
  const { requester, dryRun } = request;
  return {
    id: answer.decision_id,
    at,
    principal: principal.id,
    requester,
    decision: answer.decision,
    dryRun,
    degraded: answer.degraded,
    policySet: answer.policy_set,
    idempotencyKey: request.idempotencyKey,
    account: request.account,
    request: request.logged,
    result: JSON.stringify(answer),
    notices: dryRun || answer.decision !== 'deny' ? [] : denialNotices(answer, requester),
  };
}
