import type { Command } from 'commander';
import type { ApiClient, JsonObject } from '../client.js';
import { type CliContext, invocationOf } from '../context.js';
import { collect, type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printJson, printList, printObject, textAt } from '../output.js';
import { readText } from '../policy-files.js';

const COLUMNS: readonly Column[] = [
  ['NAME', 'name'],
  ['TYPE', 'type'],
  ['STATUS', 'status'],
  ['ACTIVE', 'active_version'],
  ['CURRENT', 'current_version'],
  ['OPEN VIOLATIONS', 'open_violations'],
];

const FIELDS: readonly Column[] = [
  ['name', 'name'],
  ['type', 'type'],
  ['status', 'status'],
  ['active version', 'active_version'],
  ['current version', 'current_version'],
  ['description', 'description'],
  ['created by', 'created_by'],
  ['reviewers', 'reviewers'],
  ['approved by', (policy) => approversOf(policy)],
  ['effective at', 'effective_at'],
  ['deprecation', 'deprecation'],
  ['open violations', 'open_violations'],
  ['versions', (policy) => versionsOf(policy)],
  ['workflow', 'workflow.url'],
];

const pathOf = (name: string) => `v1/policies/${encodeURIComponent(name)}`;

/** The commands of `tollgate policy` that speak to the server: the life of a policy from draft to archive. */
export function policyServerCommands(policy: Command, context: CliContext): void {
  readCommands(policy, context);
  writeCommands(policy, context);
  lifeCommands(policy, context);
}

function readCommands(policy: Command, context: CliContext): void {
  const list = withListOptions(policy.command('list').description('list policies'))
    .option('--status <status>', 'draft, review, approved, active, deprecated or archived')
    .option('--enforcing', 'only those that enforce now')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { status?: string; enforcing?: boolean }>(context, command);
      const enforcing = options.enforcing === true ? 'true' : undefined;
      printList(
        context,
        options,
        await api.get('v1/policies', { status: options.status, enforcing, limit: options.limit, cursor: options.cursor }),
        COLUMNS,
      );
    });
  withExamples(list, 'tollgate policy list --enforcing');

  const show = policy
    .command('show')
    .argument('<name>')
    .description('one policy with its versions')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      printObject(context, options, await api.get(pathOf(name)), FIELDS);
    });
  withExamples(show, 'tollgate policy show resource-limits');

  const diff = policy
    .command('diff')
    .argument('<name>')
    .requiredOption('--from <version>', 'such as 1.0.0')
    .requiredOption('--to <version>', 'such as 2.0.0')
    .description('what changed between two versions')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ from: string; to: string }>(context, command);
      const answer = await api.get(`${pathOf(name)}/diff`, { from: options.from, to: options.to });
      if (options.json === true) printJson(context, answer);
      else context.out(`${textAt(answer, 'text')}\n`);
    });
  withExamples(diff, 'tollgate policy diff resource-limits --from 1.0.0 --to 2.0.0');
}

function writeCommands(policy: Command, context: CliContext): void {
  const create = policy
    .command('create')
    .argument('<file>')
    .description('store a policy file as a draft')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      printObject(context, options, await sendYaml(api, 'v1/policies', file), FIELDS);
    });
  withExamples(create, 'tollgate policy create policies/big-disks.yaml');

  const version = policy
    .command('version')
    .argument('<name>')
    .argument('<file>')
    .requiredOption('--change-type <type>', 'minor (texts only) or major')
    .requiredOption('--summary <text>', 'what changed')
    .description('store a new version of a policy')
    .action(async (name: string, file: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ changeType: string; summary: string }>(context, command);
      const content = await readText(file);
      const body = { content, change_type: options.changeType, change_summary: options.summary };
      printObject(context, options, await api.post(`${pathOf(name)}/versions`, body), FIELDS);
    });
  withExamples(version, 'tollgate policy version resource-limits limits.yaml --change-type major --summary "allow 32 vCPUs"');
}

interface Move {
  readonly name: string;
  readonly description: string;
  readonly declare: (command: Command) => Command;
  readonly body: (options: Readonly<Record<string, unknown>>) => object;
  readonly example: string;
}

const MOVES: readonly Move[] = [
  {
    name: 'submit',
    description: 'ask others to review the draft',
    declare: (command) => command.requiredOption('--reviewer <id>', 'may be given several times; not the author', collect),
    body: ({ reviewer }) => ({ reviewers: reviewer }),
    example: 'tollgate policy submit big-disks --reviewer sam@company.com',
  },
  {
    name: 'review',
    description: 'approve the policy under review, or ask for changes',
    declare: (command) =>
      command.requiredOption('--verdict <verdict>', 'approve or request-changes').option('--comments <text>', 'kept with the review'),
    body: ({ verdict, comments }) => ({ verdict, comments }),
    example: 'tollgate policy review big-disks --verdict approve',
  },
  {
    name: 'activate',
    description: 'enforce the approved version, now or at a time',
    declare: (command) => command.option('--at <time>', 'ISO 8601, UTC'),
    body: ({ at }) => ({ effective_at: at }),
    example: 'tollgate policy activate big-disks --at 2026-12-01T00:00:00Z',
  },
  {
    name: 'deprecate',
    description: 'enforce until a date, then no more',
    declare: (command) =>
      command
        .requiredOption('--date <time>', 'ISO 8601, UTC')
        .requiredOption('--reason <text>', 'why')
        .option('--replacement <name>', 'the policy that takes its place'),
    body: ({ date, reason, replacement }) => ({ deprecation_date: date, reason, replacement }),
    example: 'tollgate policy deprecate big-disks --date 2026-12-31T00:00:00Z --reason "replaced" --replacement disks',
  },
  {
    name: 'archive',
    description: 'put away a policy whose deprecation date has passed',
    declare: (command) => command,
    body: () => ({}),
    example: 'tollgate policy archive big-disks',
  },
];

function lifeCommands(policy: Command, context: CliContext): void {
  for (const move of MOVES) {
    const command = move.declare(policy.command(move.name).argument('<name>').description(move.description));
    command.action(async (name: string, own: Readonly<Record<string, unknown>>, self: Command) => {
      const { options, api } = invocationOf(context, self);
      // the API calls the review collection `reviews`
      const route = move.name === 'review' ? 'reviews' : move.name;
      printObject(context, options, await api.post(`${pathOf(name)}/${route}`, move.body(own)), FIELDS);
    });
    withExamples(command, move.example);
  }
}

async function sendYaml(api: ApiClient, path: string, file: string): Promise<JsonObject> {
  return (await api.send('POST', path, { text: { type: 'application/yaml', content: await readText(file) } })).body;
}

function approversOf(policy: JsonObject): string {
  const approvals = Array.isArray(policy['approvals']) ? (policy['approvals'] as readonly JsonObject[]) : [];
  return approvals.length === 0 ? '-' : approvals.map((approval) => textAt(approval, 'approved_by')).join(', ');
}

function versionsOf(policy: JsonObject): string {
  const versions = Array.isArray(policy['versions']) ? (policy['versions'] as readonly JsonObject[]) : [];
  return versions.map((version) => `${textAt(version, 'version')} ${textAt(version, 'status')}`).join(', ');
}
