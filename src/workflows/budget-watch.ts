/** One budget rule, for as long as its policy enforces: looks at its thresholds when its numbers change, and when a period begins. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BudgetLook, createBudgetActivities } from '../activities/budget-watch.js';
import { type BudgetWatchInput, budgetChanged } from './budget-messages.js';
import { SA_DEADLINE, SA_PHASE, SA_POLICY } from './messages.js';

const { lookAtBudget } = proxyActivities<ReturnType<typeof createBudgetActivities>>({
  startToCloseTimeout: '60s',
  retry: { maximumInterval: '30s' },
});

/** Answers how many crossings its last run has told of. Ends when no enforcing policy has the rule. */
export async function budgetWatch(input: BudgetWatchInput): Promise<number> {
  const { policyName, ruleName, gatherMs, lookEveryMs } = input;
  let changes = 0;
  let told = 0;
  setHandler(budgetChanged, () => {
    changes += 1;
  });
  for (;;) {
    const seen = changes;
    const isChanged = () => changes !== seen;
    const look = await lookAtBudget.executeWithOptions({ summary: `thresholds of ${ruleName}` }, [
      { policyName, ruleName, at: Date.now() },
    ]);
    told += look?.fired ?? 0;
    show(input, look);
    // It may have begun to enforce again while this looked.
    if (look === null && !isChanged()) break;
    if (look !== null && workflowInfo().continueAsNewSuggested) await continueAsNew<typeof budgetWatch>(input);
    if (look !== null && !isChanged()) {
      const wait = Math.min(Math.max(0, look.nextPeriodAt - Date.now()), lookEveryMs);
      await condition(isChanged, wait, { summary: `the next look at ${ruleName}` });
    }
    if (isChanged()) await sleep(gatherMs, { summary: 'what else changes' });
  }
  await condition(allHandlersFinished);
  return told;
}

/** What an operator sees in Temporal's UI. */
function show({ policyName, ruleName }: BudgetWatchInput, look: BudgetLook | null): void {
  upsertSearchAttributes([
    { key: SA_POLICY, value: policyName },
    { key: SA_PHASE, value: look === null ? 'ended' : look.phase },
    { key: SA_DEADLINE, value: look === null ? null : new Date(look.nextPeriodAt) },
  ]);
  const lines = look === null ? ['no enforcing policy has it any more'] : look.lines;
  setCurrentDetails([`\`${policyName}/${ruleName}\` is **${look?.phase ?? 'ended'}**`, ...lines].join('\n\n'));
}
