/** Policies and their versions as stored. A policy's name is its identity; every version is kept. */
import { createHash } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { canonicalJson, rulesFingerprintInput } from '../policy/canonical.js';
import type {
  Page,
  PageRequest,
  PolicyApproval,
  PolicyDeprecation,
  PolicyRecord,
  PolicyStatus,
  PolicyVersionRecord,
} from '../policy/house-records.js';
import type { VersionDraft } from '../policy/lifecycle.js';
import type { PolicyType } from '../policy/model.js';
import type { PolicyDocument } from '../policy/parse.js';
import { type Db, toTimestamp } from './db.js';
import { decodeCursor, toPage } from './page.js';

/** A policy document as JSON: apiVersion, kind, metadata, spec. */
export type PolicyContent = { readonly [key: string]: unknown };

/** What of a valid document versions are compared and listed by. */
export function versionDraft({ content, policy }: PolicyDocument): VersionDraft {
  return {
    type: policy.type,
    namespace: policy.namespace ?? null,
    description: policy.description ?? null,
    contentHash: hashOf(canonicalJson(content)),
    rulesHash: hashOf(rulesFingerprintInput(policy)),
  };
}

function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** @throws not-found */
export async function getPolicy(db: Db, name: string): Promise<PolicyRecord> {
  const found = await findStoredPolicy(db, name);
  if (found === undefined) throw new TollgateError('not-found', `no policy \`${name}\``);
  return found.record;
}

export interface StoredPolicy {
  readonly record: PolicyRecord;
  /** Of the current version. */
  readonly rulesHash: string;
  /** Key of the last move that was stored; null for one that was seeded. */
  readonly lastMove: string | null;
}

/** With `lock`, no other transaction moves it until this one ends. */
export async function findStoredPolicy(db: Db, name: string, lock = false): Promise<StoredPolicy | undefined> {
  const { rows } = await db.query<PolicyRow>(`select ${COLUMNS} from policies p where p.name = $1${lock ? ' for update' : ''}`, [name]);
  const row = rows[0];
  return row === undefined ? undefined : { record: toPolicy(row), rulesHash: row.rules_hash, lastMove: row.last_move };
}

export interface PolicyFilter {
  readonly status?: PolicyStatus | undefined;
  /** True for those with an active version. */
  readonly enforcing?: boolean | undefined;
  readonly type?: PolicyType | undefined;
}

/** By name. */
export async function listPolicies(db: Db, filter: PolicyFilter, page: PageRequest): Promise<Page<PolicyRecord>> {
  const after = decodeCursor(page.cursor, { name: 'string' });
  const { rows } = await db.query<PolicyRow>(
    `select ${COLUMNS} from policies p
     where ($1::text is null or p.status = $1) and ($2::boolean is null or (p.active_version is not null) = $2)
       and ($3::text is null or p.type = $3) and ($4::text is null or p.name collate "C" > $4)
     order by p.name collate "C" limit $5`,
    [filter.status ?? null, filter.enforcing ?? null, filter.type ?? null, after?.name ?? null, page.limit + 1],
  );
  return toPage(rows.map(toPolicy), page.limit, ({ name }) => ({ name }));
}

/** The document of one version. @throws not-found */
export async function getPolicyContent(db: Db, name: string, version: string): Promise<PolicyContent> {
  const { rows } = await db.query<{ content: PolicyContent }>(
    'select content from policy_versions where policy_name = $1 and version = $2',
    [name, version],
  );
  if (rows[0] === undefined) throw new TollgateError('not-found', `no version \`${version}\` of policy \`${name}\``);
  return rows[0].content;
}

/** A version to be added; its record is the last of the policy's. */
export interface NewVersion {
  readonly content: unknown;
  readonly rulesHash: string;
}

