import type { Channels } from './channel.js';
import { createConsoleChannel, type NoticeLog } from './console.js';

/** The channels of this installation by name. */
export function createChannels(log: NoticeLog): Channels {
  const channels = [createConsoleChannel(log)];
  return new Map(channels.map((channel) => [channel.name, channel]));
}
