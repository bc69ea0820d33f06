import { Command } from 'commander';

/** A command whose errors are a line, and another that says where its help is; so are those of the commands below it. */
export class BriefCommand extends Command {
  override createCommand(name?: string): BriefCommand {
    return new BriefCommand(name);
  }

  /** Commander calls it for each command that is added, before that command knows its parent. */
  override copyInheritedSettings(parent: Command): this {
    const names = [this.name()];
    for (let above: Command | null = parent; above !== null; above = above.parent) names.unshift(above.name());
    return super.copyInheritedSettings(parent).showHelpAfterError(helpAt(names.join(' ')));
  }
}

export function helpAt(name: string): string {
  return `see \`${name} --help\``;
}
