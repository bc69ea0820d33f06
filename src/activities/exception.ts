/** What the exception workflow does in the world: each move with its audit row and notices in one transaction, then what follows from it. */

import { type ExceptionStage, exceptionWords } from '../notify/words.js';
import { approversFor } from '../policy/exception.js';
import { type ExceptionMove, type ExceptionTerms, moveException, nextApproversFor } from '../policy/exception-moves.js';
import type { ExceptionRecord } from '../policy/records.js';
import { appendAudit } from '../store/audit.js';
import { type Db, transaction } from '../store/db.js';
import { adminsAt, findRule } from '../store/exception-requests.js';
import { findStoredException, insertException, saveException } from '../store/exceptions.js';
import { addressed, writeNotices } from '../store/outbox.js';
import type { ActivityDeps } from './deps.js';
import { coverViolations, followUp, uncoverViolations } from './exception-violations.js';
import { isRefused, refusal, unknownSubject } from './refusal.js';

export interface MoveExceptionRequest {
  readonly id: string;
  /** Number of this move; one that is stored already is answered and not made again. */
  readonly seq: number;
  readonly move: ExceptionMove;
  /** The workflow's time, in case this machine's clock is behind it. */
  readonly at: number;
  readonly escalated: boolean;
  readonly lapseAt: number;
  readonly reviewIntervalMs: number | null;
}

export interface TellRequest {
  readonly id: string;
  readonly stage: 'reminder' | 'expiring' | 'review-due' | 'review-overdue';
  /** Tells repeated notices of one stage apart; null where the stage happens once. */
  readonly occasion: string | null;
}

export function createExceptionActivities(deps: ActivityDeps) {
  return {
    /** Stores a request with its audit row and its approvers' notices. Safe to repeat: a stored one is answered as it is. */
    storeExceptionRequest: (record: ExceptionRecord) => transaction(deps.pool, (db) => storeRequest(deps, db, record)),

    /** Makes one move. Safe to repeat: `seq` says whether it was made. Refuses with one of `REFUSALS`. */
    moveException: (request: MoveExceptionRequest) => transaction(deps.pool, (db) => move(deps, db, request)),

    /** Writes a reminder or a warning; the key of a notice keeps a repeat from telling twice. */
    async tellOfException({ id, stage, occasion }: TellRequest): Promise<void> {
      const stored = await findStoredException(deps.pool, id);
      if (stored === undefined) throw unknownSubject(`exception \`${id}\``);
      await tell(deps, deps.pool, stored.record, stage, occasion);
    },

    /** Tells the remediations concerned how the exception stands now, and starts those of violations that it no longer covers. Safe to repeat. */
    followException: (id: string) => followUp(deps, id),
  };
}

async function storeRequest(deps: ActivityDeps, db: Db, record: ExceptionRecord): Promise<ExceptionRecord> {
  if (await insertException(db, record)) {
    await tell(deps, db, record, 'requested', null);
    await appendAudit(db, {
      principal: record.requestedBy,
      action: 'exception.request',
      subject: record.id,
      before: null,
      after: record,
      at: record.requestedAt,
    });
    return record;
  }
  return (await findStoredException(db, record.id))?.record ?? record;
}

const STAGES = {
  escalate: 'escalated',
  approve: 'approved',
  reject: 'rejected',
  lapse: 'lapsed',
  expire: 'expired',
  end: 'expired',
} as const satisfies Partial<Record<ExceptionMove['kind'], ExceptionStage>>;

function stageOf(move: ExceptionMove, moved: ExceptionRecord): ExceptionStage {
  if (move.kind === 'revoke' || move.kind === 'review')
    return moved.status === 'approved' ? 'renewed' : moved.status === 'lapsed' ? 'lapsed' : 'revoked';
  return STAGES[move.kind];
}

async function move(deps: ActivityDeps, db: Db, request: MoveExceptionRequest): Promise<ExceptionRecord> {
  const stored = await findStoredException(db, request.id, true);
  if (stored === undefined) throw unknownSubject(`exception \`${request.id}\``);
  if (stored.seq >= request.seq) return stored.record;
  const at = Math.max(deps.now(), request.at);
  const before = stored.record;
  const after = moveException(before, request.move, await termsOf(deps, db, before, request, at), at);
  if (isRefused(after)) throw refusal(after);
  // The exception is locked since it was read, so nobody moves it meanwhile; it is written last, since all processes hear of the write.
  if (before.status !== 'approved' && after.status === 'approved') await coverViolations(db, after, at);
  if (before.status === 'approved' && after.status !== 'approved') await uncoverViolations(db, after, at);
  await saveException(db, after, request.seq);
  await tell(deps, db, after, stageOf(request.move, after), request.move.kind === 'review' ? String(request.seq) : null);
  await appendAudit(db, { principal: request.move.by, action: `exception.${request.move.kind}`, subject: after.id, before, after, at });
  return after;
}

/** Who may decide is worked out now, from the directory as it is: not from what the request once said. */
async function termsOf(
  deps: ActivityDeps,
  db: Db,
  record: ExceptionRecord,
  request: MoveExceptionRequest,
  at: number,
): Promise<ExceptionTerms> {
  const { directory } = deps;
  const requester = record.requestedBy;
  const rule = await findRule(db, record.policyName, record.ruleName, 'current');
  const admins = await adminsAt(db, at);
  const known = typeof rule === 'string' ? null : rule;
  const approvers = known === null ? record.approvers : approversFor({ directory, requester, admins, ...known });
  const nextApprovers = nextApproversFor({ directory, requester, approvers, admins });
  const { lapseAt, reviewIntervalMs, escalated } = request;
  return { approvers: escalated ? [...approvers, ...nextApprovers] : approvers, nextApprovers, lapseAt, reviewIntervalMs };
}

const TO_APPROVERS: ReadonlySet<ExceptionStage> = new Set(['requested', 'reminder', 'escalated', 'review-due', 'review-overdue']);

function recipientsOf(record: ExceptionRecord, stage: ExceptionStage): readonly string[] {
  if (!TO_APPROVERS.has(stage)) return [record.requestedBy, ...(record.approvedBy === null ? [] : [record.approvedBy])];
  // Nobody may decide it: then at least the requester learns that it was asked in vain.
  return record.approvers.length > 0 ? record.approvers : [record.requestedBy];
}

export async function tell(
  deps: Pick<ActivityDeps, 'now'>,
  db: Db,
  record: ExceptionRecord,
  stage: ExceptionStage,
  occasion: string | null,
): Promise<void> {
  const message = { subject: record.id, stage: occasion === null ? stage : `${stage}:${occasion}`, ...exceptionWords(stage, record) };
  await writeNotices(db, addressed(message, recipientsOf(record, stage)), deps.now());
}
