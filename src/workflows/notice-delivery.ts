/** Delivers the notices of the outbox, for as long as the installation lives. One runs at a time. */
import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { createNoticeActivities } from '../activities/notices.js';
import { formatDuration, MINUTE, SECOND } from '../policy/durations.js';
import type { NoticeDeliveryInput } from './notice-messages.js';

const USUAL: NoticeDeliveryInput = {
  quietMs: 2 * SECOND,
  longestWaitMs: 30 * SECOND,
  pollMs: SECOND,
  runForMs: 10 * MINUTE,
  heartbeatMs: 10 * SECOND,
  leaseMs: MINUTE,
};

export async function noticeDelivery(input: NoticeDeliveryInput = USUAL): Promise<never> {
  const { deliverNotices } = proxyActivities<ReturnType<typeof createNoticeActivities>>({
    startToCloseTimeout: input.runForMs + 5 * MINUTE,
    heartbeatTimeout: input.heartbeatMs,
    retry: { maximumInterval: 10 * SECOND },
  });
  for (;;) {
    const delivered = await deliverNotices.executeWithOptions({ summary: 'deliver what is in the outbox' }, [input]);
    setCurrentDetails(`${delivered} notices in the last ${formatDuration(input.runForMs)}`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof noticeDelivery>(input);
  }
}
