/**
 * What crosses Temporal for every workflow: names, ids, search attributes, refusals. What is of one workflow is in its `*-messages.ts`.
 * Plain small JSON; durations in ms, instants in ms since the epoch. The API and the activities import these files, so they import pure
 * modules only.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

export const TASK_QUEUE = 'tollgate';

// ---------------------------------------------------------------- search attributes (Keyword unless said)

export const SA_POLICY = defineSearchAttributeKey('TollgatePolicy', 'KEYWORD');
export const SA_SEVERITY = defineSearchAttributeKey('TollgateSeverity', 'KEYWORD');
export const SA_PHASE = defineSearchAttributeKey('TollgatePhase', 'KEYWORD');
export const SA_TEAM = defineSearchAttributeKey('TollgateTeam', 'KEYWORD');
export const SA_DEADLINE = defineSearchAttributeKey('TollgateDeadline', 'DATETIME');

/** A Keyword is cut to it: Temporal's columns on PostgreSQL take 255 characters. */
export const KEYWORD_LENGTH = 200;

/** Registered in the namespace before the first worker starts; an unregistered one stalls workflows silently. */
export const SEARCH_ATTRIBUTES = [SA_POLICY, SA_SEVERITY, SA_PHASE, SA_TEAM, SA_DEADLINE] as const;

// ---------------------------------------------------------------- workflow names (exported functions of workflows/index.ts) and ids

export const WORKFLOWS = {
  scanCycle: 'scanCycle',
  remediation: 'remediation',
  exception: 'exception',
  policyLifecycle: 'policyLifecycle',
  noticeDelivery: 'noticeDelivery',
  budgetWatch: 'budgetWatch',
  approval: 'approval',
  runTask: 'runTask',
} as const;

export const workflowIds = {
  scan: (scanId: string) => `scan/${scanId}`,
  remediation: (remediationId: string) => `remediation/${remediationId}`,
  exception: (exceptionId: string) => `exception/${exceptionId}`,
  policy: (name: string) => `policy/${name}`,
  noticeDelivery: () => 'notice-delivery',
  budget: (policy: string, rule: string) => `budget/${policy}/${rule}`,
  approval: (approvalId: string) => `approval/${approvalId}`,
  runTask: (taskResultId: string) => `run-task/${taskResultId}`,
} as const;
/** The Temporal Schedule of the daily scan. */
export const SCAN_SCHEDULE_ID = 'daily-scan';

// ---------------------------------------------------------------- updates

/** Whose update it is. */
export interface ByPrincipal {
  readonly principal: string;
  readonly at: number;
}

/** Types of the `ApplicationFailure`s with which updates refuse; `api/temporal-outcome.ts` maps each to a status. */
export const REFUSALS = {
  /** 409: the state does not allow it. */
  wrongState: 'WrongState',
  /** 403: this principal may not. */
  notAllowed: 'NotAllowed',
  /** 400: the request itself is wrong; details[0] is `Problem[]`. */
  invalid: 'Invalid',
  /** 404 */
  unknown: 'Unknown',
} as const;
export type RefusalType = (typeof REFUSALS)[keyof typeof REFUSALS];
