/** What is needed to bring back a workflow that is lost while its row lives. */
import type { Db } from './db.js';

export interface LiveRow {
  readonly id: string;
  readonly workflowId: string;
}

/**
 * Remediations that live and whose workflow has run, in the order of their ids, from behind `after`. Those whose workflow never ran are
 * not among them: who opened them starts them when all of a batch are there.
 */
export async function listLiveRemediations(db: Db, after: string, limit: number): Promise<readonly LiveRow[]> {
  const { rows } = await db.query<LiveRow>(
    `select id, workflow_id as "workflowId" from remediations where closed_at is null and projection_seq > 0 and id > $1 order by id limit $2`,
    [after, limit],
  );
  return rows;
}

/** Exceptions that wait for a decision or for their end, in the order of their ids, from behind `after`. */
export async function listLiveExceptionRows(db: Db, after: string, limit: number): Promise<readonly LiveRow[]> {
  const { rows } = await db.query<LiveRow>(
    `select id, workflow_id as "workflowId" from exceptions where status in ('pending', 'approved') and id > $1 order by id limit $2`,
    [after, limit],
  );
  return rows;
}

/** Approvals that wait for a decision, in the order of their ids, from behind `after`. */
export async function listPendingApprovalRows(db: Db, after: string, limit: number): Promise<readonly LiveRow[]> {
  const { rows } = await db.query<LiveRow>(
    `select id, workflow_id as "workflowId" from approvals where status = 'pending' and id > $1 order by id limit $2`,
    [after, limit],
  );
  return rows;
}

export interface Written {
  /** Number of the last projection. */
  readonly seq: number;
  /** Highest number of an event that the workflow wrote. */
  readonly eventCount: number;
}

/** How far a remediation's workflow came in writing. */
export async function writtenOf(db: Db, remediationId: string): Promise<Written> {
  const { rows } = await db.query<Written>(
    `select r.projection_seq as seq,
       (select coalesce(max(substr(key, 7)::integer), 0) from remediation_events where remediation_id = r.id and key ~ '^event/[0-9]+$') as "eventCount"
     from remediations r where r.id = $1`,
    [remediationId],
  );
  return rows[0] ?? { seq: 0, eventCount: 0 };
}
