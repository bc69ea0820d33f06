/** A policy's moves from draft to archived (SPEC §8). Pure: a policy and a move in, the policy after it or a refusal out. Only these moves exist. */

import type { ChangeType, PolicyDeprecation, PolicyRecord, PolicyVersionRecord, VersionStatus } from './house-records.js';
import type { Instant } from './model.js';
import type { Refused } from './refused.js';
import { notAllowed, wrongInput, wrongState } from './refused.js';

/** What a new version brings: hashes are compared, contents are not looked at. */
export interface VersionDraft {
  readonly type: PolicyRecord['type'];
  readonly namespace: string | null;
  readonly description: string | null;
  readonly contentHash: string;
  readonly rulesHash: string;
}

export type PolicyMove =
  | {
      readonly kind: 'add-version';
      readonly by: string;
      readonly draft: VersionDraft;
      readonly changeType: ChangeType;
      readonly changeSummary: string;
      /** Of the current version. */
      readonly currentRulesHash: string;
    }
  | { readonly kind: 'submit'; readonly by: string; readonly reviewers: readonly string[] }
  | { readonly kind: 'approve' | 'request-changes'; readonly by: string; readonly comments: string | null }
  | { readonly kind: 'activate'; readonly by: string; readonly effectiveAt: Instant | null }
  /** The date of a dated activation has come. */
  | { readonly kind: 'take-effect'; readonly by: string }
  | ({ readonly kind: 'deprecate'; readonly by: string } & PolicyDeprecation)
  /** The date of a deprecation has come: from then on it no longer enforces. */
  | { readonly kind: 'retire'; readonly by: string }
  | { readonly kind: 'archive'; readonly by: string };

export type PolicyMoveKind = PolicyMove['kind'];
type Move<K extends PolicyMoveKind> = Extract<PolicyMove, { readonly kind: K }>;
type Outcome = PolicyRecord | Refused;

const FIRST_VERSION = '0.1.0';

/** A new policy: a draft that enforces nowhere. */
export function createdPolicy(name: string, draft: VersionDraft, by: string, at: Instant, workflowId: string): PolicyRecord {
  const { type, namespace, description, contentHash } = draft;
  return {
    name,
    type,
    namespace,
    description,
    status: 'draft',
    currentVersion: FIRST_VERSION,
    activeVersion: null,
    createdAt: at,
    createdBy: by,
    updatedAt: at,
    updatedBy: by,
    reviewers: [],
    approvals: [],
    effectiveAt: null,
    deprecation: null,
    openViolations: 0,
    versions: [
      {
        version: FIRST_VERSION,
        status: 'draft',
        createdAt: at,
        createdBy: by,
        changeType: 'major',
        changeSummary: 'Initial draft',
        contentHash,
      },
    ],
    workflowId,
  };
}

/** Minor adds 0.1.0, major 1.0.0. */
export function nextVersion(version: string, change: ChangeType): string {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return change === 'major' ? `${major + 1}.0.0` : `${major}.${minor + 1}.0`;
}

/** The policy after a move made at `at`, or why the move is refused. */
export function movePolicy(policy: PolicyRecord, move: PolicyMove, at: Instant): Outcome {
  const moved = applyMove(policy, move, at);
  return 'refused' in moved ? moved : { ...moved, updatedAt: at, updatedBy: move.by };
}

function applyMove(policy: PolicyRecord, move: PolicyMove, at: Instant): Outcome {
  switch (move.kind) {
    case 'add-version':
      return addVersion(policy, move, at);
    case 'submit':
      return submit(policy, move);
    case 'approve':
      return approve(policy, move, at);
    case 'request-changes':
      return requestChanges(policy, move);
    case 'activate':
      return activate(policy, move, at);
    case 'take-effect':
      return policy.status === 'approved' && policy.effectiveAt !== null && policy.effectiveAt <= at
        ? activated(policy)
        : wrongState(`policy \`${policy.name}\` has no activation due`);
    case 'deprecate':
      return deprecate(policy, move);
    case 'retire':
      return dateHasCome(policy, at) ? { ...policy, activeVersion: null } : wrongState(`policy \`${policy.name}\` has no deprecation due`);
    case 'archive':
      return archive(policy, at);
    default:
      return move satisfies never;
  }
}

