import type { Command } from 'commander';
import { type CliContext, CliError, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printJson, printList, textAt } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['SEQ', 'seq'],
  ['AT', 'at'],
  ['PRINCIPAL', 'principal'],
  ['ACTION', 'action'],
  ['SUBJECT', 'subject'],
];

/** `tollgate audit …`: who changed what, and whether the record is whole. */
export function auditCommand(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('the append-only record of every change');

  const list = withListOptions(audit.command('list').description('list entries, newest first'))
    .option('--principal <id>', 'what one principal did')
    .option('--subject <id>', 'what was done to one thing')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { principal?: string; subject?: string }>(context, command);
      const { principal, subject, limit, cursor } = options;
      printList(context, options, await api.get('v1/audit', { principal, subject, limit, cursor }), COLUMNS);
    });
  withExamples(list, 'tollgate audit list --principal fiona@company.com');

  const verify = audit
    .command('verify')
    .description('recompute the chain of hashes; exit code 1 when it is broken')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      const answer = await api.get('v1/audit/verify');
      if (options.json === true) printJson(context, answer);
      if (answer['intact'] !== true)
        throw new CliError(`the audit log is broken at entry ${textAt(answer, 'broken.seq')}: ${textAt(answer, 'broken.problem')}`);
      if (options.json !== true) context.out(`${textAt(answer, 'entries')} entries, the chain is whole\n`);
    });
  withExamples(verify, 'tollgate audit verify');
}
