import type { CliContext } from '../../src/cli/context.js';
import type { ExitCode } from '../../src/cli/exit-code.js';
import type { Lookup } from '../../src/intake/intake.js';
import type { Cost } from '../../src/policy/model.js';

const UNKNOWN: Cost = { hourly: null, monthly: null, source: 'none' };
const NO_LOOKUP: Lookup = { instance: () => undefined, volumeType: () => undefined, price: () => UNKNOWN };

export interface Captured extends CliContext {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exitCode: () => ExitCode;
}

/** A context that keeps what is written. Without a server: nothing answers at its address. */
export function silentContext(given: Partial<CliContext> = {}): Captured {
  let stdout = '';
  let stderr = '';
  let exitCode: ExitCode = 0;
  return {
    out: (text) => (stdout += text),
    err: (text) => (stderr += text),
    isTerminal: false,
    width: undefined,
    defaultServer: 'http://127.0.0.1:1',
    findToken: () => undefined,
    loadPrices: async () => ({ price: () => UNKNOWN, offers: () => [], lookup: NO_LOOKUP }),
    setExitCode: (code) => {
      exitCode = code;
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
    ...given,
    stdout: () => stdout,
    stderr: () => stderr,
    exitCode: () => exitCode,
  };
}
