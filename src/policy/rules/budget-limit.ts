/** `BudgetLimit`: a limit on a sum over many resources. `budget-judge.ts` judges it for a request as a whole, so no check is here. */
import { joinMessages, type RuleKind } from './check.js';

export const budgetLimit: RuleKind<'BudgetLimit'> = {
  points: ['deploy'],
  scanSeverity: 'low',
  denial: 'deny',
  compile: ({ budget }) => ({ checks: [], summarize: joinMessages, budget }),
};
