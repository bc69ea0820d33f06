/** What notices, and Temporal's UI, say of the thresholds of budgets. Pure. */
import type { BudgetInPeriod, BudgetMoney } from '../policy/budget.js';
import type { Crossing } from '../policy/budget-thresholds.js';
import type { AlertThreshold, Decimal } from '../policy/model.js';
import { moneyWords, roundMoney } from '../policy/money.js';
import { utcWords } from '../policy/remediation-words.js';
import type { Words } from './words.js';

export interface CrossingFacts extends Pick<AlertThreshold, 'percent' | 'of' | 'action'> {
  readonly observed: Decimal;
  readonly currency: string;
}

const CONSEQUENCES: { readonly [A in AlertThreshold['action']]: (period: string) => string | null } = {
  notify: () => null,
  'require-approval': (period) => `New resources need approval until the end of ${period}, or until the budget is raised.`,
  'block-new-resources': (period) =>
    `New resources are denied until the end of ${period}, until the budget is raised, or where an exception is granted.`,
};

export function crossingWords({ policyName, ruleName, period, span, budget }: BudgetInPeriod, facts: CrossingFacts): Words {
  const { percent, of, action, observed, currency } = facts;
  const what = of === 'actual' ? 'Spent so far, with what is committed' : 'Forecast for the whole period';
  const consequence = CONSEQUENCES[action](period);
  return {
    title: `Budget ${policyName}/${ruleName} has reached ${percent}%${of === 'forecast' ? ' by forecast' : ''} in ${period}`,
    body: [
      `${what}: ${moneyWords(observed)} of ${moneyWords(budget)} ${currency} (${span}).`,
      ...(consequence === null ? [] : [consequence]),
    ].join('\n'),
  };
}

const STANDING: { readonly [A in AlertThreshold['action']]: { readonly since: string; readonly effect: string | null } } = {
  notify: { since: 'told on', effect: null },
  'require-approval': { since: 'approval since', effect: 'new resources need approval' },
  'block-new-resources': { since: 'blocked since', effect: 'new resources are denied' },
};

/** `blocked since 2026-11-22 10:00:00 UTC: 100% crossed, with 1010.00 of 1000.00 USD spent or committed then; new resources are denied until …` */
export function standingWords({ to, budget }: BudgetInPeriod, crossing: Omit<Crossing, 'budget'>, currency: string): string {
  const { percent, of, action, observed, crossedAt } = crossing;
  const { since, effect } = STANDING[action];
  const what = of === 'actual' ? 'spent or committed' : 'forecast';
  const why = `${percent}% crossed, with ${roundMoney(observed)} of ${roundMoney(budget)} ${currency} ${what} then`;
  const until = `until ${utcWords(to).slice(0, 10)}, or until the budget is raised`;
  return `${since} ${utcWords(crossedAt)}: ${why}${effect === null ? '' : `; ${effect} ${until}`}`;
}

/** `2026-11: 550.00 billed, 0.00 committed, 12.50 held of 1000.00 USD`. */
export function moneyLine({ period, budget }: BudgetInPeriod, { actual, committed, held }: BudgetMoney, currency: string): string {
  const spent = `${roundMoney(actual)} billed, ${roundMoney(committed)} committed, ${roundMoney(held)} held`;
  return `${period}: ${spent} of ${roundMoney(budget)} ${currency}`;
}
