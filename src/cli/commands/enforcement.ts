import type { Command } from 'commander';
import { type CliContext, invocationOf } from '../context.js';
import { withExamples } from '../list-options.js';
import { type Column, printObject } from '../output.js';

const FIELDS: readonly Column[] = [
  [
    'paused',
    (answer) => {
      const pauses = Array.isArray(answer['pauses']) ? (answer['pauses'] as readonly { scope: string; reason: string }[]) : [];
      return pauses.length === 0 ? 'nothing' : pauses.map((pause) => `${pause.scope} (${pause.reason})`).join(', ');
    },
  ],
];

/** `tollgate pause` and `tollgate resume`: the big switch. */
export function enforcementCommands(program: Command, context: CliContext): void {
  for (const [name, description] of [
    ['pause', 'stop acting within seconds; notices and timers go on, nothing is lost'],
    ['resume', 'act again'],
  ] as const) {
    const command = program
      .command(name)
      .description(description)
      .option('--scope <scope>', 'all, policy:<name> or account:<id>', 'all')
      .requiredOption('--reason <text>', 'why, for the audit log')
      .action(async (_options: unknown, self: Command) => {
        const { options, api } = invocationOf<{ scope: string; reason: string }>(context, self);
        printObject(context, options, await api.post(`v1/enforcement/${name}`, { scope: options.scope, reason: options.reason }), FIELDS);
      });
    withExamples(command, `tollgate ${name} --scope policy:idle-resource-detection --reason "release week"`);
  }
}
