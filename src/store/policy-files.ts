/** The policy files beside the program: activated on the first start, compared ever after (SPEC §2). */
import { createdPolicy } from '../policy/lifecycle.js';
import type { PolicyDocument } from '../policy/parse.js';
import { appendAudit } from './audit.js';
import type { Db } from './db.js';
import { insertPolicy, versionDraft } from './policies.js';

const SEEDER = 'system:seed';
const SEEDED_VERSION = '1.0.0';

/**
 * Activates each document as 1.0.0, without reviewers or approvals, when there is no policy at all; else does nothing. Answers how many
 * were activated. In a transaction: processes that start together seed once.
 */
export async function seedPolicies(db: Db, documents: readonly PolicyDocument[], at: number): Promise<number> {
  await db.query('lock table policies in share row exclusive mode');
  const { rowCount } = await db.query('select 1 from policies limit 1');
  if (rowCount !== 0) return 0;
  for (const document of documents) await seed(db, document, at);
  return documents.length;
}

async function seed(db: Db, document: PolicyDocument, at: number): Promise<void> {
  const { policy, content } = document;
  const draft = versionDraft(document);
  const created = createdPolicy(policy.name, draft, SEEDER, at, `policy/${policy.name}`);
  const record = {
    ...created,
    status: 'active' as const,
    currentVersion: SEEDED_VERSION,
    activeVersion: SEEDED_VERSION,
    versions: created.versions.map((version) => ({
      ...version,
      version: SEEDED_VERSION,
      status: 'active' as const,
      changeSummary: 'Activated on the first start',
    })),
  };
  await insertPolicy(db, record, { content, rulesHash: draft.rulesHash }, null);
  await appendAudit(db, { principal: SEEDER, action: 'policy.seed', subject: policy.name, before: null, after: record, at });
}

/** Names of documents whose policy is unknown or whose active version says something else: files are not read after the first start. */
export async function differingPolicyFiles(db: Db, documents: readonly PolicyDocument[]): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string; hash: string }>(
    `select p.name, v.content_hash as hash from policies p join policy_versions v on v.policy_name = p.name and v.version = p.active_version`,
  );
  const active = new Map(rows.map(({ name, hash }) => [name, hash]));
  return documents
    .filter((document) => active.get(document.policy.name) !== versionDraft(document).contentHash)
    .map(({ policy }) => policy.name);
}
