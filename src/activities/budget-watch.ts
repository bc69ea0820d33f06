/** The thresholds of a budget: each crossing is noted once, with its notices in the same transaction. */
import { crossingWords, moneyLine, standingWords } from '../notify/budget-words.js';
import { type BudgetInPeriod, type BudgetState, budgetKey } from '../policy/budget.js';
import { type BudgetRule, budgetRulesOf, budgetsOf } from '../policy/budget-rules.js';
import { type Crossing, crossedThresholds, crossingsOf } from '../policy/budget-thresholds.js';
import { ownerOf, recipientsOf, teamOf } from '../policy/directory.js';
import type { Instant } from '../policy/model.js';
import { countBudgets } from '../store/budget-count.js';
import { insertCrossings, listCrossings, takeUntold } from '../store/budget-crossings.js';
import { lockBudgets } from '../store/budgets.js';
import { type Db, transaction } from '../store/db.js';
import { createCompiledCache } from '../store/enforcing.js';
import { getInstallation } from '../store/installation.js';
import { addressed, type Message, type NewNotice, writeNotices } from '../store/outbox.js';
import type { ActivityDeps } from './deps.js';

export interface LookRequest {
  readonly policyName: string;
  readonly ruleName: string;
  /** The workflow's time, in case this machine's clock is behind it. */
  readonly at: Instant;
}

export interface BudgetLook {
  readonly phase: 'watching' | 'approval' | 'blocked';
  /** When the first of its periods ends. */
  readonly nextPeriodAt: Instant;
  /** Crossings that were told by this look. */
  readonly fired: number;
  /** For people: of each period what was crossed and acts, the last first, the money, and what else was crossed. */
  readonly lines: readonly string[];
}

export function createBudgetActivities(deps: ActivityDeps) {
  const cache = createCompiledCache();
  return {
    /**
     * Notes the thresholds that the present numbers of a budget cross, and tells of those that are new; null when no enforcing policy has
     * the rule. Safe to repeat: a crossing that is there is not told again.
     */
    async lookAtBudget({ policyName, ruleName, at }: LookRequest): Promise<BudgetLook | null> {
      const { compiled } = await cache.load(deps.pool);
      const rule = budgetRulesOf(compiled).find((each) => each.policyName === policyName && each.ruleName === ruleName);
      const now = Math.max(deps.now(), at);
      if (rule === undefined) return null;
      // Before anybody asks the gate, and before the locks that requests wait for.
      await countBudgets(deps.pool, budgetsOf(rule, now), now);
      return transaction(deps.pool, (db) => look(deps, db, rule, now));
    },
  };
}

async function look(deps: ActivityDeps, db: Db, rule: BudgetRule, at: Instant): Promise<BudgetLook> {
  const budgets = budgetsOf(rule, at);
  const states = await lockBudgets(db, budgets, at);
  const known = budgets.flatMap((budget) => {
    const state = states.get(budgetKey(budget));
    return state === undefined ? [] : [{ budget, state }];
  });
  await insertCrossings(
    db,
    known.flatMap(({ budget, state }) => crossingsOf(rule.budget.alertThresholds, budget, state, at)),
  );
  const fresh = await takeUntold(db, budgets);
  const { currency } = await getInstallation(db);
  const notices = fresh.flatMap((crossing) => noticesOf(deps, { rule, budgets, crossing, currency }));
  await writeNotices(db, notices, at);
  const acting = known.flatMap(({ budget, state }) => crossedThresholds(rule.budget.alertThresholds, budget, state));
  return {
    phase: phaseOf(acting.map(({ action }) => action)),
    nextPeriodAt: Math.min(...budgets.map(({ to }) => to)),
    fired: fresh.length,
    lines: linesOf(rule, known, await listCrossings(db, budgets), currency),
  };
}

function phaseOf(actions: readonly string[]): BudgetLook['phase'] {
  if (actions.includes('block-new-resources')) return 'blocked';
  return actions.includes('require-approval') ? 'approval' : 'watching';
}

interface KnownBudget {
  readonly budget: BudgetInPeriod;
  readonly state: BudgetState;
}

function linesOf(rule: BudgetRule, known: readonly KnownBudget[], crossings: readonly Crossing[], currency: string): readonly string[] {
  return known.flatMap(({ budget, state }) => {
    const own = crossings.filter(({ period }) => period === budget.period).filter((crossing) => thresholdOf(rule, crossing) !== undefined);
    const words = (some: readonly Crossing[]) => some.map((crossing) => standingWords(budget, crossing, currency)).reverse();
    const acting = own.filter(({ action }) => action !== 'notify');
    const told = own.filter(({ action }) => action === 'notify');
    return [...words(acting), moneyLine(budget, state, currency), ...words(told)];
  });
}

/** Undefined for a crossing of a threshold that the rule no longer has. */
function thresholdOf(rule: BudgetRule, { percent, of, action }: Crossing) {
  return rule.budget.alertThresholds.find((each) => each.percent === percent && each.of === of && each.action === action);
}

interface Told {
  readonly rule: BudgetRule;
  readonly budgets: readonly BudgetInPeriod[];
  readonly crossing: Crossing;
  readonly currency: string;
}

function noticesOf(deps: ActivityDeps, { rule, budgets, crossing, currency }: Told): readonly NewNotice[] {
  const { policyName, ruleName, period, percent, of, action } = crossing;
  const budget = budgets.find((each) => each.period === period);
  const threshold = thresholdOf(rule, crossing);
  if (budget === undefined || threshold === undefined) return [];
  const message: Message = {
    subject: `budget/${policyName}/${ruleName}`,
    stage: ['crossed', period, of, percent, action, budget.budget].join(':'),
    ...crossingWords(budget, { ...crossing, currency }),
  };
  if (threshold.channels.length > 0) return threshold.channels.flatMap((channel) => addressedTo(deps, message, channel));
  const { tags } = budget.selector;
  return addressed(message, recipientsOf(deps.directory, teamOf(deps.directory, tags), ownerOf(deps.directory, tags)));
}

/** `slack:#name` by the channel `slack`; where none of that name is configured, the console says whom it was for. */
function addressedTo({ channels }: ActivityDeps, message: Message, place: string): readonly NewNotice[] {
  const [channel = '', ...rest] = place.split(':');
  return channels.has(channel) ? addressed(message, [rest.join(':')], channel) : addressed(message, [place]);
}
