/** Budgets of a test: one monthly budget unless said otherwise, and requests against it. */

import { newId } from '../../src/ids.js';
import type { BudgetState } from '../../src/policy/budget.js';
import { touchedBudgets } from '../../src/policy/budget-rules.js';
import { type CompiledPolicies, compilePolicies } from '../../src/policy/compile.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import { formatIssue } from '../../src/policy/issue.js';
import type { Resource } from '../../src/policy/model.js';
import { parsePolicies } from '../../src/policy/parse.js';
import type { Decision, TakenHold } from '../../src/policy/verdict.js';
import { countBudgets } from '../../src/store/budget-count.js';
import { type BudgetedRequest, createBudgetSessions } from '../../src/store/budget-ledger.js';
import type { Pool } from '../../src/store/db.js';
import { transaction } from '../../src/store/db.js';
import { resource } from '../policy/samples.js';

/** 206 hours before the end of November. */
export const AT = Date.UTC(2026, 10, 22, 10);
export const HOLD_MS = 7_200_000;

export function compiledOf(text: string): CompiledPolicies {
  const { documents, issues } = parsePolicies(text, 'test.yaml');
  if (issues.length > 0) throw new Error(issues.map(formatIssue).join('\n'));
  return compilePolicies(documents.map(({ policy }) => ({ version: '1.0.0', policy })));
}

/** A policy `budgets` with one rule for each name, selecting tag `team`. */
export function budgetPolicy(rules: Readonly<Record<string, string>>, policy = 'budgets'): string {
  return [
    'apiVersion: policy.oneuptime.com/v1',
    'kind: CostPolicy',
    `metadata: { name: ${policy} }`,
    'spec:',
    '  type: BudgetLimit',
    '  rules:',
    ...Object.entries(rules).map(([name, budget]) => `    - { name: ${name}, selector: { tags: { team: ${name} } }, budget: ${budget} }`),
  ].join('\n');
}

export function costing(monthly: string | null, differing: Partial<Resource> = {}): Resource {
  return resource({
    id: null,
    tags: { team: 'a' },
    cost: { hourly: null, monthly, source: monthly === null ? 'none' : 'request' },
    ...differing,
  });
}

/** A request as the gate would decide it. */
export function asking(compiled: CompiledPolicies, resources: readonly Resource[], differing: Partial<BudgetedRequest> = {}) {
  const at = differing.at ?? AT;
  const request: BudgetedRequest = {
    decisionId: newId('dec'),
    principal: 'dana@company.com',
    requester: 'dana@company.com',
    idempotencyKey: null,
    planDigest: null,
    at,
    touched: touchedBudgets(compiled, resources, at),
    ...differing,
  };
  const judge = (budgets: ReadonlyMap<string, BudgetState>) => evaluateRequest(compiled, NO_EXCEPTIONS, { resources }, at, { budgets });
  return { request, judge };
}
export type Asked = ReturnType<typeof asking>;

const openSession = createBudgetSessions({ holdExpiresAfterMs: HOLD_MS });

/** Decides these under one lock, in one transaction; `isRepeat` where some may have been decided before. */
export async function decideAll(pool: Pool, asked: readonly Asked[], isRepeat = false): Promise<readonly Decided[]> {
  await countBudgets(
    pool,
    asked.flatMap(({ request }) => request.touched),
    AT,
  );
  return transaction(pool, async (db) => {
    const requests = asked.map(({ request }) => request);
    const session = await openSession(db, requests, isRepeat);
    const decided = asked.map(({ request, judge }) => {
      const { decision, holds, violations, unknowns } = judge(session.statesFor(request));
      return { decision, violations, unknowns, holds: session.take(request, holds) };
    });
    await session.write();
    return decided;
  });
}
export interface Decided extends Pick<Decision, 'decision' | 'violations' | 'unknowns'> {
  readonly holds: readonly TakenHold[];
}

/** Decides one request in a transaction of its own. */
export async function ask(
  pool: Pool,
  compiled: CompiledPolicies,
  resources: readonly Resource[],
  differing: Partial<BudgetedRequest> = {},
) {
  const [decided] = await decideAll(pool, [asking(compiled, resources, differing)]);
  if (decided === undefined) throw new Error('nothing was decided');
  return decided;
}

export interface Totals {
  readonly actual: string;
  readonly committed: string;
  readonly held: string;
}

export async function totalsOf(pool: Pool, rule: string, period: string, policy = 'budgets'): Promise<Totals | undefined> {
  const { rows } = await pool.query<Totals>(
    'select actual, committed, held from budgets where policy_name = $1 and rule_name = $2 and period = $3',
    [policy, rule, period],
  );
  return rows[0];
}

/** Rows whose running totals are not the sums of their holds: always none. */
export async function wrongTotals(pool: Pool): Promise<readonly unknown[]> {
  const { rows } = await pool.query(
    `select b.*, s.* from budgets b cross join lateral (
       select coalesce(sum(amount) filter (where status = 'held'), 0) as held_sum,
         coalesce(sum(amount - settled) filter (where status = 'committed'), 0) as committed_sum
       from holds h where (h.policy_name, h.rule_name, h.period) = (b.policy_name, b.rule_name, b.period)) s
     where b.held <> s.held_sum or b.committed <> s.committed_sum`,
  );
  return rows;
}
