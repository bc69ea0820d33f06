/** What notices say of the thresholds of budgets. Pure. */
import type { BudgetInPeriod } from '../policy/budget.js';
import type { AlertThreshold, Decimal } from '../policy/model.js';
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
    body: [`${what}: ${observed} of ${budget} ${currency} (${span}).`, ...(consequence === null ? [] : [consequence])].join('\n'),
  };
}
