import { TollgateError } from '../errors.js';

/** After this long, what has not stopped by itself never will: what it waits for may be gone too. */
const LONGEST_STOP_MS = 25_000;

/**
 * Resolves when this process is asked to stop: by SIGINT or SIGTERM, or because the supervisor that started it is gone.
 * From then on further signals are ignored, so that an impatient Ctrl-C does not cut off what is being finished.
 */
export function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    const stop = (why: string) => {
      resolve(why);
      setTimeout(() => process.exit(1), LONGEST_STOP_MS).unref();
    };
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('disconnect', () => stop('the supervisor is gone'));
  });
}

/** Tells the supervisor, if one started this process. */
export function tellReady(): void {
  process.send?.({ ready: true } satisfies ReadyMessage, undefined, {}, () => {});
}

export interface ReadyMessage {
  readonly ready: true;
}

/**
 * Keeps trying until it works or `stopping` answers true; waits 0.5 s after the first failure, twice as long after each, at most 10 s.
 * @throws TollgateError `invalid-configuration` at once: no waiting mends that
 */
export async function retryUntilItWorks<T>(
  work: () => Promise<T>,
  onFailure: (error: unknown, isFirst: boolean) => void,
  stopping: () => boolean,
): Promise<T | undefined> {
  let isFirst = true;
  for (let waitMs = 500; !stopping(); waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TollgateError && error.code === 'invalid-configuration') throw error;
      onFailure(error, isFirst);
      isFirst = false;
    }
    for (const end = Date.now() + waitMs; Date.now() < end && !stopping(); ) await new Promise((next) => setTimeout(next, 100));
  }
  return undefined;
}
