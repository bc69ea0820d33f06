import { type Command, Option } from 'commander';
import type { WireDecision } from '../../api/contract/evaluate.js';
import type { JsonObject } from '../client.js';
import { type CliContext, type GlobalOptions, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { renderText } from '../output/text.js';
import { type Column, formatTable, printJson, printList, printObject, textAt } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['AT', 'at'],
  ['DECISION', (row) => `${textAt(row, 'decision')}${row['dry_run'] === true ? ' (dry run)' : ''}`],
  ['REQUESTER', 'requester'],
  ['DOOR', 'door'],
  ['ACCOUNT', 'account'],
];

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['at', 'at'],
  ['decision', 'decision'],
  ['dry run', 'dry_run'],
  ['degraded', 'degraded'],
  ['requester', 'requester'],
  ['asked by', 'principal'],
  ['door', 'door'],
  ['account', 'account'],
  ['idempotency key', 'idempotency_key'],
  ['plan', 'plan_digest'],
  ['policies', 'policy_set'],
];

interface Filters extends ListOptions {
  readonly decision?: string;
  readonly requester?: string;
  readonly account?: string;
  readonly since?: string;
  readonly until?: string;
}

/** `tollgate decision …`: what the gate answered, and what it would answer now. */
export function decisionCommand(program: Command, context: CliContext): void {
  const decision = program.command('decision').description('the decision log: list, show, replay');
  listCommand(decision, context);
  showCommand(decision, context);
  replayCommand(decision, context);
}

function listCommand(parent: Command, context: CliContext): void {
  const list = withListOptions(parent.command('list').description('list decisions, newest first'))
    .option('--decision <word>', 'allow, warn, needs_approval or deny')
    .option('--requester <principal>', 'of one requester')
    .option('--account <id>', 'about one account')
    .option('--since <time>', 'from then on, such as 2026-11-01T00:00:00Z')
    .option('--until <time>', 'before then')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<Filters>(context, command);
      const { decision, requester, account, since, until, limit, cursor } = options;
      const query = { decision, requester, account, since, until, limit, cursor };
      printList(context, options, await api.get('v1/decisions', query), COLUMNS);
    });
  withExamples(list, 'tollgate decision list --decision deny --requester dana@company.com');
}

function showCommand(parent: Command, context: CliContext): void {
  const show = parent
    .command('show')
    .argument('<id>')
    .description('one decision, with its answer, approvals and holds; --json has the request and why each rule applied or not')
    .option('--resource <name>', 'explain this resource only')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ resource?: string }>(context, command);
      const detail = await api.get(`v1/decisions/${encodeURIComponent(id)}`, { resource: options.resource });
      printDetail(context, options, detail);
    });
  withExamples(show, 'tollgate decision show dec_0192…', 'tollgate decision show dec_0192… --resource web-1 --json');
}

const APPROVALS: readonly Column[] = [
  ['ID', 'id'],
  ['STATUS', 'status'],
  ['RULE', ruleOf],
  ['APPROVERS', 'approvers'],
  ['DECIDED BY', 'decided_by'],
  ['EXPIRES', 'expires_at'],
  ['COMMENTS', 'comments'],
];
const HOLDS: readonly Column[] = [
  ['ID', 'id'],
  ['RULE', ruleOf],
  ['PERIOD', 'period'],
  ['AMOUNT', 'amount'],
  ['EXPIRES', 'expires_at'],
];

function ruleOf(row: JsonObject): string {
  return `${textAt(row, 'policy_name')}/${textAt(row, 'rule_name')}`;
}

function printDetail(context: CliContext, options: GlobalOptions, detail: JsonObject): void {
  printObject(context, options, detail, FIELDS);
  if (options.json === true) return;
  const decision = detail['result'] as WireDecision;
  context.out(`\n${renderText({ file: decision.decision_id, decision })}`);
  for (const [columns, rows] of [
    [APPROVALS, detail['approvals'] as readonly JsonObject[]],
    [HOLDS, decision.holds],
  ] as const)
    if (rows.length > 0) context.out(`\n${formatTable(columns, rows, context.width)}\n`);
}

function replayCommand(parent: Command, context: CliContext): void {
  const replay = parent
    .command('replay')
    .argument('<id>')
    .description('judge a logged request again; nothing is logged or held')
    .addOption(new Option('--policies <when>', 'as it was judged, or by what is in force now').choices(['then', 'now']).default('then'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ policies: string }>(context, command);
      print(context, options, await api.post(`v1/decisions/${encodeURIComponent(id)}/replay`, { policies: options.policies }));
    });
  withExamples(replay, 'tollgate decision replay dec_0192… --policies now');
}

const REPLAYED: readonly Column[] = [
  ['decision', 'decision_id'],
  ['policies', 'policies'],
  ['same', 'same'],
  ['before', 'before'],
  ['after', 'after'],
];
const DIFFERENCES: readonly Column[] = [
  ['CHANGE', 'change'],
  ['WHERE', 'where'],
  ['RESOURCE', 'resource_id'],
  ['RULE', (row) => (row['policy_name'] === null ? '-' : ruleOf(row))],
  ['TEXT', 'text'],
];

function print(context: CliContext, options: GlobalOptions, replay: JsonObject): void {
  if (options.json === true) return printJson(context, replay);
  printObject(context, options, replay, REPLAYED);
  const differences = replay['differences'] as readonly JsonObject[];
  if (differences.length === 0) return;
  context.out('\n');
  printList(context, options, { items: differences }, DIFFERENCES);
}
