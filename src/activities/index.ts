import type { ActivityDeps } from './deps.js';
import { createScanActivities } from './scan.js';

/** All activities of a worker. */
export function createActivities(deps: ActivityDeps) {
  return {
    ...createScanActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
