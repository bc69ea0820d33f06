import type { Channel } from './channel.js';

/** What the console channel needs of a log; a pino logger fits. */
export interface NoticeLog {
  info(fields: object, message: string): void;
}

/** Writes each notice as one line of the structured log. */
export function createConsoleChannel(log: NoticeLog): Channel {
  return {
    name: 'console',
    async deliver({ id, merged, subject, stage, recipient, title, body }) {
      log.info({ notice: { id, merged, subject, stage, recipient, title, body } }, title);
    },
  };
}
