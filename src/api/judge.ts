/** Judges a request of the gate: by what is in memory, and by what the database knows better. */
import { createHash } from 'node:crypto';
import { type BudgetState, budgetKey, type TouchedBudget } from '../policy/budget.js';
import { budgetRulesOf, touchedBudgets } from '../policy/budget-rules.js';
import { type EvaluationContext, evaluateRequest, evaluateRequestInSlices } from '../policy/evaluate.js';
import { coveringOf } from '../policy/exception.js';
import type { Resource } from '../policy/model.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { Decision } from '../policy/verdict.js';
import type { ExceptionUse } from '../store/exception-uses.js';
import { grantedOf, requestKeyOf } from './approval-key.js';
import { nameOf } from './contract/answer.js';
import type { GateContext } from './deps.js';
import { LARGE, pause } from './slices.js';

export interface GateQuestion {
  readonly resources: readonly Resource[];
  readonly at: number;
  readonly dryRun: boolean;
  readonly principal: string;
  readonly requester: string;
  readonly decisionId: string;
  /** Of the body: names a deployment, whose repeats use an exception once. */
  readonly idempotencyKey: string | null;
}

/** What is known of a request besides what is in memory. What is absent is not known: budgets then are unknown. */
export interface Known {
  readonly budgets?: ReadonlyMap<string, BudgetState>;
  /** By exception with a cap on uses, where it is known better than in memory. */
  readonly usesLeft?: ReadonlyMap<string, number>;
}

export interface Judged {
  readonly decision: Decision;
  /** Empty for what has no consequences: a dry run, a request that is not allowed. */
  readonly uses: readonly ExceptionUse[];
  /** JSON text of what it rested on besides the policies; null when on nothing. */
  readonly facts: string | null;
}

export interface Hearing {
  /** Names the request for approvals. */
  readonly requestKey: () => string;
  /** The budgets whose state decides. */
  readonly touched: readonly TouchedBudget[];
  /** By what is in memory alone. Undefined where budgets have the last word, unless the database is known to be away: nobody would read it. */
  readonly preview: Judged | undefined;
  /** Uses of exceptions with a cap that may be made of it: the database has the last word on these. */
  readonly capped: readonly ExceptionUse[];
  /** Whether any policy has a budget, so that its deployment may hold something from before. */
  readonly hasBudgets: boolean;
  /** Judges with what is known. Pure: it may be asked any number of times. A large plan holds up nobody else meanwhile. */
  readonly judge: (known: Known) => Promise<Judged>;
  /** As it is judged while the database is away: nothing then says what is left of a cap, so that such an exception permits nothing. */
  readonly judgeFromMemory: () => Judged;
}