// ---------------------------------------------------------------- versions

/** Statuses of a current version that is worked on: a new version takes its place. */
const UNACTIVATED: ReadonlySet<string> = new Set(['draft', 'review', 'approved']);

function addVersion(policy: PolicyRecord, move: Move<'add-version'>, at: Instant): Outcome {
  if (!UNACTIVATED.has(policy.status) && policy.status !== 'active') return inState(policy, 'takes no new version');
  const problem = problemOfVersion(policy, move);
  if (problem !== null) return problem;
  const { draft, changeType, changeSummary } = move;
  const version = nextVersion(policy.currentVersion, changeType);
  const enforcesAtOnce = policy.status === 'active' && changeType === 'minor';
  const superseded = enforcesAtOnce || UNACTIVATED.has(policy.status) ? withStatus(policy, policy.currentVersion, 'superseded') : policy;
  const status = enforcesAtOnce ? 'active' : 'draft';
  const added: PolicyVersionRecord = {
    version,
    status,
    createdAt: at,
    createdBy: move.by,
    changeType,
    changeSummary,
    contentHash: draft.contentHash,
  };
  return {
    ...superseded,
    namespace: draft.namespace,
    description: draft.description,
    status,
    currentVersion: version,
    activeVersion: enforcesAtOnce ? version : policy.activeVersion,
    reviewers: enforcesAtOnce ? policy.reviewers : [],
    approvals: enforcesAtOnce ? policy.approvals : [],
    effectiveAt: null,
    versions: [...superseded.versions, added],
  };
}

function problemOfVersion(policy: PolicyRecord, { draft, changeType, currentRulesHash }: Move<'add-version'>): Refused | null {
  if (draft.type !== policy.type) return wrongInput('content.spec.type', `expected \`${policy.type}\`: a policy keeps its type`);
  if (draft.contentHash === versionOf(policy, policy.currentVersion).contentHash) {
    return wrongInput('content', `is identical to version ${policy.currentVersion}`);
  }
  if (changeType === 'minor' && draft.rulesHash !== currentRulesHash) {
    return wrongInput('change_type', 'expected `major`: the rules differ, and only a change of texts is minor');
  }
  return null;
}

function versionOf(policy: PolicyRecord, version: string): PolicyVersionRecord {
  const found = policy.versions.find((candidate) => candidate.version === version);
  if (found === undefined) throw new Error(`policy ${policy.name} has no version ${version}`);
  return found;
}

function withStatus(policy: PolicyRecord, version: string, status: VersionStatus): PolicyRecord {
  return { ...policy, versions: policy.versions.map((each) => (each.version === version ? { ...each, status } : each)) };
}

/** Moves the current version, and with it the policy. */
function inStatus(policy: PolicyRecord, status: PolicyRecord['status']): PolicyRecord {
  return { ...withStatus(policy, policy.currentVersion, status), status };
}

// ---------------------------------------------------------------- review

/**
 * Who wrote what the current version says: its author, and before a minor step, which changes texts only, also the author of the
 * rules that it took over. A version that has enforced was reviewed already.
 */
export function authorsOf(policy: PolicyRecord): readonly string[] {
  const current = policy.versions.findIndex(({ version }) => version === policy.currentVersion);
  const authors: string[] = [];
  for (let index = current; index >= 0; index -= 1) {
    const version = policy.versions[index];
    if (version === undefined || version.version === policy.activeVersion) break;
    authors.push(version.createdBy);
    if (version.changeType === 'major') break;
  }
  return [...new Set(authors)];
}

function submit(policy: PolicyRecord, move: Move<'submit'>): Outcome {
  if (policy.status !== 'draft') return inState(policy, 'cannot be submitted: only a draft can');
  const reviewers = [...new Set(move.reviewers)];
  if (reviewers.length === 0) return wrongInput('reviewers', 'expected at least one reviewer');
  const author = reviewers.find((reviewer) => authorsOf(policy).includes(reviewer));
  if (author !== undefined) return wrongInput('reviewers', `\`${author}\` is the author: nobody reviews their own policy`);
  return { ...inStatus(policy, 'review'), reviewers, approvals: [] };
}

