import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../errors.js';
import { isRunning } from './processes.js';

interface Server {
  readonly pid: number;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Watches over a server that was started, and starts it again when it dies, with back-off. Answers how to stop it for good. */
export function keepServer(
  name: string,
  first: Server,
  startAgain: () => Promise<Server>,
  say: (line: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let current = first;
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
  const done = (async () => {
    for (let waitMs = LOOK_EVERY_MS; !stopping.signal.aborted; ) {
      await pause(LOOK_EVERY_MS);
      if (stopping.signal.aborted) return;
      if (isRunning(current.pid)) {
        waitMs = LOOK_EVERY_MS;
        continue;
      }
      say(`${name} ended, starting it again`);
      try {
        // Its guard must not wait for the death of a number that somebody else may get.
        await current.stop();
        current = await startAgain();
        say(`${name} is back`);
      } catch (error) {
        say(`${name} did not start: ${describeError(error)}; trying again in ${waitMs / 1000} s`);
        await pause(waitMs);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  })();
  return async () => {
    stopping.abort();
    await done;
    await current.stop();
  };
}
