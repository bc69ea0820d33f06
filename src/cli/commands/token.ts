import type { Command } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { collect, type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printJson, printList, printObject } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['PRINCIPAL', 'principal'],
  ['ROLES', 'roles'],
  ['CREATED', 'created_at'],
  ['EXPIRES', 'expires_at'],
  ['REVOKED', 'revoked_at'],
];

const CREATED: readonly Column[] = [
  ['id', 'id'],
  ['principal', 'principal'],
  ['roles', 'roles'],
  ['token', 'token'],
];

/** `tollgate token …`: bearer tokens; a token is shown once, when it is made. */
export function tokenCommand(program: Command, context: CliContext): void {
  const token = program.command('token').description('bearer tokens: create, list, revoke');

  const create = token
    .command('create')
    .description('make a token; it is shown once')
    .requiredOption('--principal <id>', 'whose token it is, such as fiona@company.com')
    .requiredOption(
      '--role <role>',
      'viewer, engineer, deployer, approver, reviewer, author, operator or admin; may be given several times',
      collect,
    )
    .option('--expires-at <time>', 'ISO 8601, UTC')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ principal: string; role: string[]; expiresAt?: string }>(context, command);
      const body = { principal: options.principal, roles: options.role, expires_at: options.expiresAt ?? null };
      printObject(context, options, await api.post('v1/tokens', body), CREATED);
    });
  withExamples(create, 'tollgate token create --principal fiona@company.com --role approver');

  const list = withListOptions(token.command('list').description('list tokens, without their secrets')).action(
    async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions>(context, command);
      printList(context, options, await api.get('v1/tokens', { limit: options.limit, cursor: options.cursor }), COLUMNS);
    },
  );
  withExamples(list, 'tollgate token list');

  const revoke = token
    .command('revoke')
    .argument('<id>')
    .description('refuse a token from now on')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      await api.send('DELETE', `v1/tokens/${encodeURIComponent(id)}`);
      if (options.json === true) printJson(context, { id, revoked: true });
      else context.out(`revoked ${id}\n`);
    });
  withExamples(revoke, 'tollgate token revoke tok_0192…');
}
