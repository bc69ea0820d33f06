import { type Command, InvalidArgumentError } from 'commander';

export interface ListOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

export function withListOptions(command: Command): Command {
  return command
    .option('--limit <n>', 'how many at most (1 to 1000)', parseCount)
    .option('--cursor <cursor>', 'go on where the last page ended');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000) throw new InvalidArgumentError('expected a whole number from 1 to 1000');
  return count;
}

/** Repeated `--tag key=value` options as one object. */
export function collectPair(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected key=value');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** Examples under a command's help. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}
