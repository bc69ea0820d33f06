/** What the policy workflow does in the world: each move with its audit row and notices in one transaction, then what follows from it. */

import type { ChangeType, PolicyRecord } from '../policy/house-records.js';
import { createdPolicy, movePolicy, type PolicyMove } from '../policy/lifecycle.js';
import { type PolicyDocument, parsePolicyContent } from '../policy/parse.js';
import { type Refused, wrongInput, wrongState } from '../policy/refused.js';
import { appendAudit } from '../store/audit.js';
import { type Db, transaction } from '../store/db.js';
import { findStoredPolicy, insertPolicy, type PolicyContent, type StoredPolicy, savePolicy, versionDraft } from '../store/policies.js';
import { listRemediations } from '../store/remediations.js';
import { closeViolationsOfPolicy } from '../store/violations.js';
import { workflowIds } from '../workflows/messages.js';
import { allPages } from './all-pages.js';
import { watchBudgets } from './budget-watches.js';
import type { ActivityDeps } from './deps.js';
import { tellOfPolicy } from './policy-notices.js';
import { isRefused, refusal, unknownSubject } from './refusal.js';
import { signalViolationClosed } from './remediation-start.js';

export interface CreateRequest {
  readonly kind: 'create';
  readonly by: string;
  readonly content: PolicyContent;
  readonly description: string | null;
}
export interface AddVersionRequest {
  readonly kind: 'add-version';
  readonly by: string;
  readonly content: PolicyContent;
  readonly changeType: ChangeType;
  readonly changeSummary: string;
}
export type PolicyRequest = CreateRequest | AddVersionRequest | Exclude<PolicyMove, { readonly kind: 'add-version' }>;

export interface MovePolicyRequest {
  readonly name: string;
  /** Unique to this move; one that is stored already is answered and not made again. */
  readonly key: string;
  readonly request: PolicyRequest;
  /** The workflow's time, in case this machine's clock is behind it. */
  readonly at: number;
}

export function createPolicyActivities(deps: ActivityDeps) {
  return {
    async readPolicy(name: string): Promise<PolicyRecord | null> {
      return (await findStoredPolicy(deps.pool, name))?.record ?? null;
    },

    /** Makes one move. Safe to repeat: `key` says whether it was made. Refuses with one of `REFUSALS`. */
    async movePolicy(request: MovePolicyRequest): Promise<PolicyRecord> {
      const moved = await transaction(deps.pool, (db) => move(deps, db, request));
      if (moved.type === 'BudgetLimit') await watchBudgets(deps, moved.name);
      return moved;
    },

    /** After a policy has ceased to enforce: its remediations close. Safe to repeat. */
    async closeRemediationsOfPolicy(name: string): Promise<void> {
      const live = await allPages((page) => listRemediations(deps.pool, { policy: name, live: true }, page));
      const ids = live.map(({ id }) => id);
      await signalViolationClosed(deps, ids, 'policy_archived', `policy ${name} no longer enforces`);
    },
  };
}

async function move(deps: ActivityDeps, db: Db, { name, key, request, at: workflowAt }: MovePolicyRequest): Promise<PolicyRecord> {
  const stored = await findStoredPolicy(db, name, true);
  if (stored?.lastMove === key) return stored.record;
  const at = Math.max(deps.now(), workflowAt);
  if (request.kind === 'create') return create(deps, db, { name, key, request, at }, stored);
  if (stored === undefined) throw unknownSubject(`policy \`${name}\``);
  const before = stored.record;
  const document = request.kind === 'add-version' ? documentOf(name, request.content) : null;
  if (request.kind === 'deprecate') await checkReplacement(db, request.replacement);
  const after = movePolicy(before, pureMove(request, document, stored), at);
  if (isRefused(after)) throw refusal(after);
  await savePolicy(db, after, key, document === null ? null : { content: document.content, rulesHash: versionDraft(document).rulesHash });
  if (before.activeVersion !== null && after.activeVersion === null) await closeViolationsOfPolicy(db, name, at);
  await tellOfPolicy(deps, db, { before, after, request, at });
  await appendAudit(db, { principal: request.by, action: `policy.${request.kind}`, subject: name, before, after, at });
  return after;
}

function pureMove(request: Exclude<PolicyRequest, CreateRequest>, document: PolicyDocument | null, stored: StoredPolicy): PolicyMove {
  if (request.kind !== 'add-version') return request;
  if (document === null) throw new Error('a new version has a document');
  const { by, changeType, changeSummary } = request;
  return { kind: 'add-version', by, changeType, changeSummary, draft: versionDraft(document), currentRulesHash: stored.rulesHash };
}

interface Creation {
  readonly name: string;
  readonly key: string;
  readonly request: CreateRequest;
  readonly at: number;
}

async function create(deps: ActivityDeps, db: Db, creation: Creation, existing: StoredPolicy | undefined): Promise<PolicyRecord> {
  const { name, key, request, at } = creation;
  const document = documentOf(name, request.content);
  const draft = versionDraft(document);
  const description = request.description ?? draft.description;
  const record = createdPolicy(name, { ...draft, description }, request.by, at, workflowIds.policy(name));
  const added = existing === undefined && (await insertPolicy(db, record, { content: document.content, rulesHash: draft.rulesHash }, key));
  if (!added) throw refusal(wrongState(`policy \`${name}\` exists already: add a version to it`));
  await tellOfPolicy(deps, db, { before: null, after: record, request, at });
  await appendAudit(db, { principal: request.by, action: 'policy.create', subject: name, before: null, after: record, at });
  return record;
}

function documentOf(name: string, content: PolicyContent): PolicyDocument {
  const { policy, issues } = parsePolicyContent(content);
  if (policy === undefined) {
    const problems = issues.map(({ path, message }) => ({ path: `content.${path}`, message }));
    throw refusal({ refused: 'Invalid', message: 'the content is not a valid policy', problems });
  }
  const refused: Refused | null =
    policy.name === name ? null : wrongInput('content.metadata.name', `expected \`${name}\`: a policy keeps its name`);
  if (refused !== null) throw refusal(refused);
  return { policy, content };
}

async function checkReplacement(db: Db, replacement: string | null): Promise<void> {
  if (replacement === null || (await findStoredPolicy(db, replacement)) !== undefined) return;
  throw refusal(wrongInput('replacement', `names no policy: \`${replacement}\``));
}
