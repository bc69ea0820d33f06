import { type Command, InvalidArgumentError } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { collectPair, type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printList, printObject, textAt } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['STATUS', 'status'],
  ['TYPE', 'type'],
  ['RESOURCE', (row) => textAt(row, ['resource_id', 'resource', 'selector'].find((key) => (row[key] ?? null) !== null) ?? 'resource_id')],
  ['RULE', (row) => `${String(row['policy_name'])}/${String(row['rule_name'])}`],
  ['REQUESTED BY', 'requested_by'],
  ['EXPIRES', 'expires_at'],
];

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['status', 'status'],
  ['type', 'type'],
  ['resource', 'resource_id'],
  ['planned', 'resource'],
  ['tags', 'selector.tags'],
  ['policy', 'policy_name'],
  ['rule', 'rule_name'],
  ['justification', 'justification'],
  ['requested by', 'requested_by'],
  ['approvers', 'approvers'],
  ['approved by', 'approved_by'],
  ['expires', 'expires_at'],
  ['cap on money', 'caps.money'],
  ['cap on uses', 'caps.uses'],
  ['review due', 'review_due_at'],
  ['closed because', 'closed_reason'],
  ['workflow', 'workflow.url'],
];

/** `tollgate exception …`: ask for permission to violate a rule, and decide about it. */
export function exceptionCommand(program: Command, context: CliContext): void {
  const exception = program
    .command('exception')
    .description('permission to violate a rule: request, list, show, approve, reject, revoke, review');
  requestCommand(exception, context);
  readCommands(exception, context);
  decideCommand(exception, context, 'approve', ['--comments <text>', 'kept with the exception'], false);
  decideCommand(exception, context, 'reject', ['--reason <text>', 'why'], true);
  decideCommand(exception, context, 'revoke', ['--reason <text>', 'why'], true);
  reviewCommand(exception, context);
}

interface RequestFlags {
  readonly violation?: string;
  readonly resource?: string;
  readonly account?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly type: string;
  readonly justification: string;
  readonly days?: number;
  readonly expiresAt?: string;
  readonly resourceType?: string;
  readonly plannedType?: string;
  readonly plannedAccount?: string;
  readonly plannedNamespace?: string;
  readonly plannedName?: string;
  readonly plannedAddress?: string;
  readonly tag?: Record<string, string>;
  readonly capMoney?: string;
  readonly capUses?: number;
  readonly reviewIntervalDays?: number;
  readonly whenTag?: Record<string, string>;
  readonly whenMonthlyCostBelow?: string;
}

function requestCommand(parent: Command, context: CliContext): void {
  const request = withTargetOptions(parent.command('request'))
    .description('request an exception for a violation, or for a resource and a rule')
    .option('--policy <name>', 'the policy whose rule should not hold')
    .option('--rule <name>', 'a rule of the policy')
    .option('--type <type>', 'temporary, permanent or conditional', 'temporary')
    .requiredOption('--justification <text>', 'why the rule should not hold here')
    .option('--days <n>', 'how long, from approval', parseDays)
    .option('--expires-at <time>', 'ISO 8601, UTC')
    .option('--review-interval-days <n>', 'how often a permanent one is reviewed', parsePositive)
    .option('--cap-money <amount>', 'ends when the violations that it permits have cost so much')
    .option('--cap-uses <n>', 'ends when it has been used so often', parsePositive)
    .option('--when-tag <key=value>', 'holds only while the resource carries the tag; may be given several times', collectPair)
    .option('--when-monthly-cost-below <amount>', 'holds only while the resource costs less')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<RequestFlags>(context, command);
      const path = options.violation === undefined ? 'v1/exceptions' : `v1/violations/${encodeURIComponent(options.violation)}/exception`;
      printObject(context, options, await api.post(path, requestBody(options)), FIELDS);
    });
  withExamples(
    request,
    'tollgate exception request --violation vio_0192… --days 14 --justification "Black Friday standby"',
    'tollgate exception request --resource i-0abc --account 111122223333 --policy idle-resource-detection --rule low-utilization --days 14 --justification "standby"',
    'tollgate exception request --planned-type compute/instance --planned-account 111122223333 --planned-namespace production --planned-name web-1 --policy resource-limits --rule max-instance-size --cap-uses 1 --days 14 --justification "load test"',
  );
}

