import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../src/ids.js';
import { blankResource } from '../src/intake/intake.js';
import { startPostgres } from '../src/local/postgres.js';
import { budgetRulesOf, budgetsOf, touchedBudgets } from '../src/policy/budget-rules.js';
import { type CompiledPolicies, compilePolicies } from '../src/policy/compile.js';
import { evaluateRequest } from '../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../src/policy/exception.js';
import type { Policy, Resource } from '../src/policy/model.js';
import { countBudgets } from '../src/store/budget-count.js';
import { type BudgetedRequest, createBudgetSessions } from '../src/store/budget-ledger.js';
import { createPool, type Pool } from '../src/store/db.js';
import { createDecisionLog, type DecisionLog, type Undecided } from '../src/store/decision-log.js';
import type { DecisionRecord } from '../src/store/decisions.js';
import { migrate } from '../src/store/migrate.js';
import { type Figure, formatCount, perSecond, printFigures } from './table.js';

const BUDGETS = 1_000;
const SECONDS = 3;
/** Requests that are under way at once: each waits until its hold is durable. */
const CONCURRENCY = 256;
const sessions = createBudgetSessions({ holdExpiresAfterMs: 7_200_000 });

/** A request on its way through the decision log. */
interface Asked extends Undecided<DecisionRecord> {
  readonly request: BudgetedRequest;
  readonly resources: readonly Resource[];
}

/** Holds per second, each durable with its decision before it is answered: all on one budget, and over a thousand. */
export async function benchHolds(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const postgres = await startPostgres({ directory: join(directory, 'postgres') });
  const url = await postgres.database('holds');
  await migrate(url);
  const pool = createPool({ connectionString: url, applicationName: 'bench', onError: () => {} });
  try {
    const figures: Figure[] = [];
    for (const [name, budgets] of [
      ['one budget', 1],
      [`${formatCount(BUDGETS)} budgets`, BUDGETS],
    ] as const) {
      const count = await takeFor(pool, budgets);
      figures.push({ name, value: `${formatCount(perSecond(count, SECONDS * 1_000))} holds/s` });
    }
    printFigures(`holds: durable with their decision before the answer, ${CONCURRENCY} requests at once`, figures);
  } finally {
    await pool.end();
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function takeFor(pool: Pool, budgets: number): Promise<number> {
  const compiled = compilePolicies([{ version: '1.0.0', policy: policyOf(budgets) }]);
  const log: DecisionLog<DecisionRecord, Asked> = createDecisionLog<DecisionRecord, Asked>(pool, {
    settle: async (db, asked, isRepeat) => {
      const session = await sessions(
        db,
        asked.map(({ request }) => request),
        isRepeat,
      );
      const records = asked.map(({ request, resources }) => {
        const given = { budgets: session.statesFor(request) };
        const { decision, holds } = evaluateRequest(compiled, NO_EXCEPTIONS, { resources }, request.at, given);
        return recordOf(request, decision, JSON.stringify(session.take(request, holds)));
      });
      await session.write();
      return records;
    },
  });
  const at = Date.now();
  await countBudgets(
    pool,
    budgetRulesOf(compiled).flatMap((rule) => budgetsOf(rule, at)),
    at,
  );
  const until = performance.now() + SECONDS * 1_000;
  let done = 0;
  const ask = async (from: number): Promise<void> => {
    for (let turn = from; performance.now() < until; turn += CONCURRENCY) {
      const { decision } = await log.settle(askOf(compiled, turn % budgets));
      if (decision.decision !== 'allow') throw new Error(`expected every request to be allowed, got ${decision.decision}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, (_, index) => ask(index)));
  await log.close();
  return done;
}

function policyOf(budgets: number): Policy {
  const rules = Array.from({ length: budgets }, (_, index) => ({
    name: `team-${index}`,
    selector: { tags: { team: String(index) } },
    budget: { yearly: '1000000000000', alertThresholds: [] },
  }));
  return { name: `of-${budgets}`, type: 'BudgetLimit', rules };
}

function askOf(compiled: CompiledPolicies, team: number): Asked {
  const at = Date.now();
  const resources = [
    {
      ...blankResource('compute/instance'),
      name: 'web',
      tags: { team: String(team) },
      cost: { hourly: null, monthly: '70.08', source: 'request' } as const,
    },
  ];
  const principal = 'bench';
  const request: BudgetedRequest = {
    decisionId: newId('dec'),
    principal,
    requester: principal,
    idempotencyKey: null,
    planDigest: null,
    at,
    touched: touchedBudgets(compiled, resources, at),
  };
  return { request, resources, size: 500, decideFromMemory: () => recordOf(request, 'deny', '[]') };
}

function recordOf(request: BudgetedRequest, decision: DecisionRecord['decision'], result: string): DecisionRecord {
  const { decisionId: id, at, principal, requester } = request;
  return {
    id,
    at,
    principal,
    requester,
    decision,
    dryRun: false,
    degraded: false,
    policySet: 'bench',
    idempotencyKey: null,
    account: null,
    request: '{}',
    result,
    door: 'evaluate',
    planDigest: null,
    facts: null,
  };
}
