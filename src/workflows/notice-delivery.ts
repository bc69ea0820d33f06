/** Delivers the notices of the outbox, for as long as the installation lives. One runs at a time. */
import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { createNoticeActivities } from '../activities/notices.js';
import { MINUTE, SECOND } from '../policy/durations.js';
import type { NoticeDeliveryInput } from './messages.js';

const activities = proxyActivities<ReturnType<typeof createNoticeActivities>>({
  startToCloseTimeout: 15 * MINUTE,
  // After a kill, nothing is delivered for so long.
  heartbeatTimeout: 10 * SECOND,
  retry: { maximumInterval: 10 * SECOND },
});

const USUAL: NoticeDeliveryInput = { quietMs: 2 * SECOND, longestWaitMs: 30 * SECOND, pollMs: SECOND, runForMs: 10 * MINUTE };

export async function noticeDelivery(input: NoticeDeliveryInput = USUAL): Promise<never> {
  for (;;) {
    const delivered = await activities.deliverNotices.executeWithOptions({ summary: 'deliver what is in the outbox' }, [input]);
    setCurrentDetails(`${delivered} notices delivered in the last ${input.runForMs / MINUTE} minutes`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof noticeDelivery>(input);
  }
}
