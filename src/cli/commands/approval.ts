import type { Command } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printList, printObject } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['STATUS', 'status'],
  ['RESOURCES', 'resources'],
  ['RULE', (row) => `${String(row['policy_name'])}/${String(row['rule_name'])}`],
  ['REQUESTER', 'requester'],
  ['MONTHLY COST', 'cost.likely'],
  ['EXPIRES', 'expires_at'],
];

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['status', 'status'],
  ['resources', 'resources'],
  ['policy', 'policy_name'],
  ['rule', 'rule_name'],
  ['reasons', 'reasons'],
  ['monthly cost', 'cost.likely'],
  ['requester', 'requester'],
  ['approvers', 'approvers'],
  ['expires', 'expires_at'],
  ['decided by', 'decided_by'],
  ['comments', 'comments'],
  ['decision', 'decision_id'],
  ['workflow', 'workflow.url'],
];

/** `tollgate approval …`: decide about requests that the gate answered with `needs_approval`. */
export function approvalCommand(program: Command, context: CliContext): void {
  const approval = program.command('approval').description('requests that need approval: list, show, approve, reject');
  listCommand(approval, context);
  showCommand(approval, context);
  decideCommand(approval, context, 'approve', (command) => command.option('--comments <text>', 'kept with the approval'));
  decideCommand(approval, context, 'reject', (command) => command.requiredOption('--reason <text>', 'why'));
}

function listCommand(parent: Command, context: CliContext): void {
  const list = withListOptions(parent.command('list').description('list approvals, newest first'))
    .option('--status <status>', 'pending, approved, rejected or expired')
    .option('--policy <name>', 'of one policy')
    .option('--approver <principal>', 'that this person may decide')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { status?: string; policy?: string; approver?: string }>(context, command);
      const { status, policy, approver, limit, cursor } = options;
      printList(context, options, await api.get('v1/approvals', { status, policy, approver, limit, cursor }), COLUMNS);
    });
  withExamples(list, 'tollgate approval list --status pending');
}

function showCommand(parent: Command, context: CliContext): void {
  const show = parent
    .command('show')
    .argument('<id>')
    .description('one approval')
    .option('--wait <seconds>', 'answer as soon as it is decided, after so long at the latest, such as 30s')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ wait?: string }>(context, command);
      printObject(context, options, await api.get(`v1/approvals/${encodeURIComponent(id)}`, { wait: options.wait }), FIELDS);
    });
  withExamples(show, 'tollgate approval show apr_0192… --wait 30s');
}

function decideCommand(parent: Command, context: CliContext, name: 'approve' | 'reject', withWords: (command: Command) => Command): void {
  const command = withWords(parent.command(name).argument('<id>').description(`${name} a request`));
  command.action(async (id: string, own: object, self: Command) => {
    const { options, api } = invocationOf(context, self);
    printObject(context, options, await api.post(`v1/approvals/${encodeURIComponent(id)}/${name}`, own), FIELDS);
  });
  withExamples(command, `tollgate approval ${name} apr_0192…${name === 'reject' ? ' --reason "buy next quarter"' : ''}`);
}
