import { endException } from '../workflows/exception-messages.js';
import type { GateContext } from './deps.js';

const SIGNAL_DEADLINE_MS = 5_000;

/** Ends exceptions whose cap is used up, so that what they permitted is enforced again at once. A signal that is lost is made up for by the next scan. */
export async function endExhausted({ temporal, snapshot, log }: GateContext, ids: readonly string[]): Promise<void> {
  for (const { id, workflowId } of snapshot.get().exceptionRecords.filter((record) => ids.includes(record.id))) {
    try {
      const handle = temporal.client.workflow.getHandle(workflowId);
      await temporal.client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () => handle.signal(endException, { reason: 'cap' }));
    } catch (err) {
      log.warn({ err, exception: id, workflow_id: workflowId }, 'an exception whose cap is used up could not be told to end');
    }
  }
}
