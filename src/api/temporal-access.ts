import type { Client } from '@temporalio/client';
import { TollgateError } from '../errors.js';

/** The way to Temporal, which may be away at any time, also when the API starts. */
export interface TemporalAccess {
  /** Connected, or connecting lazily: making it never waits for the server. */
  readonly client: Client;
  readonly taskQueue: string;
  /** Where it is, for messages. */
  readonly address: string;
}

const CHECK_DEADLINE_MS = 1_500;
/** An answer this young is taken as still true, so that a burst of calls asks once. */
const TRUSTED_MS = 250;

const lastSeen = new WeakMap<Client, number>();

/**
 * Throws `unavailable` unless Temporal answers now. A call to an absent server looks like one that no worker answered (both end at the
 * deadline), and only the second is a 202: so each route that needs Temporal asks first, before it changes anything.
 */
export async function requireTemporal(access: TemporalAccess): Promise<void> {
  const { client, address } = access;
  if (Date.now() - (lastSeen.get(client) ?? 0) < TRUSTED_MS) return;
  try {
    await client.connection.withDeadline(Date.now() + CHECK_DEADLINE_MS, () => client.connection.workflowService.getSystemInfo({}));
    lastSeen.set(client, Date.now());
  } catch (error) {
    throw temporalAway(address, error);
  }
}

export async function isTemporalAway(access: TemporalAccess): Promise<boolean> {
  try {
    await requireTemporal(access);
    return false;
  } catch (error) {
    if (error instanceof TollgateError) return true;
    throw error;
  }
}

export function temporalAway(address: string, cause: unknown): TollgateError {
  return new TollgateError('unavailable', `Temporal at ${address} cannot be reached`, { cause });
}
