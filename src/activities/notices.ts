/** Delivery of the outbox: claims what is due, hands each recipient theirs together, notes what was delivered and what was not. */
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { describeError, TollgateError } from '../errors.js';
import type { OutgoingNotice } from '../notify/channel.js';
import { digestWords } from '../notify/words.js';
import { MINUTE, SECOND } from '../policy/durations.js';
import type { NoticeRecord } from '../policy/house-records.js';
import { claimNotices, markDelivered, markFailed } from '../store/outbox.js';
import { createOwnConnection } from '../store/own-connection.js';
import type { NoticeDeliveryInput } from '../workflows/notice-messages.js';
import { createBell } from './bell.js';
import type { ActivityDeps } from './deps.js';

const BATCH = 500;
const FIRST_RETRY_MS = 5 * SECOND;
const LONGEST_RETRY_MS = 30 * MINUTE;

export function createNoticeActivities(deps: ActivityDeps) {
  return {
    /**
     * Delivers for `runForMs` what is in the outbox and what is added to it; answers how many notices it delivered. Safe to run twice: a
     * claimed notice is nobody else's and a delivered one is never claimed again. One that a killed worker held is delivered when its
     * lease ends, under the same id.
     */
    async deliverNotices(input: NoticeDeliveryInput): Promise<number> {
      const bell = createBell();
      const listener = createOwnConnection(deps.pool, {
        timeoutMs: 10 * SECOND,
        channel: 'tollgate_outbox',
        onNotification: () => bell.ring(),
      });
      const signal = cancellationSignal();
      const until = deps.now() + input.runForMs;
      let delivered = 0;
      try {
        while (deps.now() < until && !signal.aborted) {
          await listener.get();
          const batch = await deliverBatch(deps, input, signal);
          delivered += batch;
          if (batch === 0) await bell.wait(Math.min(input.pollMs, until - deps.now()), signal);
        }
      } finally {
        await listener.close();
      }
      signal.throwIfAborted();
      return delivered;
    },
  };
}

/** Answers how many were tried: 0 when nothing is due. */
async function deliverBatch(deps: ActivityDeps, input: NoticeDeliveryInput, signal: AbortSignal): Promise<number> {
  const claimed = await claimNotices(deps.pool, deps.now(), { ...input, limit: BATCH });
  heartbeat(claimed.length);
  for (const group of groupsOf(claimed)) {
    if (signal.aborted) break;
    await deliverGroup(deps, group, signal);
    heartbeat(claimed.length);
  }
  return claimed.length;
}

type Group = readonly [NoticeRecord, ...NoticeRecord[]];

function groupsOf(notices: readonly NoticeRecord[]): readonly Group[] {
  const groups = new Map<string, [NoticeRecord, ...NoticeRecord[]]>();
  for (const notice of notices) {
    const key = JSON.stringify([notice.channel, notice.recipient]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [notice]);
    else group.push(notice);
  }
  return [...groups.values()];
}

async function deliverGroup(deps: ActivityDeps, group: Group, signal: AbortSignal): Promise<void> {
  const ids = group.map(({ id }) => id);
  const [first] = group;
  try {
    const channel = deps.channels.get(first.channel);
    if (channel === undefined) throw new TollgateError('invalid-configuration', `no channel \`${first.channel}\` is configured`);
    await channel.deliver(outgoing(group), signal);
    await markDelivered(deps.pool, ids, deps.now());
  } catch (error) {
    // One unreachable recipient holds up nobody else.
    deps.log.warn({ channel: first.channel, notices: ids, err: error }, 'notices were not delivered');
    await markFailed(deps.pool, ids, describeError(error), deps.now() + retryAfter(first.attempts));
  }
}

function outgoing(group: Group): OutgoingNotice {
  const [{ id, subject, stage, recipient, title, body }] = group;
  const merged = group.map((notice) => notice.id);
  const words = group.length === 1 ? { title, body } : digestWords(group);
  return { id, subject, stage, recipient, ...words, merged };
}

/** Doubles with each attempt: 5 s, 10 s, 20 s … up to half an hour. */
function retryAfter(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));
}
