/** Judges a logged request again: as it was judged, or as it would be judged now. Nothing is logged, held or told. */
import type { z } from 'zod';
import { TollgateError } from '../errors.js';
import { type BudgetState, budgetKey } from '../policy/budget.js';
import { touchedBudgets } from '../policy/budget-rules.js';
import { type CompiledPolicies, compilePolicies } from '../policy/compile.js';
import { type EvaluationContext, evaluateRequest } from '../policy/evaluate.js';
import { compileExceptions } from '../policy/exception.js';
import { explainRequest } from '../policy/explain.js';
import type { Resource } from '../policy/model.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { Decision, TakenHold } from '../policy/verdict.js';
import { readBudgetsFor } from '../store/budget-ledger.js';
import type { DecisionRecord } from '../store/decisions.js';
import { loadPolicySet } from '../store/enforcing.js';
import { grantedOf, requestKeyOf } from './approval-key.js';
import { toWireDecision } from './contract/answer.js';
import { costOf, pricedResources } from './contract/cost.js';
import { type EvaluateRequest, loggedRequest, toResources, type WireDecision } from './contract/evaluate.js';
import { type explanationSchema, noExplanation, toWireExplanation } from './contract/explanation.js';
import { differencesOf, type replaySchema } from './contract/replay.js';
import type { AppContext } from './deps.js';
import type { DecisionFactsRecord } from './judge.js';

export type Replay = z.infer<typeof replaySchema>;

/** @throws not-found when what its policy set stood for is not recorded; conflict when the request as logged cannot be read any more */
export async function replay(context: AppContext, record: DecisionRecord, policies: 'then' | 'now', at: number): Promise<Replay> {
  const original = JSON.parse(record.result) as WireDecision;
  const resources = resourcesOf(context, record);
  const again = policies === 'then' ? asThen : asNow;
  const { decision, policySet } = await again(context, record, resources, at);
  const result = toWireDecision(decision, {
    id: record.id,
    at: policies === 'then' ? record.at : at,
    resources,
    cost: costOf(resources, original.cost.currency),
    policySet,
    degraded: original.degraded,
    durable: original.durable,
    notices: original.notices,
    holds: policies === 'then' ? heldOf(decision, original) : [],
  });
  const differences = differencesOf(original, policies === 'then' ? result : { ...result, holds: original.holds });
  const same = policies === 'then' ? JSON.stringify(result) === record.result : differences.length === 0;
  return {
    decision_id: record.id,
    policies,
    policy_set: policySet,
    same,
    before: original.decision,
    after: result.decision,
    differences,
    result,
  };
}

/**
 * Of a document the log has each resource with the cost that it had; of a request it has what was asked, and the price list prices it again.
 * @throws conflict when the request as logged cannot be read any more
 */
export function resourcesOf(context: Pick<AppContext, 'price' | 'lookup'>, record: DecisionRecord): readonly Resource[] {
  const { success, data } = loggedRequest.safeParse(JSON.parse(record.request));
  if (!success) throw new TollgateError('conflict', `the request of \`${record.id}\`, as logged, is not one that this program can read`);
  const request: EvaluateRequest = data;
  if (record.door !== 'evaluate' && record.door !== 'opa') return toResources(request);
  return pricedResources(request, context);
}

interface Again {
  readonly decision: Decision;
  readonly policySet: string;
}

const NOTHING_ELSE: DecisionFactsRecord = { exceptions: [], usesLeft: [], budgets: [], approved: [] };

/** What it was judged by: the arguments of the core, but for the resources. */
async function argumentsOf(context: AppContext, record: DecisionRecord) {
  const facts = record.facts === null ? NOTHING_ELSE : (JSON.parse(record.facts) as DecisionFactsRecord);
  const given: EvaluationContext = {
    offers: context.offers,
    usesLeft: new Map(facts.usesLeft),
    ...(facts.budgets.length > 0 ? { budgets: byKey(facts.budgets) } : {}),
    approved: new Set(facts.approved),
  };
  const exceptions = compileExceptions(facts.exceptions as readonly ExceptionRecord[]);
  return { compiled: await policiesOf(context, record.policySet), exceptions, given };
}

async function asThen(context: AppContext, record: DecisionRecord, resources: readonly Resource[]): Promise<Again> {
  const { compiled, exceptions, given } = await argumentsOf(context, record);
  return { decision: evaluateRequest(compiled, exceptions, { resources }, record.at, given), policySet: record.policySet };
}

/** What each rule made of each resource of a logged request, or of the one of that name. */
export async function explain(
  context: AppContext,
  record: DecisionRecord,
  name: string | undefined,
): Promise<z.infer<typeof explanationSchema>> {
  try {
    const resources = resourcesOf(context, record);
    const { compiled, exceptions, given } = await argumentsOf(context, record);
    return toWireExplanation(explainRequest(compiled, exceptions, { resources }, record.at, given), resources, name);
  } catch (error) {
    if (error instanceof TollgateError && (error.code === 'not-found' || error.code === 'conflict')) return noExplanation(error.message);
    throw error;
  }
}

function byKey(budgets: readonly BudgetState[]): ReadonlyMap<string, BudgetState> {
  return new Map(budgets.map((state) => [budgetKey(state), state]));
}

async function asNow(context: AppContext, record: DecisionRecord, resources: readonly Resource[], at: number): Promise<Again> {
  const { policies, exceptions, granted } = context.snapshot.get();
  const { compiled, revision } = policies;
  const touched = touchedBudgets(compiled, resources, at);
  const decision = evaluateRequest(compiled, exceptions, { resources }, at, {
    offers: context.offers,
    ...(touched.length > 0 ? { budgets: await readBudgetsFor(context.pool, { ...record, decisionId: record.id, touched }, at) } : {}),
    approved: granted.size === 0 ? new Set() : grantedOf(granted, requestKeyOf(record.requester, resources), at),
  });
  return { decision, policySet: revision };
}

/** Compiling is what a replay costs: a page of decisions mostly has one set. */
const MAX_COMPILED = 8;
const compiledSets = new Map<string, CompiledPolicies>();

async function policiesOf({ pool, snapshot }: Pick<AppContext, 'pool' | 'snapshot'>, revision: string): Promise<CompiledPolicies> {
  const { policies } = snapshot.get();
  if (policies.revision === revision) return policies.compiled;
  const known = compiledSets.get(revision);
  if (known !== undefined) return known;
  const compiled = compilePolicies((await loadPolicySet(pool, revision)).policies);
  if (compiledSets.size >= MAX_COMPILED) compiledSets.clear();
  compiledSets.set(revision, compiled);
  return compiled;
}

/** The ids and ends of holds are the ledger's; which are wanted, and how much, is judged again. */
function heldOf({ holds }: Decision, original: WireDecision): readonly TakenHold[] {
  const taken = new Map(original.holds.map((hold) => [budgetKey(keyOf(hold)), hold]));
  return holds.flatMap((wanted) => {
    const hold = taken.get(budgetKey(wanted));
    return hold === undefined ? [] : [{ ...wanted, id: hold.id, expiresAt: Date.parse(hold.expires_at) }];
  });
}

function keyOf({ policy_name: policyName, rule_name: ruleName, period }: WireDecision['holds'][number]) {
  return { policyName, ruleName, period };
}
