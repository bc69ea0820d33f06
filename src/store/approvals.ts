/** Approvals as stored. Their status on read is worked out against the clock, so an end holds also while no worker runs. */
import { TollgateError } from '../errors.js';
import { type ApprovalRecord, type ApprovalStatus, approvalStatus } from '../policy/approval.js';
import type { Page, PageRequest } from '../policy/house-records.js';
import type { Instant } from '../policy/model.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

const COLUMNS = `id, decision_id as "decisionId", policy_name as "policyName", policy_version as "policyVersion", rule_name as "ruleName",
  request_key as "requestKey", principal, requester, resources, reasons, monthly_cost as "monthlyCost", groups, approvers, status,
  requested_at as "requestedAt", expires_at as "expiresAt", expires_after_ms as "expiresAfterMs", decided_by as "decidedBy",
  decided_at as "decidedAt", comments, workflow_id as "workflowId"`;

export type OpenedApproval = ApprovalRecord & { readonly isNew: boolean };

/**
 * Opens approvals, one for each request and rule: where one is pending already, or was rejected and that still stands, that one is
 * answered. Answers them in the order asked, and which of them are new.
 */
export async function openApprovals(db: Db, wanted: readonly ApprovalRecord[], at: Instant): Promise<readonly OpenedApproval[]> {
  // INVARIANT: rows are locked before the first update, which locks the count of changes: decisions take them in this order too.
  const standing: (ApprovalRecord | undefined)[] = [];
  for (const record of wanted) standing.push(await findStanding(db, record, at));
  const opened = await insertApprovals(
    db,
    wanted.filter((_, index) => standing[index] === undefined),
    at,
  );
  const inserted = opened.values();
  return standing.flatMap((record) => (record === undefined ? (inserted.next().value ?? []) : { ...record, isNew: false }));
}

async function insertApprovals(db: Db, wanted: readonly ApprovalRecord[], at: Instant): Promise<readonly OpenedApproval[]> {
  if (wanted.length === 0) return [];
  await db.query(`update approvals set status = 'expired' where status = 'pending' and expires_at <= $2 and request_key = any ($1)`, [
    [...new Set(wanted.map(({ requestKey }) => requestKey))],
    toTimestamp(at),
  ]);
  const opened: OpenedApproval[] = [];
  for (const record of wanted) {
    // Writing the same value again makes the statement answer the row that is there.
    const { rows } = await db.query<OpenedApproval>(
      `insert into approvals (id, decision_id, policy_name, policy_version, rule_name, request_key, principal, requester, resources, reasons,
         monthly_cost, groups, approvers, status, requested_at, expires_at, expires_after_ms, workflow_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending', $14, $15, $16, $17)
       on conflict (request_key, policy_name, rule_name, policy_version) where status = 'pending' do update set request_key = excluded.request_key
       returning ${COLUMNS}, id = $1 as "isNew"`,
      [
        record.id,
        record.decisionId,
        record.policyName,
        record.policyVersion,
        record.ruleName,
        record.requestKey,
        record.principal,
        record.requester,
        record.resources,
        record.reasons,
        record.monthlyCost,
        record.groups,
        record.approvers,
        toTimestamp(record.requestedAt),
        toTimestamp(record.expiresAt),
        record.expiresAfterMs,
        record.workflowId,
      ],
    );
    opened.push(...rows);
  }
  return opened;
}

/** A decision that is being written is waited for: what it rejects is not asked again. */
async function findStanding(
  db: Db,
  { requestKey, policyName, policyVersion, ruleName }: ApprovalRecord,
  at: Instant,
): Promise<ApprovalRecord | undefined> {
  const { rows } = await db.query<ApprovalRecord>(
    `select ${COLUMNS} from approvals
     where request_key = $1 and policy_name = $2 and policy_version = $3 and rule_name = $4 and status in ('pending', 'rejected') and expires_at > $5
     order by requested_at desc, id desc limit 1 for update`,
    [requestKey, policyName, policyVersion, ruleName, toTimestamp(at)],
  );
  return rows[0];
}

