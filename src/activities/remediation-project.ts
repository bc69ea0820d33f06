/** What a workflow has decided becomes rows: state, timeline, violation, notices and audit, in one transaction. */
import { membersOf, recipientsOf } from '../policy/directory.js';
import type { RemediationProgress } from '../policy/records.js';
import type { RemediationWords } from '../policy/remediation-notice.js';
import { appendAudit } from '../store/audit.js';
import { type Db, transaction } from '../store/db.js';
import { addressed, type NewNotice, writeNotices } from '../store/outbox.js';
import { appendEvents, type NewEvent } from '../store/remediation-events.js';
import { reopenAfterUndo, writeProjection } from '../store/remediation-writes.js';
import { closeViolation, markExcepted } from '../store/violations.js';
import type { ActivityDeps } from './deps.js';

export type ViolationChange =
  | { readonly kind: 'close'; readonly status: 'resolved' | 'remediated' | 'closed'; readonly reason: string }
  | { readonly kind: 'except'; readonly exceptionId: string }
  | { readonly kind: 'reopen'; readonly resourceId: string };

export interface ProjectionAudit {
  readonly principal: string;
  readonly action: string;
  readonly after: { readonly [key: string]: string | number | null };
}

export interface ProjectionNotice extends RemediationWords {
  /** Key of the notice within the remediation. */
  readonly stage: string;
  /** True where an operator has to do something: the fallback groups are told too. */
  readonly operators: boolean;
}

export interface Projection {
  readonly remediationId: string;
  readonly violationId: string;
  readonly team: string;
  readonly owner: string | null;
  readonly seq: number;
  readonly at: number;
  readonly state: RemediationProgress;
  readonly events: readonly NewEvent[];
  readonly notice: ProjectionNotice | null;
  readonly violation: ViolationChange | null;
  readonly audits: readonly ProjectionAudit[];
}

/** `notified` is how many recipients the notice has: with none its stage does not end. */
export interface Projected {
  readonly notified: number;
}

type ProjectDeps = Pick<ActivityDeps, 'pool' | 'channels' | 'directory'>;

/** Safe to repeat: all of it is written with projection number `seq`, or none. */
export async function projectRemediation(deps: ProjectDeps, projection: Projection): Promise<Projected> {
  const { remediationId, seq, at } = projection;
  const notices = noticesOf(deps, projection);
  await transaction(deps.pool, async (db) => {
    if (!(await writeProjection(db, remediationId, seq, projection.state, at))) return;
    await appendEvents(db, remediationId, projection.events);
    await writeNotices(db, notices, at);
    await changeViolation(db, projection);
    for (const audit of projection.audits) await appendAudit(db, { ...audit, subject: remediationId, before: null, at });
  });
  return { notified: new Set(notices.map((notice) => notice.recipient)).size };
}

function noticesOf({ directory, channels }: ProjectDeps, { notice, remediationId, team, owner }: Projection): readonly NewNotice[] {
  if (notice === null) return [];
  const operators = notice.operators ? directory.owners.fallback.flatMap((group) => [...membersOf(directory, group)]) : [];
  const recipients = [...recipientsOf(directory, team, owner), ...operators];
  const { stage, title, body } = notice;
  return [...channels.keys()].flatMap((channel) => [...addressed({ subject: remediationId, stage, title, body }, recipients, channel)]);
}

async function changeViolation(db: Db, { violation, violationId, at }: Projection): Promise<void> {
  switch (violation?.kind) {
    case undefined:
      return;
    case 'close':
      await closeViolation(db, violationId, violation.status, violation.reason, at);
      return;
    case 'except':
      await markExcepted(db, [violationId], violation.exceptionId, at);
      return;
    case 'reopen':
      await reopenAfterUndo(db, violationId, violation.resourceId, at);
      return;
    default:
      violation satisfies never;
  }
}