/** Stores a new policy with its first version; false when the name is taken. */
export async function insertPolicy(db: Db, record: PolicyRecord, version: NewVersion, move: string | null): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into policies (name, type, namespace, description, status, current_version, active_version, created_at, created_by, updated_at,
       updated_by, last_move)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (name) do nothing`,
    [
      record.name,
      record.type,
      record.namespace,
      record.description,
      record.status,
      record.currentVersion,
      record.activeVersion,
      toTimestamp(record.createdAt),
      record.createdBy,
      toTimestamp(record.updatedAt),
      record.updatedBy,
      move,
    ],
  );
  if (rowCount === 1) await insertVersion(db, record, version);
  return rowCount === 1;
}

/** Stores what a move changed, the statuses of all versions included, and the version it added. */
export async function savePolicy(db: Db, record: PolicyRecord, move: string, added: NewVersion | null): Promise<void> {
  await db.query(
    `update policies set namespace = $2, description = $3, status = $4, current_version = $5, active_version = $6, reviewers = $7,
       approvals = $8, effective_at = $9, deprecation = $10, updated_at = $11, updated_by = $12, last_move = $13
     where name = $1`,
    [
      record.name,
      record.namespace,
      record.description,
      record.status,
      record.currentVersion,
      record.activeVersion,
      record.reviewers,
      JSON.stringify(record.approvals),
      toTimestamp(record.effectiveAt),
      record.deprecation === null ? null : JSON.stringify(record.deprecation),
      toTimestamp(record.updatedAt),
      record.updatedBy,
      move,
    ],
  );
  if (added !== null) await insertVersion(db, record, added);
  await db.query(
    `update policy_versions v set status = s.status from unnest($2::text[], $3::text[]) as s (version, status)
     where v.policy_name = $1 and v.version = s.version and v.status <> s.status`,
    [record.name, record.versions.map(({ version }) => version), record.versions.map(({ status }) => status)],
  );
}

async function insertVersion(db: Db, record: PolicyRecord, { content, rulesHash }: NewVersion): Promise<void> {
  const version = record.versions.at(-1);
  if (version === undefined) throw new TollgateError('internal', `policy \`${record.name}\` has no version`);
  await db.query(
    `insert into policy_versions (policy_name, version, status, content, content_hash, rules_hash, change_type, change_summary, created_at, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      record.name,
      version.version,
      version.status,
      JSON.stringify(content),
      version.contentHash,
      rulesHash,
      version.changeType,
      version.changeSummary,
      toTimestamp(version.createdAt),
      version.createdBy,
    ],
  );
}

/** Teams with violations of a policy, also when these were closed because it ended. */
export async function teamsAffectedBy(db: Db, name: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ team: string }>(
    `select distinct team from violations where policy_name = $1 and (closed_at is null or close_reason = 'policy_archived') order by team`,
    [name],
  );
  return rows.map(({ team }) => team);
}

const COLUMNS = `p.name, p.type, p.namespace, p.description, p.status, p.current_version, p.active_version, p.reviewers, p.approvals,
  p.effective_at, p.deprecation, p.created_at, p.created_by, p.updated_at, p.updated_by, p.last_move,
  (select count(*) from violations v where v.policy_name = p.name and v.status = 'open') as open_violations,
  (select v.rules_hash from policy_versions v where v.policy_name = p.name and v.version = p.current_version) as rules_hash,
  (select jsonb_agg(jsonb_build_object('version', v.version, 'status', v.status, 'createdBy', v.created_by,
      'createdAt', round(extract(epoch from v.created_at) * 1000), 'changeType', v.change_type, 'changeSummary', v.change_summary,
      'contentHash', v.content_hash) order by string_to_array(v.version, '.')::integer[])
   from policy_versions v where v.policy_name = p.name) as versions`;

interface PolicyRow {
  name: string;
  type: PolicyType;
  namespace: string | null;
  description: string | null;
  status: PolicyStatus;
  current_version: string;
  active_version: string | null;
  reviewers: string[];
  approvals: PolicyApproval[];
  effective_at: number | null;
  deprecation: PolicyDeprecation | null;
  created_at: number;
  created_by: string;
  updated_at: number;
  updated_by: string;
  last_move: string | null;
  open_violations: number;
  rules_hash: string;
  versions: PolicyVersionRecord[];
}

function toPolicy(row: PolicyRow): PolicyRecord {
  return {
    name: row.name,
    type: row.type,
    namespace: row.namespace,
    description: row.description,
    status: row.status,
    currentVersion: row.current_version,
    activeVersion: row.active_version,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
    reviewers: row.reviewers,
    approvals: row.approvals,
    effectiveAt: row.effective_at,
    deprecation: row.deprecation,
    openViolations: row.open_violations,
    versions: row.versions,
    workflowId: `policy/${row.name}`,
  };
}