/** As stored. With `lock`, no other transaction decides it until this one ends. */
export async function findStoredApproval(db: Db, id: string, lock = false): Promise<ApprovalRecord | undefined> {
  const { rows } = await db.query<ApprovalRecord>(`select ${COLUMNS} from approvals where id = $1${lock ? ' for update' : ''}`, [id]);
  return rows[0];
}

/** As stored, oldest first: what that decision asked for, and all that was ever asked about the request of that key. */
export async function listApprovalsFor(db: Db, decisionId: string, requestKey: string | null): Promise<readonly ApprovalRecord[]> {
  const { rows } = await db.query<ApprovalRecord>(
    `select ${COLUMNS} from approvals where decision_id = $1 or request_key = $2 order by requested_at, id`,
    [decisionId, requestKey],
  );
  return rows;
}

/** With the status that holds at `at`. @throws not-found */
export async function getApproval(db: Db, id: string, at: Instant): Promise<ApprovalRecord> {
  const record = await findStoredApproval(db, id);
  if (record === undefined) throw new TollgateError('not-found', `no approval \`${id}\``);
  return asOf(record, at);
}

function asOf(record: ApprovalRecord, at: Instant): ApprovalRecord {
  return { ...record, status: approvalStatus(record, at) };
}

/** Stores a decision, or that nobody decided in time. */
export async function saveApproval(db: Db, record: ApprovalRecord): Promise<void> {
  await db.query('update approvals set status = $2, decided_by = $3, decided_at = $4, comments = $5, expires_at = $6 where id = $1', [
    record.id,
    record.status,
    record.decidedBy,
    toTimestamp(record.decidedAt),
    record.comments,
    toTimestamp(record.expiresAt),
  ]);
}

export interface ApprovalFilter {
  /** The status that holds at `at`. */
  readonly status?: ApprovalStatus;
  readonly policyName?: string;
  readonly ruleName?: string;
  readonly requester?: string;
  /** Named among those who could decide when it was asked. */
  readonly approver?: string;
}

/** Newest first. */
export async function listApprovals(db: Db, filter: ApprovalFilter, page: PageRequest, at: Instant): Promise<Page<ApprovalRecord>> {
  const after = decodeCursor(page.cursor);
  const { rows } = await db.query<ApprovalRecord>(
    `select ${COLUMNS} from approvals
     where ($2::text is null or ${STATUS_AT} = $2) and ($3::text is null or policy_name = $3) and ($4::text is null or rule_name = $4)
       and ($5::text is null or requester = $5) and ($6::text is null or $6 = any (approvers))
       and ($7::timestamptz is null or (requested_at, id) < ($7, $8))
     order by requested_at desc, id desc limit $9`,
    [
      toTimestamp(at),
      filter.status ?? null,
      filter.policyName ?? null,
      filter.ruleName ?? null,
      filter.requester ?? null,
      filter.approver ?? null,
      toTimestamp(after?.at ?? null),
      after?.id ?? null,
      page.limit + 1,
    ],
  );
  const found = rows.map((record) => asOf(record, at));
  return toPage(found, page.limit, ({ requestedAt, id }) => ({ at: requestedAt, id }));
}

/** The same rule as `approvalStatus`, for filters; `$1` is the instant. */
const STATUS_AT = `case when status in ('pending', 'approved') and expires_at <= $1 then 'expired' else status end`;

/** What has been approved of a request, and until when. */
export interface Granted {
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: Instant;
}

/** Approvals that may still be good, by the key of their request: another version of the policy asks anew. */
export async function loadGranted(db: Db): Promise<ReadonlyMap<string, readonly Granted[]>> {
  const { rows } = await db.query<Granted & { readonly requestKey: string }>(
    `select a.request_key as "requestKey", a.policy_name as "policyName", a.rule_name as "ruleName", a.expires_at as "expiresAt"
     from approvals a join policies p on p.name = a.policy_name and p.active_version = a.policy_version
     where a.status = 'approved' and a.expires_at > now() - interval '1 minute'`,
  );
  const granted = new Map<string, Granted[]>();
  for (const { requestKey, ...grant } of rows) {
    const same = granted.get(requestKey);
    if (same === undefined) granted.set(requestKey, [grant]);
    else same.push(grant);
  }
  return granted;
}
