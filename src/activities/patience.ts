/** Calls a provider again when it is busy or out of reach, without losing the place of the caller. */
import { sleep } from '@temporalio/activity';
import { TollgateError } from '../errors.js';

/** How often a call is tried in all, by error code; any other error is thrown at once. */
const TRIES: Readonly<Partial<Record<string, number>>> = { throttled: 12, 'provider-unreachable': 4 };
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 20_000;

/** For an activity that is kept `alive`, since it may wait for minutes. Waits twice as long each time, less a random half of it, so that callers who were refused together do not come back together. */
export async function patiently<T>(call: () => Promise<T>, random: () => number = Math.random): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TollgateError) || tried >= (TRIES[error.code] ?? 0)) throw error;
    }
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (tried - 1), LONGEST_WAIT_MS);
    await sleep(wait * (1 - random() / 2));
  }
}
