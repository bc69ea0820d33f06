import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

export const HISTORIES = fileURLToPath(new URL('../workflows/histories/', import.meta.url));

/**
 * With `RECORD_HISTORIES=1`, keeps the history of a workflow as `<name>.json`, which `test/workflows/replay.test.ts` replays from then on;
 * else does nothing. Record anew only together with a patch or a change that no running workflow can meet.
 */
export async function recordHistory(client: Client, workflowId: string, name: string, runId?: string): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const history = JSON.parse(historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  writeFileSync(`${HISTORIES}${name}.json`, `${JSON.stringify(history, withoutPlaces, 1)}\n`);
}

/** Who ran it, and where its sources lay, is nobody's business and changes with every machine. A worker's own task queue bears its host's name. */
function withoutPlaces(key: string, value: unknown): unknown {
  const names = key === 'identity' || (key === 'name' && typeof value === 'string' && /^\d+@/.test(value));
  if (names) return 'recorded';
  return key === 'stackTrace' ? '' : value;
}
