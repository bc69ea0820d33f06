import type { Snapshot } from '../store/snapshot.js';

/** The snapshot finds out within 2.5 s that a database hangs; one that is slow for a moment need not fail what waits for it. */
const PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 500;

/**
 * Waits for `read`, which asks the database, but not for a database that is away. A statement on a connection that was open when the
 * database began to hang would be waited for as long as the slowest report may take.
 * @throws an error that `isDatabaseAway` knows
 */
export function unlessAway<T>(snapshot: Pick<Snapshot, 'degraded'>, read: Promise<T>): Promise<T> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const look = setInterval(() => {
      const isLate = performance.now() - since >= PATIENCE_MS;
      if (isLate && snapshot.degraded) reject(Object.assign(new Error('the database does not answer'), { code: 'ETIMEDOUT' }));
    }, LOOK_EVERY_MS);
    void read.then(resolve, reject).finally(() => clearInterval(look));
  });
}
