/** What notices say. Pure: facts in, a title and a body of plain text out. Never a secret, never a principal's token. */
import { formatDuration } from '../policy/durations.js';
import type { Decimal, Instant } from '../policy/model.js';
import type {
  ExceptionRecord,
  ExceptionTarget,
  PolicyRecord,
  RemediationAction,
  RemediationResult,
  ScanStatus,
  WaitingFor,
} from '../policy/records.js';

export interface Words {
  readonly title: string;
  readonly body: string;
}

const time = (at: Instant) =>
  new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace('T', ' ');
const lines = (...parts: readonly (string | null)[]) => parts.filter((part) => part !== null).join('\n');
const plural = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

// ---------------------------------------------------------------- remediations

export type RemediationStage = 'detected' | 'reminder' | 'escalated' | 'waiting' | 'postponed' | 'approved' | 'closed' | 'undone';

export interface RemediationFacts {
  readonly remediationId: string;
  readonly resource: { readonly id: string; readonly type: string; readonly name: string | null; readonly account: string };
  readonly policyName: string;
  readonly ruleName: string;
  /** What is wrong, as the violation says it. */
  readonly message: string;
  readonly action: RemediationAction;
  readonly actAt: Instant;
  /** The moment of writing, from which "in 6 days" counts. */
  readonly at: Instant;
  readonly estimatedMonthlySavings: Decimal | null;
  readonly currency: string;
  readonly waitingFor?: WaitingFor | null;
  /** Who postponed, approved or undid it. */
  readonly principal?: string | null;
  readonly reason?: string | null;
  readonly result?: RemediationResult | null;
  readonly resultMessage?: string | null;
  readonly undoUntil?: Instant | null;
}

/** In the infinitive: "will stop the instance". */
const ACTION_WORDS: Readonly<Record<RemediationAction, string>> = {
  send_notification: 'report it without changing anything',
  add_tags: 'add tags to it',
  stop_instance: 'stop it',
  terminate_instance: 'terminate it',
  resize_instance: 'resize it',
  delete_volume: 'delete the volume',
  delete_address: 'release the address',
  delete_snapshot: 'delete the snapshot',
};

const WAITING_WORDS: Readonly<Record<WaitingFor, string>> = {
  consent: 'an operator must approve it, because it destroys something',
  blast_radius: 'more would be changed than the limits allow; one approval releases the whole batch',
  pending_exception: 'an exception has been requested and is not decided yet',
  pause: 'enforcement is paused',
  operator: 'it failed repeatedly and an operator must look at it',
  provider: 'the resource cannot be read at its provider',
};

const RESULT_WORDS: Readonly<Record<RemediationResult, string>> = {
  completed: 'done',
  failed: 'failed',
  skipped: 'nothing was changed',
  resolved: 'resolved',
  excepted: 'permitted by an exception',
  cancelled: 'cancelled',
  undone: 'undone',
  policy_archived: 'closed with its policy',
};

function titleOfRemediation(stage: RemediationStage, facts: RemediationFacts, what: string): string {
  switch (stage) {
    case 'detected':
      return `${what} violates ${facts.policyName}/${facts.ruleName}`;
    case 'reminder':
      return `Reminder: ${what} violates ${facts.policyName}/${facts.ruleName}`;
    case 'escalated':
      return `Escalated to high: ${what} violates ${facts.policyName}/${facts.ruleName}`;
    case 'waiting':
      return `Waiting: ${what}`;
    case 'postponed':
      return `Postponed: ${what}`;
    case 'approved':
      return `Approved: ${what}`;
    case 'undone':
      return `Undone: ${what}`;
    case 'closed':
      return `${what}: ${RESULT_WORDS[facts.result ?? 'completed']}`;
    default:
      return stage satisfies never;
  }
}

function whatHappens(stage: RemediationStage, facts: RemediationFacts): string | null {
  const left = facts.actAt - facts.at;
  const when = left > 0 ? `in ${formatDuration(left)}, at ${time(facts.actAt)}` : 'now';
  switch (stage) {
    case 'detected':
    case 'reminder':
    case 'escalated':
    case 'postponed':
      return `Tollgate will ${ACTION_WORDS[facts.action]} ${when}.`;
    case 'waiting':
      return `Tollgate would ${ACTION_WORDS[facts.action]}, but waits: ${facts.waitingFor == null ? 'something stands in the way' : WAITING_WORDS[facts.waitingFor]}.`;
    case 'approved':
      return `Tollgate may ${ACTION_WORDS[facts.action]} when its time has come: ${when}.`;
    case 'closed':
    case 'undone':
      return facts.resultMessage ?? null;
    default:
      return stage satisfies never;
  }
}

