import { CommanderError } from 'commander';
import { expect } from 'vitest';
import { type CliContext, CliError } from '../../src/cli/context.js';
import { createProgram } from '../../src/cli/program.js';
import type { Role } from '../../src/policy/house-records.js';
import type { World } from '../api/world.js';
import { silentContext } from './context.js';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** As the process would exit. */
  readonly code: number;
  /** What was thrown, for the process to print. */
  readonly error: string;
}

/** The command line of somebody who speaks to that world's server. */
export function commandLine(worldOf: () => World) {
  async function run(as: Role, args: readonly string[], given: Partial<CliContext> = {}): Promise<Ran> {
    const world = worldOf();
    const context = silentContext({ defaultServer: world.url, findToken: () => world.tokens[as], ...given });
    let thrown: Error | undefined;
    await createProgram(context, '0.0.0')
      .parseAsync(['node', 'tollgate', ...args])
      .catch((reason: Error) => {
        thrown = reason;
      });
    return {
      stdout: context.stdout(),
      stderr: context.stderr(),
      code: thrown === undefined ? context.exitCode() : codeOf(thrown),
      error: thrown?.message ?? '',
    };
  }

  /** As the admin, successfully, without a word on standard error. */
  async function tollgate(...args: string[]): Promise<string> {
    const { stdout, stderr, error } = await run('admin', args);
    expect({ error, stderr }, args.join(' ')).toEqual({ error: '', stderr: '' });
    return stdout;
  }

  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await tollgate(...args, '--json')) as T;
  const items = async (...args: string[]) => (await json<{ items: { id: string; [key: string]: unknown }[] }>(...args)).items;
  return { run, tollgate, json, items };
}

function codeOf(thrown: Error): number {
  if (thrown instanceof CliError) return thrown.exitCode;
  return thrown instanceof CommanderError && thrown.exitCode === 0 ? 0 : 1;
}
