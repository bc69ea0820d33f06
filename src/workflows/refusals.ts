import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { REFUSALS } from './messages.js';

const TYPES: ReadonlySet<string> = new Set(Object.values(REFUSALS));

/** The refusal that an activity answered with, as the failure an update fails with; undefined for every other error. */
export function refusalIn(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && TYPES.has(cause.type ?? '') ? cause : undefined;
}

/** Fails an update with the refusal itself; what is no refusal goes on as it is. */
export async function orRefused<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw refusalIn(error) ?? error;
  }
}