function mayReview(policy: PolicyRecord, by: string): Refused | null {
  if (!policy.reviewers.includes(by) || authorsOf(policy).includes(by)) {
    return notAllowed(`\`${by}\` is not a reviewer of policy \`${policy.name}\` ${policy.currentVersion}`);
  }
  return policy.status === 'review' ? null : inState(policy, 'is not in review');
}

function approve(policy: PolicyRecord, move: Move<'approve' | 'request-changes'>, at: Instant): Outcome {
  if (policy.status !== 'review') return inState(policy, 'is not in review');
  const refused = mayReview(policy, move.by);
  if (refused !== null) return refused;
  if (policy.approvals.some(({ approvedBy }) => approvedBy === move.by)) {
    return wrongState(`\`${move.by}\` has approved policy \`${policy.name}\` ${policy.currentVersion} already`);
  }
  const approvals = [...policy.approvals, { approvedBy: move.by, approvedAt: at, comments: move.comments }];
  const all = policy.reviewers.every((reviewer) => approvals.some(({ approvedBy }) => approvedBy === reviewer));
  return { ...(all ? inStatus(policy, 'approved') : policy), approvals };
}

function requestChanges(policy: PolicyRecord, move: Move<'approve' | 'request-changes'>): Outcome {
  if (policy.status !== 'review') return inState(policy, 'is not in review');
  return mayReview(policy, move.by) ?? { ...inStatus(policy, 'draft'), reviewers: [], approvals: [] };
}

// ---------------------------------------------------------------- enforcing

function activate(policy: PolicyRecord, move: Move<'activate'>, at: Instant): Outcome {
  if (policy.status !== 'approved') return inState(policy, 'cannot be activated: only an approved one can');
  return move.effectiveAt !== null && move.effectiveAt > at ? { ...policy, effectiveAt: move.effectiveAt } : activated(policy);
}

/** The current version enforces from now on, in place of the one that did. */
function activated(policy: PolicyRecord): PolicyRecord {
  const replaced = policy.activeVersion === null ? policy : withStatus(policy, policy.activeVersion, 'superseded');
  return { ...inStatus(replaced, 'active'), activeVersion: policy.currentVersion, effectiveAt: null };
}

function deprecate(policy: PolicyRecord, { date, reason, replacement }: Move<'deprecate'>): Outcome {
  if (policy.status !== 'active') return inState(policy, 'cannot be deprecated: only an active one can');
  if (replacement === policy.name) return wrongInput('replacement', 'expected another policy');
  return { ...inStatus(policy, 'deprecated'), deprecation: { date, reason, replacement } };
}

function dateHasCome(policy: PolicyRecord, at: Instant): boolean {
  return policy.status === 'deprecated' && policy.deprecation !== null && policy.deprecation.date <= at;
}

function archive(policy: PolicyRecord, at: Instant): Outcome {
  if (policy.status !== 'deprecated') return inState(policy, 'cannot be archived: only a deprecated one can');
  if (!dateHasCome(policy, at)) {
    const date = policy.deprecation === null ? 'no date' : new Date(policy.deprecation.date).toISOString();
    return wrongState(`policy \`${policy.name}\` enforces until ${date} and cannot be archived before`);
  }
  return { ...inStatus(policy, 'archived'), activeVersion: null };
}

/** The next moment at which the policy moves by itself, if any. */
export function nextPolicyDate(policy: PolicyRecord): { readonly kind: 'take-effect' | 'retire'; readonly at: Instant } | null {
  if (policy.status === 'approved' && policy.effectiveAt !== null) return { kind: 'take-effect', at: policy.effectiveAt };
  if (policy.status === 'deprecated' && policy.activeVersion !== null && policy.deprecation !== null) {
    return { kind: 'retire', at: policy.deprecation.date };
  }
  return null;
}

function inState(policy: PolicyRecord, why: string): Refused {
  return wrongState(`policy \`${policy.name}\` ${policy.currentVersion} is \`${policy.status}\` and ${why}`);
}
