/** What the gate keeps beside its database, in each process that answers for it: the API, and a worker that judges plans. */
import type { Logger } from 'pino';
import { isPlainDecision, writeDecisionFacts } from '../api/decision-facts.js';
import type { GateContext } from '../api/deps.js';
import { createSettler } from '../api/settle.js';
import type { Config } from '../config.js';
import { createBudgetSessions } from '../store/budget-ledger.js';
import type { Pool } from '../store/db.js';
import { createDecisionLog } from '../store/decision-log.js';
import { createSnapshot } from '../store/snapshot.js';

export type GateParts = Pick<GateContext, 'snapshot' | 'decisionLog'>;

/** Not started: `snapshot.start()` reads for the first time. */
export function createGateParts(
  pool: Pool,
  { settings, decisionLog: mode }: Pick<Config, 'settings' | 'decisionLog'>,
  log: Logger,
): GateParts {
  const snapshot = createSnapshot(pool, {
    onHealth: healthLog(log, 'the database'),
    onUnreadable: (problem) => log.error({ problem }, 'an enforcing policy cannot be read: each of its rules counts as unknown'),
  });
  const decisionLog = createDecisionLog(pool, {
    mode,
    alsoWrite: writeDecisionFacts,
    isPlain: isPlainDecision,
    settle: createSettler(createBudgetSessions(settings.budgets)),
    onHealth: healthLog(log, 'the decision log'),
    onRefused: ({ id }, err) => log.error({ err, decision: id }, 'a decision that was answered already cannot be stored'),
  });
  return { snapshot, decisionLog };
}

/** Writes what is left, and lets go of the database. */
export async function closeGateParts({ snapshot, decisionLog }: GateParts): Promise<void> {
  await decisionLog.close();
  await snapshot.stop();
}

function healthLog(log: Logger, what: string): (problem: string | null) => void {
  return (problem) => {
    if (problem === null) log.info({}, `${what} is well`);
    else log.warn({ problem }, `${what} is away`);
  };
}
