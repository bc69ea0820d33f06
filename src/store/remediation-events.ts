/** What happened to a remediation, in order: its timeline. */
import type { Instant, Json } from '../policy/model.js';
import type { TimelineEvent } from '../policy/records.js';
import type { Db } from './db.js';

/** `key` is unique within the remediation and made where the event happens, so that a repeat writes it once. */
export interface NewEvent extends TimelineEvent {
  readonly key: string;
}

/** Appends in the given order; a key that is there already is left as it is. */
export async function appendEvents(db: Db, remediationId: string, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db.query(
    `insert into remediation_events (remediation_id, key, at, event, principal, details)
     select $1, key, at, event, principal, details
     from jsonb_to_recordset($2::jsonb) as e (key text, at timestamptz, event text, principal text, details jsonb)
     on conflict do nothing`,
    [remediationId, JSON.stringify(events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })))],
  );
}

interface EventRow {
  at: Instant;
  event: string;
  principal: string | null;
  details: { readonly [key: string]: Json };
}

/** Oldest first. */
export async function timelineOf(db: Db, remediationId: string): Promise<readonly TimelineEvent[]> {
  const { rows } = await db.query<EventRow>(
    `select at, event, principal, details from remediation_events where remediation_id = $1 order by at, ordinal`,
    [remediationId],
  );
  return rows.map((row) => ({ at: row.at, event: row.event, principal: row.principal, details: row.details }));
}
