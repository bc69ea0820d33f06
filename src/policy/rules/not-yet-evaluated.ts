/** The types that are parsed, validated and listed, and judge nothing: a matching rule is said at deploy and has no effect. */
import type { NOT_YET_EVALUATED } from '../model.js';
import { joinMessages, type RuleKind, unknown } from './check.js';

type NotYetEvaluated = (typeof NOT_YET_EVALUATED)[number];

function listed<T extends NotYetEvaluated>(path: string): RuleKind<T> {
  const result = unknown(path, 'not yet evaluated');
  return {
    points: ['deploy'],
    scanSeverity: 'low',
    evaluated: false,
    compile: () => ({ checks: [() => result], summarize: joinMessages }),
  };
}

export const budgetLimit = listed<'BudgetLimit'>('budget');
export const approvalRequirement = listed<'ApprovalRequirement'>('when');
export const schedule = listed<'Schedule'>('running');
