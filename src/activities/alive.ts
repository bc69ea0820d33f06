import { heartbeat } from '@temporalio/activity';

const HEARTBEAT_EVERY_MS = 1_000;

/**
 * Keeps the activity alive in the eyes of the server while `work` runs, waits for a provider included, so that a dead worker is noticed
 * within seconds and a slow provider is not taken for one. `at` says how far it is, for Temporal UI.
 */
export async function alive<T>(work: () => Promise<T>, at: () => unknown = () => undefined): Promise<T> {
  const timer = setInterval(() => {
    heartbeat(at());
  }, HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
