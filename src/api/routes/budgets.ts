import { TollgateError } from '../../errors.js';
import { type BudgetInPeriod, budgetKey } from '../../policy/budget.js';
import { parsePeriod } from '../../policy/budget-period.js';
import { type BudgetRule, budgetRulesOf, budgetsOf } from '../../policy/budget-rules.js';
import { listCrossings } from '../../store/budget-crossings.js';
import { readBudgets } from '../../store/budgets.js';
import { listHolds } from '../../store/holds.js';
import { decodeCursor, toPage } from '../../store/page.js';
import { workflowIds } from '../../workflows/messages.js';
import {
  budgetDetailSchema,
  budgetParams,
  budgetQuery,
  budgetSchema,
  budgetsQuery,
  toWireBudget,
  toWireHold,
  type WireBudget,
} from '../contract/budget.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import type { AppContext } from '../deps.js';
import { given } from '../given.js';
import { linkToWorkflow } from '../links.js';
import { defineRoute } from '../route.js';

const tag = 'Budgets';

/** A budget and the rule that sets it. */
interface Budgeted {
  readonly rule: BudgetRule;
  readonly budget: BudgetInPeriod;
}

export const budgets = [
  defineRoute('GET /v1/budgets', {
    summary: 'List the budgets of all enforcing policies in their present periods, by policy, rule and period',
    tag,
    query: budgetsQuery,
    answers: { 200: { description: 'A page of budgets', schema: pageOf(budgetSchema) } },
    async handle(context, { query, at }) {
      const { limit, cursor } = toPageRequest(query);
      const after = decodeCursor(cursor, { key: 'string' });
      const rules = budgetRulesOf(context.snapshot.get().policies.compiled);
      const all = rules
        .filter(({ policyName }) => query.policy === undefined || policyName === query.policy)
        .flatMap((rule) => budgetsOf(rule, at).map((budget) => ({ rule, budget })))
        .filter(({ budget }) => after === null || budgetKey(budget) > after.key)
        .sort((a, b) => (budgetKey(a.budget) < budgetKey(b.budget) ? -1 : 1));
      const page = toPage(all.slice(0, limit + 1), limit, ({ budget }) => ({ key: budgetKey(budget) }));
      return { status: 200, body: { items: await shown(context, page.items, at), next: page.next } };
    },
  }),
  defineRoute('GET /v1/budgets/{policy}/{rule}', {
    summary: 'Show the budgets of a rule, in their present periods or in a given one, with the holds on them',
    tag,
    params: budgetParams,
    query: budgetQuery,
    answers: {
      200: { description: 'The budgets of the rule', schema: budgetDetailSchema },
      404: { description: 'No such budget is enforced' },
    },
    async handle(context, { params: { policy, rule: ruleName }, query, at }) {
      const rule = getRule(context, policy, ruleName);
      const { policyVersion } = rule;
      const periods = budgetsOf(rule, query.period === undefined ? at : (parsePeriod(query.period)?.from ?? at));
      const wanted = query.period === undefined ? periods : periods.filter(({ period }) => period === query.period);
      const filter = { policyName: policy, ruleName, ...given({ period: query.period, status: query.status }), at };
      const holds = await listHolds(context.pool, filter, toPageRequest(query));
      const { currency } = context.snapshot.get().installation;
      const { tags = {}, account = null, service = null } = periods[0]?.selector ?? {};
      return {
        status: 200,
        body: {
          policy_name: policy,
          policy_version: policyVersion,
          rule_name: ruleName,
          selector: { tags, account, service },
          periods: await shown(
            context,
            wanted.map((budget) => ({ rule, budget })),
            at,
          ),
          holds: toWirePage(holds, (hold) => toWireHold(hold, { currency, at })),
          workflow: linkToWorkflow(context, workflowIds.budget(policy, ruleName)),
        },
      };
    },
  }),
];

/** @throws not-found */
function getRule({ snapshot }: AppContext, policy: string, rule: string): BudgetRule {
  const found = budgetRulesOf(snapshot.get().policies.compiled).find(
    ({ policyName, ruleName }) => policyName === policy && ruleName === rule,
  );
  if (found === undefined) throw new TollgateError('not-found', `no enforcing policy \`${policy}\` has a budget \`${rule}\``);
  return found;
}

async function shown({ pool, snapshot }: AppContext, budgeted: readonly Budgeted[], at: number): Promise<readonly WireBudget[]> {
  const wanted = budgeted.map(({ budget }) => budget);
  const [states, crossings] = await Promise.all([readBudgets(pool, wanted, at), listCrossings(pool, wanted)]);
  const { currency } = snapshot.get().installation;
  return budgeted.flatMap(({ rule, budget }) => {
    const state = states.get(budgetKey(budget));
    return state === undefined ? [] : [toWireBudget(rule, budget, { state, crossings, currency })];
  });
}
