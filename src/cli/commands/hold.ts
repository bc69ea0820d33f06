import type { Command } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { withExamples } from '../list-options.js';
import { type Column, printObject, textAt } from '../output.js';

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['status', 'status'],
  ['policy', 'policy_name'],
  ['rule', 'rule_name'],
  ['period', 'period'],
  ['amount', (hold) => `${textAt(hold, 'amount')} ${textAt(hold, 'currency')}`],
  ['requester', 'requester'],
  ['resources', 'resources'],
  ['decision', 'decision_id'],
  ['taken', 'taken_at'],
  ['expires', 'expires_at'],
  ['committed', 'committed_at'],
  ['committed by', 'committed_by'],
  ['closed', 'closed_at'],
  ['closed by', 'closed_by'],
  ['reason', 'close_reason'],
];

const MOVES = { commit: 'say that what it was for is deployed', release: 'give it back: what it was for is not deployed' } as const;

/** `tollgate hold …`: what allowed requests hold of budgets. */
export function holdCommand(program: Command, context: CliContext): void {
  const hold = program.command('hold').description('what allowed requests hold of budgets: commit, release');
  for (const name of ['commit', 'release'] as const) {
    const command = hold.command(name).argument('<id>').description(MOVES[name]);
    command.action(async (id: string, _options: unknown, self: Command) => {
      const { options, api } = invocationOf(context, self);
      printObject(context, options, await api.post(`v1/holds/${encodeURIComponent(id)}/${name}`), FIELDS);
    });
    withExamples(command, `tollgate hold ${name} hold_0192…`);
  }
}
