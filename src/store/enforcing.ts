/** The policies that enforce, as one set with a revision: what API processes and activities judge by. */
import { createHash } from 'node:crypto';
import { TollgateError } from '../errors.js';
import { canonicalJson } from '../policy/canonical.js';
import { type CompiledPolicies, compilePolicies } from '../policy/compile.js';
import type { VersionedPolicy } from '../policy/model.js';
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
  readonly content: object;
}

const MEMBERS = 'p.id, p.name, v.version, v.content_hash as "contentHash"';
const ENFORCING =
  'from policies p join policy_versions v on v.policy_name = p.name and v.version = p.active_version order by p.name collate "C"';

/** Every policy whose active version is not null, in that version. @throws invalid-policy for one that this program cannot read */
export async function loadEnforcing(db: Db): Promise<Enforcing> {
  const { rows } = await db.query<StoredMember>(`select ${MEMBERS}, v.content ${ENFORCING}`);
  return {
    revision: revisionOf(rows),
    policies: rows.map(toVersioned),
    policyIds: new Map(rows.map(({ name, id }) => [name, id])),
  };
}

/** What is stored was valid when it was written: anything else was written by another program. */
function toVersioned({ name, version, content }: StoredMember): VersionedPolicy {
  const { policy, issues } = parsePolicyContent(content);
  if (policy !== undefined) return { version, policy };
  throw new TollgateError('invalid-policy', `policy \`${name}\` ${version} as stored is not valid for this program`, { problems: issues });
}

function revisionOf(members: readonly Member[]): string {
  const input = canonicalJson(members.map(({ name, version, contentHash }) => [name, version, contentHash]));
  return `sha256:${createHash('sha256').update(input).digest('hex')}`;
}

export interface CompiledCache {
  /** The set that enforces now. Costs one small query when it is the one of the last call. */
  load(db: Db): Promise<CompiledSet>;
}

/** Parses and compiles each revision once, for this process. Make one per process and share it. */
export function createCompiledCache(): CompiledCache {
  let last: CompiledSet | undefined;
  return {
    async load(db) {
      const { rows } = await db.query<Member>(`select ${MEMBERS} ${ENFORCING}`);
      if (last?.revision === revisionOf(rows)) return last;
      const enforcing = await loadEnforcing(db);
      const set = { ...enforcing, compiled: compilePolicies(enforcing.policies) };
      last = set;
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
