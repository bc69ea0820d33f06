import type { TakenHold } from '../policy/verdict.js';
import { toWireDecision, toWireFinding } from './contract/answer.js';
import { costOf } from './contract/cost.js';
import { type WireDecision } from './contract/evaluate.js';
import type { LoggedDecision } from './decision-facts.js';
import { denialNotice } from './denial-notices.js';
import type { GateContext } from './deps.js';
import type { Asker, GateRequest } from './gate.js';
import type { Judged } from './judge.js';
import { LARGE, mapInSlices, pause, stringifyInSlices } from './slices.js';

/** Makes of what was judged the answer, and what the log keeps of it. */
export interface Recorder {
  readonly record: (judged: Judged) => LoggedDecision | Promise<LoggedDecision>;
  /** `record`, for what is answered from memory because the database is away. */
  readonly recordAtOnce: (judged: Judged) => LoggedDecision;
  /** Of what was judged under locks, in the transaction that writes it. */
  readonly recordSettled: (judged: Judged, holds: readonly TakenHold[], exhausted: readonly string[]) => Promise<LoggedDecision>;
}

export function createRecorder(context: GateContext, { principal, at }: Asker, request: GateRequest, id: string): Recorder {
  const { snapshot, decisionLog } = context;
  const { policies, installation } = snapshot.get();
  const { resources, notices, requester, dryRun } = request;

  function toAnswer({ decision }: Judged, durable: boolean, holds: readonly TakenHold[]): WireDecision {
    const cost = costOf(resources, installation.currency);
    const { revision: policySet } = policies;
    return toWireDecision(decision, { id, at, resources, cost, policySet, degraded: snapshot.degraded, durable, notices, holds });
  }

  async function toLargeAnswer({ decision, ...rest }: Judged, durable: boolean, holds: readonly TakenHold[]): Promise<WireDecision> {
    // Judging has just ended with the budgets of them all, and the costs of them all come next.
    await pause();
    const answer = toAnswer({ decision: { ...decision, violations: [], warnings: [] }, ...rest }, durable, holds);
    const toWire = (findings: Judged['decision']['violations']) => mapInSlices(findings, (finding) => toWireFinding(finding, resources));
    return { ...answer, violations: await toWire(decision.violations), warnings: await toWire(decision.warnings) };
  }

  function toLogged(judged: Judged, answer: WireDecision, result: string, exhausted: readonly string[]): LoggedDecision {
    return {
      id,
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
      result,
      door: request.door,
      planDigest: request.planDigest,
      facts: judged.facts,
      answer,
      uses: judged.uses,
      denial: dryRun || answer.decision !== 'deny' ? null : denialNotice(decisionLog, answer, requester),
      exhausted,
    };
  }

  async function recordAs(
    judged: Judged,
    durable: boolean,
    holds: readonly TakenHold[],
    exhausted: readonly string[],
  ): Promise<LoggedDecision> {
    const isLarge = resources.length >= LARGE;
    const answer = isLarge ? await toLargeAnswer(judged, durable, holds) : toAnswer(judged, durable, holds);
    return toLogged(judged, answer, isLarge ? await stringifyInSlices(answer) : JSON.stringify(answer), exhausted);
  }

  const isDurable = decisionLog.mode === 'durable';
  const recordAtOnce = (judged: Judged) => {
    const answer = toAnswer(judged, isDurable, []);
    return toLogged(judged, answer, JSON.stringify(answer), []);
  };
  return {
    record: (judged) => (resources.length < LARGE ? recordAtOnce(judged) : recordAs(judged, isDurable, [], [])),
    recordAtOnce,
    recordSettled: (judged, holds, exhausted) => recordAs(judged, true, holds, exhausted),
  };
}