const STILL_OPEN: ReadonlySet<RemediationStage> = new Set(['detected', 'reminder', 'escalated', 'postponed']);

export function remediationWords(stage: RemediationStage, facts: RemediationFacts): Words {
  const { resource } = facts;
  const what = `${resource.type} ${resource.name ?? resource.id}`;
  const savings = facts.estimatedMonthlySavings;
  return {
    title: titleOfRemediation(stage, facts, what),
    body: lines(
      facts.message,
      `Resource: ${resource.id} (account ${resource.account}).`,
      whatHappens(stage, facts),
      facts.principal == null ? null : `By ${facts.principal}${facts.reason == null ? '' : `: ${facts.reason}`}.`,
      savings === null ? null : `Estimated savings: ${savings} ${facts.currency} a month.`,
      facts.undoUntil == null ? null : `It can be undone until ${time(facts.undoUntil)}.`,
      STILL_OPEN.has(stage) ? 'Fix it, or request an exception, before then.' : null,
      `Remediation ${facts.remediationId}.`,
    ),
  };
}

// ---------------------------------------------------------------- exceptions

export type ExceptionStage =
  | 'requested'
  | 'reminder'
  | 'escalated'
  | 'approved'
  | 'rejected'
  | 'lapsed'
  | 'revoked'
  | 'expiring'
  | 'expired'
  | 'review-due'
  | 'review-overdue'
  | 'renewed';

/** The target in a few words: `resource i-0abc in account 1111`. */
export function targetWords(target: ExceptionTarget): string {
  switch (target.kind) {
    case 'resource':
      return `resource ${target.resourceId} in account ${target.account}`;
    case 'planned':
      return `planned ${target.type} ${target.address ?? target.name ?? ''} in account ${target.account}, namespace ${target.namespace}`;
    case 'selector': {
      const tags = Object.entries(target.tags).map(([key, value]) => `${key}=${value}`);
      return `resources tagged ${tags.join(', ')}${target.account === null ? '' : ` in account ${target.account}`}`;
    }
    default:
      return target satisfies never;
  }
}

const EXCEPTION_TITLES: Readonly<Record<ExceptionStage, string>> = {
  requested: 'Exception requested',
  reminder: 'Reminder: an exception waits for a decision',
  escalated: 'Escalated: an exception waits for a decision',
  approved: 'Exception approved',
  rejected: 'Exception rejected',
  lapsed: 'Exception request lapsed',
  revoked: 'Exception revoked',
  expiring: 'Exception ends soon',
  expired: 'Exception ended',
  'review-due': 'Exception is due for review',
  'review-overdue': 'Review of an exception is overdue',
  renewed: 'Exception renewed',
};

function lengthWords(record: ExceptionRecord): string {
  if (record.expiresAt !== null) return `until ${time(record.expiresAt)}`;
  if (record.durationDays !== null) return `for ${plural(record.durationDays, 'day')} from approval`;
  return record.type === 'conditional' ? 'while its conditions hold' : 'without an end, reviewed regularly';
}

const CLOSED_WORDS: Readonly<Record<NonNullable<ExceptionRecord['closedReason']>, string>> = {
  duration: 'its time is over',
  cap: 'its cap is used up',
  resource_gone: 'the resource is gone',
  compliant: 'the resource has long been compliant',
  no_answer: 'nobody decided it in time',
  withdrawn: 'the requester withdrew it',
  rejected: 'it was rejected',
  revoked: 'it was revoked',
};

const ENFORCED_AGAIN: ReadonlySet<ExceptionStage> = new Set(['expired', 'revoked']);

