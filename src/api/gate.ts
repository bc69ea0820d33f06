/** The one way from a request to its answer, whatever door it came through: judge, word, log, then answer. */
import { TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Intake } from '../intake/intake.js';
import type { Resource } from '../policy/model.js';
import { readBudgetsFor } from '../store/budget-ledger.js';
import { isDatabaseAway } from '../store/db.js';
import type { Logged } from '../store/decision-log.js';
import { askForApproval } from './approvals.js';
import { toWireAsked } from './contract/answer.js';
import { type WireDecision } from './contract/evaluate.js';
import type { LoggedDecision } from './decision-facts.js';
import { noteTold } from './denial-notices.js';
import type { GateContext } from './deps.js';
import { endExhausted } from './exhausted.js';
import { type Hearing, hear, type Known } from './judge.js';
import { unlessAway } from './patience.js';
import { type PreparedIntake, prepareIntake } from './prepare.js';
import { createRecorder, type Recorder } from './record.js';
import type { Principal } from './route.js';
import { settleRequest } from './settle.js';

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
export function gateRequestOf(intake: Intake | PreparedIntake, options: DoorOptions): GateRequest {
  const { resources, notices, planDigest, wireText } = 'wireText' in intake ? intake : prepareIntake(intake);
  const { requester, dryRun, idempotencyKey } = options;
  const rest = JSON.stringify({ requester, idempotency_key: idempotencyKey, dry_run: dryRun });
  return {
    ...options,
    resources,
    planDigest,
    account: resources.find(({ account }) => account !== null)?.account ?? null,
    notices,
    logged: `{"resources":${wireText},${rest.slice(1)}`,
  };
}

export function mayNameOthers({ roles }: Principal): boolean {
  return roles.includes('deployer') || roles.includes('admin');
}

/** @throws forbidden when the principal names somebody else and is no deployer */
export function requesterOf(named: string | null | undefined, principal: Principal): string {
  const requester = named ?? principal.id;
  if (requester !== principal.id && !mayNameOthers(principal)) {
    throw new TollgateError('forbidden', `\`${principal.id}\` may not evaluate for \`${requester}\`: it needs role deployer`);
  }
  return requester;
}

/** An answer, and the text of it that the log keeps. */
export interface GateAnswer {
  readonly answer: WireDecision;
  readonly text: string;
}

/** The decision is in the log before it is answered, or the answer says that it is not. */
export async function answerGate(context: GateContext, asker: Asker, request: GateRequest): Promise<WireDecision> {
  return (await decideGate(context, asker, request)).answer;
}

/** `answerGate` for who sends the answer as it is: it is made into text once. */
export async function decideGate(context: GateContext, asker: Asker, request: GateRequest): Promise<GateAnswer> {
  const id = newId('dec');
  const { principal, at } = asker;
  const hearing = await hear(context, { ...request, at, principal: principal.id, decisionId: id });
  const recorder = createRecorder(context, asker, request, id);
  const { decision, durable, away } = await logged(context, { asker, request, id, hearing, recorder });
  const asked = away ? { ...decision.answer, degraded: true, durable } : decision.answer;
  const approvals =
    asked.decision === 'needs_approval' && !request.dryRun && !away ? await ask(context, asker, request, hearing, asked) : [];
  const answer = approvals.length > 0 ? { ...asked, approvals } : asked;
  if (!away && decision.denial !== null) noteTold(context.decisionLog, decision.answer, decision.denial);
  if (decision.exhausted.length > 0) void endExhausted(context, decision.exhausted);
  context.metrics.countDecision(answer.decision, answer.degraded);
  return { answer, text: approvals.length > 0 ? JSON.stringify(answer) : decision.result };
}

interface Case {
  readonly asker: Asker;
  readonly request: GateRequest;
  readonly id: string;
  readonly hearing: Hearing;
  readonly recorder: Recorder;
}

/** What rests on memory alone is decided at once; the rest is decided where it is written, under locks. */
async function logged(context: GateContext, { asker, request, id, hearing, recorder }: Case): Promise<Logged<LoggedDecision>> {
  const { touched, preview, capped, hasBudgets } = hearing;
  const { decisionLog } = context;
  if (request.dryRun && touched.length > 0)
    return decisionLog.append(await recorder.record(await hearing.judge(await look(context, { asker, request, id, touched }))));
  // What has a name may have held something before, which is given back.
  const mayHold = hasBudgets && (request.idempotencyKey ?? request.planDigest) !== null;
  const isSettled = touched.length === 0 && (request.dryRun || (capped.length === 0 && !mayHold));
  if (isSettled && preview !== undefined) return decisionLog.append(await recorder.record(preview));
  return settleRequest(context, {
    decisionId: id,
    at: asker.at,
    principal: asker.principal.id,
    requester: request.requester,
    idempotencyKey: request.idempotencyKey,
    planDigest: request.planDigest,
    touched,
    capped,
    size: 2 * request.logged.length,
    judge: hearing.judge,
    record: recorder.recordSettled,
    decideFromMemory: () => recorder.recordAtOnce(hearing.judgeFromMemory()),
  });
}

interface Looking extends Pick<Case, 'asker' | 'request' | 'id'>, Pick<Hearing, 'touched'> {}

/** A dry run looks at budgets and takes nothing. */
async function look({ pool, snapshot }: GateContext, { asker, request, id, touched }: Looking): Promise<Known> {
  // Waiting for a database that is known to be away would only hold up the answer.
  if (snapshot.degraded) return {};
  const { idempotencyKey, planDigest } = request;
  const deployment = { decisionId: id, principal: asker.principal.id, idempotencyKey, planDigest };
  try {
    return { budgets: await unlessAway(snapshot, readBudgetsFor(pool, { ...deployment, touched }, asker.at)) };
  } catch (error) {
    if (isDatabaseAway(error)) return {};
    throw error;
  }
}

/** Asked for after the decision is in the log, where it says that approval is needed; a request that was asked for already is answered with the same ids. */
async function ask(
  context: GateContext,
  { principal, at }: Asker,
  { requester }: GateRequest,
  { requestKey }: Hearing,
  answer: WireDecision,
): Promise<WireDecision['approvals']> {
  try {
    const question = { answer, requestKey: requestKey(), principal: principal.id, requester, at };
    return (await askForApproval(context, question)).map(toWireAsked);
  } catch (error) {
    if (isDatabaseAway(error)) return [];
    throw error;
  }
}
