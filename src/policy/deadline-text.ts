/** The next deadlines of a remediation, for people. Pure. */
import { formatDuration } from './durations.js';
import type { Instant } from './model.js';
import type { RemediationRecord } from './records.js';
import { waitingWords } from './remediation-words.js';

type Deadlines = Pick<RemediationRecord, 'phase' | 'waitingFor' | 'escalateAt' | 'escalated' | 'actAt' | 'undoUntil'>;

/** The next deadlines as lengths from `now`: `escalates in 6 days 23 hours, acts in 7 days 23 hours`; null when there is none. */
export function deadlineText(remediation: Deadlines, now: Instant): string | null {
  const { phase, waitingFor, escalateAt, escalated, actAt, undoUntil } = remediation;
  const within = (at: Instant) => (at <= now ? 'now' : `in ${formatDuration(at - now)}`);
  if (phase === 'closed') return null;
  if (phase === 'undo_window') return undoUntil === null ? null : `can be undone for ${formatDuration(undoUntil - now)}`;
  if (waitingFor !== null) return waitingWords(waitingFor);
  if (phase === 'acting' || phase === 'verifying') return `${phase} now`;
  const escalation = escalateAt === null || escalated ? '' : `escalates ${within(escalateAt)}, `;
  return `${escalation}acts ${within(actAt)}`;
}
