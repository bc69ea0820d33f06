/** The notices of a remediation: title and body, plain text. Pure. */
import type { Instant, ResourceKey, Severity } from './model.js';
import type { RemediationAction, RemediationPhase, WaitingFor } from './records.js';
import { actionWords, instantWords, waitingWords } from './remediation-words.js';

export interface RemediationWords {
  readonly title: string;
  readonly body: string;
}

/** What a notice is about: the promise, and where it stands. */
export interface NoticeContext {
  readonly remediationId: string;
  readonly key: ResourceKey;
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly message: string;
  readonly severity: Severity;
  readonly action: RemediationAction;
  readonly escalateAt: Instant | null;
  readonly escalated: boolean;
  readonly actAt: Instant;
}

function about(context: NoticeContext): string {
  const { key, policyName, policyVersion, ruleName, message } = context;
  return `${message}\nresource: ${key.type} ${key.id} in account ${key.account}\nrule: ${policyName} ${policyVersion} / ${ruleName}`;
}

function plan(context: NoticeContext): string {
  const { action, escalateAt, escalated, actAt, key } = context;
  const escalation = escalateAt === null || escalated ? '' : `It becomes high ${instantWords(escalateAt)}. `;
  return `${escalation}Tollgate will ${actionWords(action)} ${key.id} ${instantWords(actAt)}.`;
}

function wayOut(context: NoticeContext): string {
  return `Put it right before then, or request an exception. Remediation ${context.remediationId}.`;
}

/** The first one, at detection. */
export function detectedNotice(context: NoticeContext): RemediationWords {
  const title = `${context.severity}: ${context.key.id} violates ${context.policyName}`;
  return { title, body: `${about(context)}\n${plan(context)}\n${wayOut(context)}` };
}

export function escalatedNotice(context: NoticeContext): RemediationWords {
  return {
    title: `now high: ${context.key.id} still violates ${context.policyName}`,
    body: `${about(context)}\n${plan(context)}\n${wayOut(context)}`,
  };
}

export function reminderNotice(context: NoticeContext): RemediationWords {
  return {
    title: `reminder: ${context.key.id} will be acted on ${instantWords(context.actAt)}`,
    body: `${about(context)}\n${plan(context)}\n${wayOut(context)}`,
  };
}

/** To operators: nothing moves until one of them does something. */
export function waitingNotice(context: NoticeContext, waitingFor: WaitingFor, why: string): RemediationWords {
  return {
    title: `${context.key.id} ${waitingWords(waitingFor)}`,
    body: `${about(context)}\n${why}\n${howToAnswer(context.remediationId, waitingFor)}`,
  };
}

/** What was done, or why nothing was: the end of the story for the owner. */
export function outcomeNotice(context: NoticeContext, outcome: string, undoUntil: Instant | null): RemediationWords {
  const undo =
    undoUntil === null
      ? ''
      : `\nIt can be undone until ${instantWords(undoUntil).slice(3)}: tollgate remediation undo ${context.remediationId}`;
  return { title: `${context.key.id}: ${outcome}`, body: `${about(context)}\n${outcome}${undo}` };
}

/** The command that ends the waiting, where a person can end it. */
export function howToAnswer(remediationId: string, waitingFor: WaitingFor): string {
  switch (waitingFor) {
    case 'consent':
    case 'blast_radius':
      return `To let it act: tollgate remediation approve ${remediationId}`;
    case 'operator':
      return `To try again: tollgate remediation retry ${remediationId}; to give up: tollgate remediation cancel ${remediationId} --reason …`;
    case 'pause':
      return 'To let it act: tollgate resume';
    case 'pending_exception':
      return 'To let it act: decide the exception request';
    case 'provider':
      return 'Nothing to do: Tollgate looks again by itself';
    default:
      return waitingFor satisfies never;
  }
}

export interface Standing extends NoticeContext {
  readonly phase: RemediationPhase;
  readonly waitingFor: WaitingFor | null;
  readonly why: string | null;
  readonly undoUntil: Instant | null;
  readonly resultMessage: string | null;
}

/** Markdown for Temporal's UI: what, why, next deadline, what it waits for and how to answer. */
export function standingDetails(standing: Standing): string {
  const { phase, waitingFor, why, undoUntil, resultMessage, remediationId, action, key } = standing;
  const lines = [`**${phase}**: ${actionWords(action)} \`${key.id}\``, '', `- why: ${standing.message}`];
  if (waitingFor !== null)
    lines.push(`- ${waitingWords(waitingFor)}${why === null ? '' : `: ${why}`}`, `- ${howToAnswer(remediationId, waitingFor)}`);
  if (phase === 'grace' || phase === 'notice') lines.push(`- ${plan(standing)}`);
  if (phase === 'undo_window' && undoUntil !== null) lines.push(`- can be undone until ${instantWords(undoUntil).slice(3)}`);
  if (resultMessage !== null) lines.push(`- result: ${resultMessage}`);
  return lines.join('\n');
}
