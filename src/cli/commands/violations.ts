import type { Command } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printList, printObject } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['SEVERITY', 'severity'],
  ['STATUS', 'status'],
  ['RESOURCE', 'resource.id'],
  ['RULE', (row) => `${String(row['policy_name'])}/${String(row['rule_name'])}`],
  ['TEAM', 'team'],
  ['MESSAGE', 'message'],
];

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['status', 'status'],
  ['episode', 'episode'],
  ['resource', 'resource.id'],
  ['type', 'resource.type'],
  ['account', 'resource.account'],
  ['policy', (row) => `${String(row['policy_name'])} ${String(row['policy_version'])}`],
  ['rule', 'rule_name'],
  ['severity', 'severity'],
  ['message', 'message'],
  ['action', 'recommended_action'],
  ['saves a month', 'estimated_monthly_savings'],
  ['team', 'team'],
  ['owner', 'owner'],
  ['detected', 'detected_at'],
  ['remediation', 'remediation_id'],
  ['exception', 'exception_id'],
];

interface Filters extends ListOptions {
  readonly status?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly severity?: string;
  readonly team?: string;
  readonly account?: string;
  readonly resource?: string;
}

/** `tollgate violations [ID]`: the stored violations, newest first, or one of them. */
export function violationsCommand(program: Command, context: CliContext): void {
  const violations = withListOptions(
    program.command('violations').argument('[id]').description('list violations, newest first, or show one'),
  )
    .option('--status <status>', 'open, excepted, resolved, remediated or closed')
    .option('--policy <name>', 'of one policy')
    .option('--rule <name>', 'of one rule')
    .option('--severity <severity>', 'critical, high, medium or low')
    .option('--team <team>', 'of one team')
    .option('--account <id>', 'in one account')
    .option('--resource <id>', 'of one resource')
    .action(async (id: string | undefined, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<Filters>(context, command);
      if (id !== undefined) return printObject(context, options, await api.get(`v1/violations/${encodeURIComponent(id)}`), FIELDS);
      const { status, policy, rule, severity, team, account, resource, limit, cursor } = options;
      printList(
        context,
        options,
        await api.get('v1/violations', { status, policy, rule, severity, team, account, resource, limit, cursor }),
        COLUMNS,
      );
    });
  withExamples(violations, 'tollgate violations --status open --severity high', 'tollgate violations vio_0192…');
}
