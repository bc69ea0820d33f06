import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeError, TollgateError } from '../errors.js';

/**
 * Runs `main` when `moduleUrl` is the file that Node was started with, and ends the process with its outcome: 0, or 1 after
 * printing what hindered it, every problem on a line of its own.
 */
export function runAsEntry(moduleUrl: string, main: () => Promise<void>): void {
  const started = process.argv[1];
  if (started === undefined || realpathSync(started) !== fileURLToPath(moduleUrl)) return;
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${explain(error)}\n`);
      process.exit(1);
    },
  );
}

/** An error for a terminal; those that are no fault of the user keep their stack. */
export function explain(error: unknown): string {
  if (!(error instanceof TollgateError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [describeError(error), ...error.problems.map(({ path, message }) => `  ${path}: ${message}`)].join('\n');
}
