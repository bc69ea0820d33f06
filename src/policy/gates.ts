/** Whether a remediation that is due may act: everything that stands in its way, in order (SPEC §5, steps 1 to 3). Pure. */
import type { Breach } from './blast-radius.js';
import { documentAction, isDestructive, softerAction } from './course.js';
import type { ManagedBy } from './model.js';
import type { RemediationAction, RemediationResult, WaitingFor } from './records.js';
import { actionWords } from './remediation-words.js';
import type { AccountMode } from './settings.js';
import type { ActionParameters, ScanVerdict } from './verdict.js';

/** What the provider and the policies of now say. */
export type Reading =
  | { readonly kind: 'gone' }
  /** Could not be read, or read and not judged: never a violation, never a reason to act. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** `verdict` is null when the rule is gone or cannot concern this type. */
  | { readonly kind: 'judged'; readonly verdict: ScanVerdict | null };

export interface Facts {
  readonly resourceType: string;
  readonly resourceId: string;
  readonly promised: { readonly action: RemediationAction; readonly parameters: ActionParameters };
  readonly reading: Reading;
  readonly policyEnforces: boolean;
  /** Another remediation that acts on the same resource just now, and on whose account it may look otherwise for a moment; null when none does. */
  readonly busyWith: string | null;
  /** Why enforcement is paused here; null when it is not. */
  readonly pausedBecause: string | null;
  readonly managedBy: ManagedBy | null;
  readonly pendingExceptionId: string | null;
  /** How much longer this violation may be held up by pending exceptions. */
  readonly holdLeftMs: number;
  /** Limits passed and not released. */
  readonly breaches: readonly Breach[];
  readonly consentNeeded: (action: RemediationAction) => boolean;
  readonly approval: 'none' | 'valid' | 'outdated';
  readonly mode: AccountMode;
}

/** How the message of what closes `skipped` in mode `observe` begins. */
export const ONLY_OBSERVED = 'the account is only observed';

export type Outlook =
  | { readonly kind: 'end'; readonly result: RemediationResult; readonly message: string; readonly exceptionId: string | null }
  | { readonly kind: 'wait'; readonly waitingFor: WaitingFor; readonly message: string; readonly approvalOutdated: boolean }
  | { readonly kind: 'act'; readonly action: RemediationAction; readonly parameters: ActionParameters; readonly message: string };

/** The first thing that stands in the way, or the act itself: the promised one, or a softer one that the version of now asks for. */
export function outlookOf(facts: Facts): Outlook {
  const { reading } = facts;
  if (reading.kind === 'gone') return end('resolved', 'the resource is gone');
  if (!facts.policyEnforces) return end('policy_archived', 'its policy enforces no longer');
  if (reading.kind === 'unreadable') return wait('provider', reading.reason);
  if (facts.busyWith !== null) return wait('provider', `remediation \`${facts.busyWith}\` is acting on it`);
  const { verdict } = reading;
  if (verdict === null) return end('resolved', 'its rule does not apply any more');
  if (verdict.verdict === 'unknown' || verdict.verdict === 'error') return wait('provider', notJudged(verdict));
  if (verdict.verdict === 'excepted') return end('excepted', `exception \`${verdict.exceptionId}\` is in force`, verdict.exceptionId);
  if (verdict.finding === null) return end('resolved', 'the resource is compliant');
  if (verdict.finding.enforcement === 'audit')
    return end('skipped', `version ${verdict.policyVersion} of the policy only audits this rule`);
  return gate(facts, actionOfNow(facts, verdict.finding), verdict.finding.message);
}

type Finding = NonNullable<ScanVerdict['finding']>;
type Act = Facts['promised'];

function notJudged({ unknowns }: ScanVerdict): string {
  return `the resource cannot be judged: ${unknowns.map(({ path, reason }) => `${path} ${reason}`.trim()).join(', ')}`;
}

function actionOfNow({ promised, resourceType }: Facts, finding: Finding): Act {
  const current = finding.enforcement === 'warn' ? 'send_notification' : documentAction(finding.action, resourceType, finding.parameters);
  return softerAction(promised.action, current) === promised.action ? promised : { action: current, parameters: finding.parameters };
}

function gate(facts: Facts, act: Act, message: string): Outlook {
  const { action, parameters } = act;
  if (facts.pausedBecause !== null) return wait('pause', facts.pausedBecause);
  const writes = action !== 'send_notification';
  if (writes && facts.managedBy !== null && parameters.actOnManaged !== true)
    return end('skipped', changeToMake(facts, facts.managedBy, action));
  if (isDestructive(action)) {
    const { pendingExceptionId, holdLeftMs, breaches } = facts;
    if (pendingExceptionId !== null && holdLeftMs > 0) return wait('pending_exception', `exception \`${pendingExceptionId}\` is requested`);
    if (breaches.length > 0) return wait('blast_radius', breaches.map((breach) => breach.message).join('; '));
  }
  if (facts.consentNeeded(action) && facts.approval !== 'valid') return consentWait(facts, action);
  if (writes && facts.mode === 'observe')
    return end('skipped', `${ONLY_OBSERVED}: would have tried to ${actionWords(action)} \`${facts.resourceId}\``);
  return { kind: 'act', action, parameters, message };
}

function consentWait(facts: Facts, action: RemediationAction): Outlook {
  const outdated = facts.approval === 'outdated';
  const why = outdated ? 'the resource changed since it was approved' : 'the settings do not allow it without approval';
  return { ...wait('consent', `to ${actionWords(action)} \`${facts.resourceId}\`: ${why}`), approvalOutdated: outdated };
}

function changeToMake(facts: Facts, owner: ManagedBy, action: RemediationAction): string {
  const place = [owner.address, owner.repository].filter((part) => part !== null).join(' in ');
  return `\`${facts.resourceId}\` belongs to ${owner.tool}${place === '' ? '' : ` (${place})`}: change it there to ${actionWords(action)} it`;
}

function end(result: RemediationResult, message: string, exceptionId: string | null = null): Outlook {
  return { kind: 'end', result, message, exceptionId };
}

function wait(waitingFor: WaitingFor, message: string): Extract<Outlook, { kind: 'wait' }> {
  return { kind: 'wait', waitingFor, message, approvalOutdated: false };
}
