import type { Command } from 'commander';

/** Every command that does something, the program itself and mere groups left out. */
export function commandsOf(parent: Command): readonly Command[] {
  return parent.commands.flatMap((command) => (command.commands.length === 0 ? [command] : commandsOf(command)));
}

/** `tollgate policy validate` of a command. */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** What is wrong with a line that calls `tollgate`, as far as names of commands and options go. */
export function problemsOf(program: Command, line: string): readonly string[] {
  const words: string[] = (/(?:^|\s)tollgate (.*?)(?:\s+#.*)?$/.exec(line)?.[1] ?? '').match(/"[^"]*"|\S+/g) ?? [];
  let command = program;
  for (let next: Command | undefined = program; next !== undefined; ) {
    command = next;
    next = command.commands.find((one) => one.name() === words[0]);
    if (next !== undefined) words.shift();
  }
  if (command === program || command.commands.length > 0) return [`no such command: ${line}`];
  const known = [...command.options, ...program.options].map((option) => option.long);
  const unknown = words.filter((word) => word.startsWith('--') && !known.includes(word)).map((word) => `unknown option ${word}`);
  const missing = command.options
    .filter((option) => option.mandatory && !words.includes(option.long ?? ''))
    .map(({ long }) => `without ${long}`);
  return [...unknown, ...missing];
}
