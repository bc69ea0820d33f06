/** The policies that enforce, as one set with a revision: what API processes and activities judge by. */
import { createHash } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { canonicalJson } from '../policy/canonical.js';
import { type CompiledPolicies, compilePolicies } from '../policy/compile.js';
import { formatIssue } from '../policy/issue.js';
import { POLICY_TYPES, type Policy, type PolicyType, type VersionedPolicy } from '../policy/model.js';
import { parsePolicyContent } from '../policy/parse.js';
import { type Db, toTimestamp } from './db.js';

export { loadLiveExceptions } from './exceptions.js';

export interface Enforcing {
  /** `sha256:…` over names, versions and content hashes: equal sets have equal revisions, in every process. */
  readonly revision: string;
  /** By name. */
  readonly policies: readonly VersionedPolicy[];
  /** Ids, as `resources.applicable_policies` refers to policies. */
  readonly policyIds: ReadonlyMap<string, number>;
}

export interface CompiledSet extends Enforcing {
  readonly compiled: CompiledPolicies;
}

interface Member {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly contentHash: string;
}

interface StoredMember extends Member {
  readonly type: PolicyType;
  readonly content: object;
}

const MEMBERS = 'p.id, p.name, v.version, v.content_hash as "contentHash"';
const ENFORCING =
  'from policies p join policy_versions v on v.policy_name = p.name and v.version = p.active_version order by p.name collate "C"';

/** Every policy whose active version is not null, in that version; one that this program cannot read is `unreadable` and hides no other. */
export async function loadEnforcing(db: Db): Promise<Enforcing> {
  const { rows } = await db.query<StoredMember>(`select ${MEMBERS}, p.type, v.content ${ENFORCING}`);
  return toEnforcing(rows);
}

/** What a revision stood for, in the versions of then. @throws not-found for a revision that no process has recorded */
export async function loadPolicySet(db: Db, revision: string): Promise<Enforcing> {
  const { rows } = await db.query<StoredMember>(
    `select ${MEMBERS}, p.type, v.content
     from policy_sets s cross join jsonb_to_recordset(s.members) as m (name text, version text)
     join policies p on p.name = m.name join policy_versions v on v.policy_name = m.name and v.version = m.version
     where s.revision = $1 order by p.name collate "C"`,
    [revision],
  );
  const set = toEnforcing(rows);
  if (set.revision === revision) return set;
  throw new TollgateError('not-found', `what the policy set \`${revision}\` stood for is not recorded`);
}

function toEnforcing(rows: readonly StoredMember[]): Enforcing {
  return {
    revision: revisionOf(rows),
    policies: rows.map(toVersioned),
    policyIds: new Map(rows.map(({ name, id }) => [name, id])),
  };
}

/** What is stored was valid when it was written: anything else was written by another program. */
function toVersioned(member: StoredMember): VersionedPolicy {
  const { name, version, content } = member;
  const { policy, issues } = parsePolicyContent(content);
  if (policy !== undefined) return { version, policy };
  const why = issues.map(formatIssue).join('; ');
  return { version, policy: standIn(member), unreadable: `policy \`${name}\` ${version} as stored is not valid for this program: ${why}` };
}

/** What can be told of a policy that cannot be read, so that each of its rules counts as unknown wherever it may apply. */
function standIn({ name, type, content }: StoredMember): Policy {
  const rules = at(at(content, 'spec'), 'rules');
  const names = Array.isArray(rules) ? rules.map((rule) => at(rule, 'name')).filter((rule) => typeof rule === 'string') : [];
  const namespace = at(at(content, 'metadata'), 'namespace');
  const known: PolicyType = POLICY_TYPES.includes(type) ? type : 'ResourceLimit';
  return {
    name,
    type: known,
    ...(typeof namespace === 'string' ? { namespace } : {}),
    // No days of metrics are needed for what is not judged.
    rules: (names.length > 0 ? names : [name]).map((rule) => ({ name: rule, periodMs: 0 })),
  } as Policy;
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** What to tell the operator of a set. */
export function unreadableOf(set: Enforcing): readonly string[] {
  return set.policies.flatMap(({ unreadable }) => unreadable ?? []);
}

function revisionOf(members: readonly Member[]): string {
  const input = canonicalJson(members.map(({ name, version, contentHash }) => [name, version, contentHash]));
  return `sha256:${createHash('sha256').update(input).digest('hex')}`;
}

export interface CompiledCache {
  /** The set that enforces now. Costs one small query when it is the one of the last call. */
  load(db: Db): Promise<CompiledSet>;
}

/**
 * Parses and compiles each revision once, for this process. Make one per process and share it. `onUnreadable` is told of each policy
 * that cannot be read, once for each revision.
 */
export function createCompiledCache(onUnreadable: (problem: string) => void = () => {}): CompiledCache {
  let last: CompiledSet | undefined;
  return {
    async load(db) {
      const { rows } = await db.query<Member>(`select ${MEMBERS} ${ENFORCING}`);
      if (last?.revision === revisionOf(rows)) return last;
      const enforcing = await loadEnforcing(db);
      const set = { ...enforcing, compiled: compilePolicies(enforcing.policies) };
      last = set;
      for (const problem of unreadableOf(set)) onUnreadable(problem);
      return set;
    },
  };
}

/** Keeps what a revision stands for, so that a decision can be explained after its policies have changed. Safe to repeat. */
export async function recordPolicySet(db: Db, set: Enforcing, at: number): Promise<void> {
  const members = set.policies.map(({ version, policy }) => ({ name: policy.name, version }));
  await db.query('insert into policy_sets (revision, members, first_used_at) values ($1, $2, $3) on conflict (revision) do nothing', [
    set.revision,
    JSON.stringify(members),
    toTimestamp(at),
  ]);
}