/** One of: a violation, an existing resource, a planned one, all that carry some tags. */
function withTargetOptions(command: Command): Command {
  return command
    .option('--violation <id>', 'fills in the resource, the policy and the rule')
    .option('--resource <id>', 'id of an existing resource')
    .option('--account <id>', 'account of the resource, where its id alone is ambiguous; or narrows --tag')
    .option('--resource-type <type>', 'type of the resource, where id and account are ambiguous')
    .option('--planned-type <type>', 'of what does not exist yet: its type, such as compute/instance,')
    .option('--planned-account <id>', 'its account,')
    .option('--planned-namespace <namespace>', 'its namespace,')
    .option('--planned-name <name>', 'and its name')
    .option('--planned-address <address>', 'or its address in the plan')
    .option('--tag <key=value>', 'all that carry the tag; may be given several times', collectPair);
}

function plannedOf(flags: RequestFlags): object | undefined {
  const { plannedType: type, plannedAccount: account, plannedNamespace: namespace, plannedName: name, plannedAddress: address } = flags;
  const planned = { type, account, namespace, name, address };
  return Object.values(planned).every((value) => value === undefined) ? undefined : planned;
}

function requestBody(flags: RequestFlags): object {
  const conditions = { tags: flags.whenTag, monthly_cost_below: flags.whenMonthlyCostBelow };
  return {
    resource_id: flags.resource,
    account: flags.account,
    resource_type: flags.resourceType,
    resource: plannedOf(flags),
    selector: flags.tag === undefined ? undefined : { tags: flags.tag },
    policy_name: flags.policy,
    rule_name: flags.rule,
    type: flags.type,
    justification: flags.justification,
    duration_days: flags.days,
    expires_at: flags.expiresAt,
    review_interval_days: flags.reviewIntervalDays,
    ...(flags.capMoney === undefined && flags.capUses === undefined ? {} : { caps: { money: flags.capMoney, uses: flags.capUses } }),
    ...(conditions.tags === undefined && conditions.monthly_cost_below === undefined ? {} : { conditions }),
  };
}

function parsePositive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return number;
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!(days > 0)) throw new InvalidArgumentError('expected a number of days above 0');
  return days;
}

function readCommands(parent: Command, context: CliContext): void {
  const list = withListOptions(parent.command('list').description('list exceptions, newest first'))
    .option('--status <status>', 'pending, approved, rejected, expired, revoked or lapsed')
    .option('--policy <name>', 'of one policy')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { status?: string; policy?: string }>(context, command);
      const { status, policy, limit, cursor } = options;
      printList(context, options, await api.get('v1/exceptions', { status, policy, limit, cursor }), COLUMNS);
    });
  withExamples(list, 'tollgate exception list --status pending');

  const show = parent
    .command('show')
    .argument('<id>')
    .description('one exception')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      printObject(context, options, await api.get(`v1/exceptions/${encodeURIComponent(id)}`), FIELDS);
    });
  withExamples(show, 'tollgate exception show exc_0192…');
}

function decideCommand(
  parent: Command,
  context: CliContext,
  name: string,
  [flags, about]: readonly [string, string],
  required: boolean,
): void {
  const command = parent.command(name).argument('<id>').description(`${name} an exception`);
  if (required) command.requiredOption(flags, about);
  else command.option(flags, about);
  command.action(async (id: string, own: object, self: Command) => {
    const { options, api } = invocationOf(context, self);
    printObject(context, options, await api.post(`v1/exceptions/${encodeURIComponent(id)}/${name}`, own), FIELDS);
  });
  withExamples(command, `tollgate exception ${name} exc_0192…${required ? ' --reason "no longer needed"' : ''}`);
}

function reviewCommand(parent: Command, context: CliContext): void {
  const review = parent
    .command('review')
    .argument('<id>')
    .description('renew or revoke a permanent exception')
    .requiredOption('--outcome <outcome>', 'renew or revoke')
    .option('--comments <text>', 'kept with the exception')
    .action(async (id: string, own: object, self: Command) => {
      const { options, api } = invocationOf(context, self);
      printObject(context, options, await api.post(`v1/exceptions/${encodeURIComponent(id)}/review`, own), FIELDS);
    });
  withExamples(review, 'tollgate exception review exc_0192… --outcome renew');
}
