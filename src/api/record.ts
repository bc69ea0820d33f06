import type { TakenHold } from '../policy/model.js';
import { costOf } from './contract/cost.js';
import { toWireDecision, type WireDecision } from './contract/evaluate.js';
import type { LoggedDecision } from './decision-facts.js';
import { denialNotice } from './denial-notices.js';
import type { GateContext } from './deps.js';
import type { Asker, GateRequest } from './gate.js';
import type { Judged } from './judge.js';

/** Makes of what was judged the answer, and what the log keeps of it. */
export interface Recorder {
  readonly record: (judged: Judged) => LoggedDecision;
  /** Of what was judged under locks, in the transaction that writes it. */
  readonly recordSettled: (judged: Judged, holds: readonly TakenHold[], exhausted: readonly string[]) => LoggedDecision;
}

export function createRecorder(context: GateContext, { principal, at }: Asker, request: GateRequest, id: string): Recorder {
  const { snapshot, decisionLog } = context;
  const { policies, installation } = snapshot.get();
  const { resources, notices, requester, dryRun } = request;

  function recordAs(judged: Judged, durable: boolean, holds: readonly TakenHold[], exhausted: readonly string[]): LoggedDecision {
    const answer = toWireDecision(judged.decision, {
      id,
      at,
      resources,
      cost: costOf(resources, installation.currency),
      policySet: policies.revision,
      degraded: snapshot.degraded,
      durable,
      notices,
      holds,
    });
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
      result: JSON.stringify(answer),
      door: request.door,
      planDigest: request.planDigest,
      facts: judged.facts,
      answer,
      uses: judged.uses,
      denial: dryRun || answer.decision !== 'deny' ? null : denialNotice(decisionLog, answer, requester),
      exhausted,
    };
  }

  return {
    record: (judged) => recordAs(judged, decisionLog.mode === 'durable', [], []),
    recordSettled: (judged, holds, exhausted) => recordAs(judged, true, holds, exhausted),
  };
}
