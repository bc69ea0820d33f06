import type { Command } from 'commander';
import type { Price } from '../api/contract/cost.js';
import type { Lookup } from '../intake/intake.js';
import type { EvaluationContext } from '../policy/evaluate.js';
import { type ApiClient, createApiClient } from './client.js';
import type { ExitCode } from './exit-code.js';

/** The world as commands see it; `main.ts` builds it from the process, tests from strings. */
export interface CliContext {
  /** Writes to standard output as it is: results only, so that a pipe gets nothing else. */
  readonly out: (text: string) => void;
  /** Writes to standard error: progress, hints, errors. */
  readonly err: (text: string) => void;
  /** True when standard error is a terminal: only then is progress shown. */
  readonly isTerminal: boolean;
  /** Columns of the terminal that standard output is; undefined for a pipe or a file, where nothing is shortened. */
  readonly width: number | undefined;
  readonly defaultServer: string;
  /** `TOLLGATE_TOKEN`, else the token that `npm start` made, which is for servers on this machine only; else undefined. */
  readonly findToken: (server: string) => string | undefined;
  /** The built-in price list, which is read when it is asked for. */
  readonly loadPrices: () => Promise<Prices>;
  readonly setExitCode: (code: ExitCode) => void;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What an evaluation without a server prices by, and the sizes that it suggests. */
export interface Prices {
  readonly price: Price;
  /** Facts and list prices by the providers' own names. */
  readonly lookup: Lookup;
  readonly offers: NonNullable<EvaluationContext['offers']>;
}

export interface GlobalOptions {
  readonly json?: boolean;
  readonly server?: string;
  readonly token?: string;
}

/** A command that cannot go on, with what the user should read. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What an action needs: the context, the options given before or after the command, and a client for them. */
export interface Invocation<O> {
  readonly context: CliContext;
  readonly options: O & GlobalOptions;
  readonly api: ApiClient;
}

export function invocationOf<O extends object>(context: CliContext, command: Command): Invocation<O> {
  const options = command.optsWithGlobals<O & GlobalOptions>();
  const server = options.server ?? context.defaultServer;
  const api = createApiClient({
    server,
    token: options.token ?? context.findToken(server),
    sleep: context.sleep,
    onNotice: (notice) => {
      if (context.isTerminal && options.json !== true) context.err(`${notice}\n`);
    },
  });
  return { context, options, api };
}
