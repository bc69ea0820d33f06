/** A refused move as Temporal carries it to whoever asked: a failure that is not retried, with the refusal's own type. */
import { ApplicationFailure } from '@temporalio/activity';
import type { Refused } from '../policy/refused.js';
import { REFUSALS } from '../workflows/messages.js';

export function refusal({ refused, message, problems }: Refused): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, refused, problems);
}

export function isRefused<T extends object>(outcome: T | Refused): outcome is Refused {
  return 'refused' in outcome;
}

export function unknownSubject(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`no ${what}`, REFUSALS.unknown);
}
