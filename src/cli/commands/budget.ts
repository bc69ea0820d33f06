import type { Command } from 'commander';
import type { WireBudget } from '../../api/contract/budget.js';
import { stateOf } from '../budget-state.js';
import type { JsonObject } from '../client.js';
import { type CliContext, type GlobalOptions, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, formatTable, itemsOf, printJson, printList, textAt } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['RULE', (row) => `${textAt(row, 'policy_name')}/${textAt(row, 'rule_name')}`],
  ['PERIOD', 'period'],
  ['BUDGET', (row) => `${textAt(row, 'budget')} ${textAt(row, 'currency')}`],
  ['ACTUAL', 'actual'],
  ['COMMITTED', 'committed'],
  ['HELD', 'held'],
  ['REMAINING', 'remaining'],
  ['USED', (row) => (row['used_percent'] === null ? '-' : `${textAt(row, 'used_percent')} %`)],
  ['FORECAST', 'forecast'],
  ['STATE', (row) => stateOf(row as unknown as WireBudget)],
];

const HOLDS: readonly Column[] = [
  ['ID', 'id'],
  ['STATUS', 'status'],
  ['PERIOD', 'period'],
  ['AMOUNT', 'amount'],
  ['REQUESTER', 'requester'],
  ['EXPIRES', 'expires_at'],
];

/** `tollgate budget …`: what budgets have left, and who holds what of them. */
export function budgetCommand(program: Command, context: CliContext): void {
  const budget = program.command('budget').description('budgets: list, show');
  listCommand(budget, context);
  showCommand(budget, context);
}

function listCommand(parent: Command, context: CliContext): void {
  const list = withListOptions(parent.command('list').description('list the budgets in their present periods'))
    .option('--policy <name>', 'of one policy')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { policy?: string }>(context, command);
      const { policy, limit, cursor } = options;
      printList(context, options, await api.get('v1/budgets', { policy, limit, cursor }), COLUMNS);
    });
  withExamples(list, 'tollgate budget list --policy team-budgets');
}

function showCommand(parent: Command, context: CliContext): void {
  const show = withListOptions(parent.command('show').argument('<policy>').argument('<rule>'))
    .description('the budgets of a rule, and the holds on them, newest first')
    .option('--period <period>', 'another than the present ones: 2026-11, 2026-Q4 or 2026')
    .option('--status <status>', 'only holds that are held, committed, settled, released or expired')
    .action(async (policy: string, rule: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { period?: string; status?: string }>(context, command);
      const { period, status, limit, cursor } = options;
      const path = `v1/budgets/${encodeURIComponent(policy)}/${encodeURIComponent(rule)}`;
      print(context, options, await api.get(path, { period, status, limit, cursor }));
    });
  withExamples(show, 'tollgate budget show team-budgets shop-monthly --period 2026-11');
}

function print(context: CliContext, options: GlobalOptions, budget: JsonObject): void {
  if (options.json === true) return printJson(context, budget);
  context.out(`${formatTable(COLUMNS, budget['periods'] as readonly JsonObject[], context.width)}\n`);
  const holds = budget['holds'] as JsonObject;
  if (itemsOf(holds).length > 0) context.out('\n');
  printList(context, options, holds, HOLDS);
}
