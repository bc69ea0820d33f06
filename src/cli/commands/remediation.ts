import type { Command } from 'commander';
import type { JsonObject } from '../client.js';
import { type CliContext, invocationOf } from '../context.js';
import { type ListOptions, withExamples, withListOptions } from '../list-options.js';
import { type Column, printList, printObject, textAt } from '../output.js';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['RESOURCE', 'resource_id'],
  ['ACTION', 'action'],
  ['PHASE', 'phase'],
  ['SEVERITY', 'severity'],
  ['WAITING FOR', 'waiting_for'],
  ['DEADLINE', (row) => (row['result'] === null ? textAt(row, 'deadline_text') : textAt(row, 'result'))],
];

const FIELDS: readonly Column[] = [
  ['id', 'id'],
  ['violation', 'violation_id'],
  ['resource', 'resource_id'],
  ['action', 'action'],
  ['phase', 'phase'],
  ['severity', 'severity'],
  ['waiting for', 'waiting_for'],
  ['acts at', 'act_at'],
  ['deadline', 'deadline_text'],
  ['result', 'result'],
  ['message', 'result_message'],
  ['undo until', 'undo.until'],
  ['workflow', 'workflow.url'],
];

/** `tollgate remediation …`: follow what ends a violation, and decide where a person is asked. */
export function remediationCommand(program: Command, context: CliContext): void {
  const remediation = program
    .command('remediation')
    .description('what ends a violation: list, show, approve, postpone, cancel, retry, undo');
  listCommand(remediation, context);
  showCommand(remediation, context);
  decideCommands(remediation, context);
}

function listCommand(parent: Command, context: CliContext): void {
  const list = withListOptions(parent.command('list').description('list remediations, newest first'))
    .option('--phase <phase>', 'grace, notice, awaiting_approval, awaiting_operator, paused, acting, verifying, undo_window or closed')
    .option('--policy <name>', 'of one policy')
    .option('--action <action>', 'such as stop_instance')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ListOptions & { phase?: string; policy?: string; action?: string }>(context, command);
      const { phase, policy, action, limit, cursor } = options;
      printList(context, options, await api.get('v1/remediations', { phase, policy, action, limit, cursor }), COLUMNS);
    });
  withExamples(list, 'tollgate remediation list --phase awaiting_approval');
}

function showCommand(parent: Command, context: CliContext): void {
  const show = parent
    .command('show')
    .argument('<id>')
    .description('one remediation with its timeline')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf(context, command);
      const found = await api.get(`v1/remediations/${encodeURIComponent(id)}`);
      printObject(context, options, found, FIELDS);
      if (options.json !== true) printTimeline(context, found);
    });
  withExamples(show, 'tollgate remediation show rem_0192…');
}

function printTimeline(context: CliContext, remediation: JsonObject): void {
  const timeline = Array.isArray(remediation['timeline']) ? (remediation['timeline'] as readonly JsonObject[]) : [];
  for (const { at, event, ...details } of timeline) {
    const rest = Object.entries(details)
      .filter(([, value]) => value !== null)
      .map(([name]) => `${name}=${textAt(details, name)}`);
    context.out(`  ${textAt({ at }, 'at')}  ${String(event)}  ${rest.join(' ')}`.trimEnd().concat('\n'));
  }
}

interface Decision {
  readonly name: string;
  readonly description: string;
  readonly options: readonly (readonly [flags: string, description: string, required: boolean])[];
  readonly example: string;
}

const REASON = ['--reason <text>', 'why', true] as const;
const DECISIONS: readonly Decision[] = [
  {
    name: 'approve',
    description: 'consent to the act, or release a batch that stands over its limit',
    options: [['--comments <text>', 'kept in the audit log', false]],
    example: 'tollgate remediation approve rem_0192… --comments "checked with dana"',
  },
  {
    name: 'postpone',
    description: 'move the act, by 7 days at most in all',
    options: [['--until <time>', 'ISO 8601, UTC', true], REASON],
    example: 'tollgate remediation postpone rem_0192… --until 2026-12-01T09:00:00Z --reason "release week"',
  },
  {
    name: 'cancel',
    description: 'give up this remediation; the violation stays open',
    options: [REASON],
    example: 'tollgate remediation cancel rem_0192… --reason "owner moved"',
  },
  { name: 'retry', description: 'try a failed act again', options: [], example: 'tollgate remediation retry rem_0192…' },
  {
    name: 'undo',
    description: 'restore the state saved before the act',
    options: [['--reason <text>', 'why', false]],
    example: 'tollgate remediation undo rem_0192… --reason "still needed"',
  },
];

function decideCommands(parent: Command, context: CliContext): void {
  for (const decision of DECISIONS) {
    const command = parent.command(decision.name).argument('<id>').description(decision.description);
    for (const [flags, description, required] of decision.options) {
      if (required) command.requiredOption(flags, description);
      else command.option(flags, description);
    }
    command.action(async (id: string, own: JsonObject, self: Command) => {
      const { options, api } = invocationOf(context, self);
      printObject(context, options, await api.post(`v1/remediations/${encodeURIComponent(id)}/${decision.name}`, own), FIELDS);
    });
    withExamples(command, decision.example);
  }
}
