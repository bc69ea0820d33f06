/** What an operator sees of an approval in Temporal's UI: markdown, in which names and words of others are code. Pure. */
import type { ApprovalRecord, ApprovalStatus } from './approval.js';
import { code } from './markdown.js';
import { moneyWords } from './money.js';
import { instantWords, utcWords } from './remediation-words.js';

/** Who asks what, as its workflow is started with. */
export interface ApprovalAsked {
  readonly requester: string;
  readonly firstResource: string;
  readonly resourceCount: number;
  /** `45.26 USD`; null where it is not known. */
  readonly monthlyCost: string | null;
  /** Who could decide when it was asked. */
  readonly approvers: readonly string[];
}

const MOST_APPROVERS = 20;

/** Small, whatever the request: it crosses Temporal. */
export function askedOf({ requester, resources, monthlyCost, approvers }: ApprovalRecord, currency: string): ApprovalAsked {
  return {
    requester,
    firstResource: cut(resources[0] ?? 'nothing', 100),
    resourceCount: resources.length,
    monthlyCost: monthlyCost === null ? null : `${moneyWords(monthlyCost)} ${currency}`,
    approvers: approvers.slice(0, MOST_APPROVERS),
  };
}

export interface ApprovalShown extends Partial<ApprovalAsked> {
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: number;
}

type Decided = Pick<ApprovalRecord, 'decidedBy' | 'comments' | 'expiresAt'>;

/** One line for lists. */
export function approvalSummary({ policyName, ruleName }: ApprovalShown, asked: ApprovalAsked): string {
  return cut(`${policyName}/${ruleName}: ${asked.requester} asks for ${resourceWords(asked, (name) => name)}`, 200);
}

/** `decided` is null as long as nobody has. The UI shows few lines at once: what counts most comes first. */
export function approvalDetails(shown: ApprovalShown, status: ApprovalStatus, decided: Decided | null): string {
  const rule = `asked by ${code(`${shown.policyName}/${shown.ruleName}`)}`;
  return [`**${status}** ${standingWords(shown, status, decided)}`, ...askedLines(shown), rule].join('\n\n');
}

/** None of one that was started before it was given who asks what. */
function askedLines({ requester, firstResource, resourceCount, monthlyCost = null, approvers = [] }: ApprovalShown): readonly string[] {
  if (requester === undefined || firstResource === undefined || resourceCount === undefined) return [];
  const cost = monthlyCost === null ? 'cost unknown' : `${monthlyCost} a month`;
  return [
    `${code(requester)} asks for ${resourceWords({ firstResource, resourceCount }, code)}: ${cost}`,
    `may decide: ${approvers.map(code).join(', ') || 'nobody at present'}`,
  ];
}

function standingWords({ expiresAt }: ApprovalShown, status: ApprovalStatus, decided: Decided | null): string {
  if (status === 'pending') return `lapses ${instantWords(expiresAt)}`;
  if (decided === null) return 'nobody decided in time';
  const { decidedBy, comments, expiresAt: until } = decided;
  const words = comments === null || comments === '' ? '' : `: ${code(cut(comments, 500))}`;
  const stands = status === 'approved' ? 'good' : 'stands';
  return `by ${code(decidedBy ?? 'nobody')}, ${stands} until ${utcWords(until)}${words}`;
}

function resourceWords(
  { firstResource, resourceCount }: Pick<ApprovalAsked, 'firstResource' | 'resourceCount'>,
  name: (text: string) => string,
): string {
  return resourceCount > 1 ? `${name(firstResource)} and ${resourceCount - 1} more` : name(firstResource);
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