/** Everything about a request that does not need the database. */
export async function hear(context: GateContext, question: GateQuestion): Promise<Hearing> {
  const { policies, exceptions, exceptionRecords, granted } = context.snapshot.get();
  const { resources, at } = question;
  let key: string | undefined;
  const requestKey = () => (key ??= requestKeyOf(question.requester, resources));
  const touched = touchedBudgets(policies.compiled, resources, at);
  if (resources.length >= LARGE) await pause();

  const evaluate = (given: EvaluationContext) => evaluateRequest(policies.compiled, exceptions, { resources }, at, given);
  const evaluateLarge = (given: EvaluationContext) =>
    evaluateRequestInSlices(policies.compiled, exceptions, { resources }, at, { ...given, pause });
  const approvedOf = ({ decision }: Decision) =>
    decision === 'needs_approval' && granted.size > 0 ? grantedOf(granted, requestKey(), at) : NONE;
  const toJudged = (decision: Decision, known: Known, approved: ReadonlySet<string>): Judged => ({
    decision,
    uses: usesOf(decision, question),
    facts: factsOf(decision, touched, known, approved),
  });

  const judgeAtOnce = (known: Known): Judged => {
    const given: EvaluationContext = { offers: context.offers, ...known };
    const asked = evaluate(given);
    const approved = approvedOf(asked);
    return toJudged(approved.size > 0 ? evaluate({ ...given, approved }) : asked, known, approved);
  };

  const judge = async (known: Known): Promise<Judged> => {
    if (resources.length < LARGE) return judgeAtOnce(known);
    const given: EvaluationContext = { offers: context.offers, ...known };
    const asked = await evaluateLarge(given);
    const approved = approvedOf(asked);
    return toJudged(approved.size > 0 ? await evaluateLarge({ ...given, approved }) : asked, known, approved);
  };

  function factsOf(
    { exceptionsApplied }: Decision,
    budgets: readonly TouchedBudget[],
    known: Known,
    approved: ReadonlySet<string>,
  ): string | null {
    if (exceptionsApplied.length === 0 && budgets.length === 0 && approved.size === 0) return null;
    const applied = new Set(exceptionsApplied.map(({ id }) => id));
    const facts: DecisionFactsRecord = {
      exceptions: exceptionRecords.filter(({ id }) => applied.has(id)),
      usesLeft: [...(known.usesLeft ?? [])],
      budgets: budgets.flatMap((budget) => known.budgets?.get(budgetKey(budget)) ?? []),
      approved: [...approved],
    };
    return JSON.stringify(facts);
  }

  const isIdle = touched.length > 0 && !context.snapshot.degraded;
  const preview = isIdle ? undefined : resources.length < LARGE ? judgeAtOnce({}) : await judge({});
  const withCap = exceptionRecords.filter(hasCap);
  const cappedIds = new Set(withCap.map(({ id }) => id));
  // Of a budget that is not known yet nobody can say which exceptions it will need.
  const capped =
    preview === undefined || touched.length > 0
      ? possibleUses(withCap, question)
      : preview.uses.filter(({ exceptionId }) => cappedIds.has(exceptionId));
  const noUses = () => new Map(withCap.map(({ id }) => [id, 0]));
  return {
    requestKey,
    touched,
    preview,
    capped,
    hasBudgets: budgetRulesOf(policies.compiled).length > 0,
    judge,
    judgeFromMemory: () => (preview !== undefined && capped.length === 0 ? preview : judgeAtOnce({ usesLeft: noUses() })),
  };
}

const NONE: ReadonlySet<string> = new Set();

function hasCap({ caps }: ExceptionRecord): boolean {
  return caps.uses !== null;
}

/** What a decision rested on besides the policies, as the log keeps it for a replay. */
export interface DecisionFactsRecord {
  /** Those that were applied, as they were. */
  readonly exceptions: readonly object[];
  readonly usesLeft: readonly (readonly [exceptionId: string, left: number])[];
  /** As they were read under the lock. */
  readonly budgets: readonly BudgetState[];
  /** `policy/rule` of what was approved of it. */
  readonly approved: readonly string[];
}

function usesOf(decision: Decision, question: GateQuestion): readonly ExceptionUse[] {
  const hasConsequences = !question.dryRun && (decision.decision === 'allow' || decision.decision === 'warn');
  if (!hasConsequences || decision.exceptionsApplied.length === 0) return [];
  return decision.exceptionsApplied.map(({ id, resourceIndex }) => useOf(id, resourceIndex, question));
}

/** One for each resource that each of these exceptions covers. */
function possibleUses(records: readonly ExceptionRecord[], question: GateQuestion): readonly ExceptionUse[] {
  const approved = records.filter(({ status }) => status === 'approved');
  if (question.dryRun || approved.length === 0) return [];
  const covering = coveringOf(approved);
  return question.resources.flatMap((resource, index) => covering(resource).map(({ id }) => useOf(id, index, question)));
}

function useOf(exceptionId: string, resourceIndex: number, question: GateQuestion): ExceptionUse {
  return { exceptionId, key: useKey(question, resourceIndex), usedBy: question.requester, at: question.at };
}

function useKey({ decisionId, idempotencyKey, principal, resources }: GateQuestion, index: number): string {
  if (idempotencyKey === null) return `${decisionId}:${index}`;
  const input = JSON.stringify([principal, idempotencyKey, resources[index]?.type, nameOf(resources, index)]);
  return `deployment:${createHash('sha256').update(input).digest('hex')}`;
}
