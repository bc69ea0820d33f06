/** What notices say of exceptions, policies and scans; those of remediations are in `policy/remediation-notice.ts`. Pure; never a secret. */

import type { PolicyRecord } from '../policy/house-records.js';
import type { Instant } from '../policy/model.js';
import type { ExceptionRecord, ExceptionTarget, ScanStatus } from '../policy/records.js';

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
  | 'cap-half'
  | 'cap-near'
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
  'cap-half': 'Half of the cap of an exception is used up',
  'cap-near': 'Four fifths of the cap of an exception are used up',
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
      deprecation === null || deprecation.replacement === null ? null : `It is replaced by ${deprecation.replacement}.`,
      policy.activeVersion === null ? 'No version enforces.' : `Version ${policy.activeVersion} enforces.`,
    ),
  };
}

// ---------------------------------------------------------------- scans

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