export function exceptionWords(stage: ExceptionStage, record: ExceptionRecord): Words {
  return {
    title: `${EXCEPTION_TITLES[stage]}: ${record.policyName}/${record.ruleName}`,
    body: lines(
      `${record.type} exception for ${targetWords(record.target)}, ${lengthWords(record)}.`,
      `Requested by ${record.requestedBy}: ${record.justification}`,
      record.approvedBy === null ? null : `Approved by ${record.approvedBy}.`,
      record.comments === null ? null : `Comments: ${record.comments}`,
      record.closedReason === null ? null : `Why it ended: ${CLOSED_WORDS[record.closedReason]}.`,
      record.reviewDueAt === null || !stage.startsWith('review') ? null : `The review is due at ${time(record.reviewDueAt)}.`,
      ENFORCED_AGAIN.has(stage) ? 'What it permitted is enforced again, with a new notice and the full course.' : null,
      `Exception ${record.id}.`,
    ),
  };
}

// ---------------------------------------------------------------- policies

export type PolicyStage = 'submitted' | 'changes-requested' | 'approved' | 'dated' | 'active' | 'new-version' | 'deprecated' | 'retired';

export interface PolicyFacts {
  readonly principal: string;
  /** Comments of a review, summary of a change, reason of a deprecation. */
  readonly remark: string | null;
}

const POLICY_TITLES: Readonly<Record<PolicyStage, (policy: PolicyRecord) => string>> = {
  submitted: (policy) => `Review requested: policy ${policy.name} ${policy.currentVersion}`,
  'changes-requested': (policy) => `Changes requested: policy ${policy.name} ${policy.currentVersion}`,
  approved: (policy) => `Approved: policy ${policy.name} ${policy.currentVersion} can be activated`,
  dated: (policy) => `Policy ${policy.name} ${policy.currentVersion} will become active`,
  active: (policy) => `Policy ${policy.name} ${policy.currentVersion} is active`,
  'new-version': (policy) => `Policy ${policy.name} has a new version ${policy.currentVersion}`,
  deprecated: (policy) => `Policy ${policy.name} is deprecated`,
  retired: (policy) => `Policy ${policy.name} no longer enforces`,
};

export function policyWords(stage: PolicyStage, policy: PolicyRecord, facts: PolicyFacts): Words {
  const { deprecation } = policy;
  return {
    title: POLICY_TITLES[stage](policy),
    body: lines(
      `By ${facts.principal}${facts.remark === null || facts.remark === '' ? '' : `: ${facts.remark}`}.`,
      policy.effectiveAt === null ? null : `It takes effect at ${time(policy.effectiveAt)}.`,
      deprecation === null ? null : `It enforces until ${time(deprecation.date)}.`,
      deprecation?.replacement == null ? null : `It is replaced by ${deprecation.replacement}.`,
      policy.activeVersion === null ? 'No version enforces.' : `Version ${policy.activeVersion} enforces.`,
    ),
  };
}

// ---------------------------------------------------------------- scans and denials

export interface ScanFacts {
  readonly scanId: string;
  readonly status: ScanStatus;
  readonly resourcesScanned: number;
  readonly score: number;
  readonly statusWord: 'good' | 'warning' | 'critical';
  readonly found: number;
  readonly actionable: number;
  readonly remediated: number;
  readonly failed: number;
  readonly errors: readonly string[];
}

export function scanWords(facts: ScanFacts): Words {
  return {
    title: `Scan ${facts.status}: ${facts.statusWord}, score ${facts.score}`,
    body: lines(
      `${plural(facts.resourcesScanned, 'resource')} scanned, ${plural(facts.found, 'violation')} found, ${facts.actionable} actionable.`,
      `${facts.remediated} remediated, ${facts.failed} failed.`,
      ...facts.errors.map((error) => `Not read: ${error}`),
      `Scan ${facts.scanId}.`,
    ),
  };
}

export interface DenialFacts {
  readonly decisionId: string;
  /** Each as the answer says it: `Requested 32 vCPUs exceeds limit of 16`. */
  readonly messages: readonly string[];
}

export function denialWords(facts: DenialFacts): Words {
  return {
    title: 'Request denied due to policy violations',
    body: lines(...facts.messages.map((message) => `- ${message}`), `Decision ${facts.decisionId}.`),
  };
}

// ---------------------------------------------------------------- digests

/** Several notices for one recipient as one: their titles, then their bodies; beyond `shown` they are only counted. */
export function digestWords(notices: readonly Words[], shown = 20): Words {
  const rest = notices.length - shown;
  return {
    title: `${plural(notices.length, 'notice')} from Tollgate`,
    body: [...notices.slice(0, shown).map(({ title, body }) => `${title}\n${body}`), ...(rest > 0 ? [`… and ${rest} more.`] : [])].join(
      '\n\n',
    ),
  };
}
