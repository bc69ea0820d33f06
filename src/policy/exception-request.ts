/** From a request for an exception to its record. Pure: what must be looked up is given by `store/exception-requests.ts`. */
import { DAY, waitingLength } from './durations.js';
import type { ExceptionLengths } from './exception-schedule.js';
import type { Instant } from './model.js';
import { compare } from './money.js';
import type { ExceptionRecord, ExceptionTarget, ExceptionType } from './records.js';
import type { Settings } from './settings.js';

/** The body of a request; its types are checked by whoever parsed it, what it means is checked here. */
export interface ExceptionRequest {
  readonly resourceId: string | null;
  /** Of the resource, where its id alone is ambiguous; or narrows a selector. */
  readonly account: string | null;
  /** Of the resource, where id and account are ambiguous. */
  readonly resourceType?: string | null;
  /** What does not exist yet; name or address must be given. */
  readonly resource: {
    readonly type: string | null;
    readonly account: string | null;
    readonly namespace: string | null;
    readonly name: string | null;
    readonly address: string | null;
  } | null;
  readonly selector: { readonly tags: Readonly<Record<string, string>> } | null;
  readonly policyName: string;
  readonly ruleName: string;
  readonly type: ExceptionType;
  readonly justification: string;
  readonly durationDays: number | null;
  readonly expiresAt: Instant | null;
  readonly conditions: ExceptionRecord['conditions'];
  readonly caps: ExceptionRecord['caps'];
  readonly reviewIntervalDays: number | null;
}

interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A century: longer is a change of the policy. */
const LONGEST_DAYS = 36_525;

/** Everything wrong with a request that can be seen without looking anything up. */
export function problemsOfRequest(request: ExceptionRequest, at: Instant): readonly Problem[] {
  return [...targetProblems(request), ...lengthProblems(request, at), ...termProblems(request)];
}

function targetProblems({ resourceId, resource, selector }: ExceptionRequest): Problem[] {
  const given = [resourceId, resource, selector].filter((target) => target !== null);
  if (given.length !== 1) return [{ path: 'resource_id', message: 'expected exactly one of `resource_id`, `resource` and `selector`' }];
  if (selector !== null && Object.keys(selector.tags).length === 0)
    return [{ path: 'selector.tags', message: 'expected at least one tag' }];
  if (resource === null) return [];
  const missing = (['type', 'account', 'namespace'] as const).filter((key) => resource[key] === null || resource[key] === '');
  const problems = missing.map((key) => ({ path: `resource.${key}`, message: 'expected a value: a name alone never matches' }));
  const unnamed = !resource.name && !resource.address;
  return unnamed ? [...problems, { path: 'resource.name', message: 'expected `name` or `address`' }] : problems;
}

function lengthProblems({ type, durationDays, expiresAt }: ExceptionRequest, at: Instant): Problem[] {
  const problems: Problem[] = [];
  const given = [durationDays, expiresAt].filter((length) => length !== null).length;
  if (type === 'temporary' && given === 0)
    problems.push({ path: 'duration_days', message: 'expected `duration_days` or `expires_at`: a temporary exception has an end' });
  if (type === 'permanent' && given > 0)
    problems.push({
      path: durationDays === null ? 'expires_at' : 'duration_days',
      message: 'a permanent exception has no end: give type `temporary`',
    });
  if (given === 2) problems.push({ path: 'expires_at', message: 'expected either `duration_days` or `expires_at`' });
  if (durationDays !== null && (durationDays <= 0 || durationDays > LONGEST_DAYS))
    problems.push({ path: 'duration_days', message: `expected more than 0 and at most ${LONGEST_DAYS} days` });
  if (expiresAt !== null && expiresAt <= at) problems.push({ path: 'expires_at', message: 'expected an instant in the future' });
  return problems;
}

function termProblems({ type, justification, conditions, caps, reviewIntervalDays }: ExceptionRequest): Problem[] {
  const problems: Problem[] = [];
  if (justification.trim() === '') problems.push({ path: 'justification', message: 'expected a reason' });
  if (type === 'conditional' && Object.values(conditions).every((condition) => condition === undefined))
    problems.push({ path: 'conditions', message: 'expected at least one condition' });
  if (caps.money !== null && compare(caps.money, '0') <= 0) problems.push({ path: 'caps.money', message: 'expected a positive amount' });
  if (caps.uses !== null && caps.uses < 1) problems.push({ path: 'caps.uses', message: 'expected at least 1' });
  if (reviewIntervalDays !== null && (reviewIntervalDays < 1 || reviewIntervalDays > LONGEST_DAYS))
    problems.push({ path: 'review_interval_days', message: `expected 1 to ${LONGEST_DAYS} days` });
  return problems;
}

export interface RequestContext {
  readonly id: string;
  readonly workflowId: string;
  readonly target: ExceptionTarget;
  readonly requestedBy: string;
  readonly at: Instant;
  /** `approversFor` at this moment: who is told. Who may decide is worked out again then. */
  readonly approvers: readonly string[];
  readonly acceleration: number;
  readonly settings: Settings['exceptions'];
}

/** The pending record of a request without problems. The duration shrinks with the demonstration clock; a given end does not. */
export function pendingException(request: ExceptionRequest, context: RequestContext): ExceptionRecord {
  const { durationDays, type } = request;
  return {
    id: context.id,
    type,
    status: 'pending',
    target: context.target,
    policyName: request.policyName,
    ruleName: request.ruleName,
    justification: request.justification,
    durationMs: durationDays === null ? null : waitingLength(durationDays * DAY, context.acceleration),
    durationDays,
    conditions: request.conditions,
    caps: request.caps,
    used: { money: '0', uses: 0 },
    reviewIntervalDays: type === 'permanent' ? (request.reviewIntervalDays ?? context.settings.reviewIntervalDays) : null,
    requestedBy: context.requestedBy,
    requestedAt: context.at,
    lapsesAt: context.at + waitingLength(context.settings.lapseAfterMs, context.acceleration),
    approvers: context.approvers,
    approvedBy: null,
    approvedAt: null,
    expiresAt: request.expiresAt,
    reviewDueAt: null,
    lastReviewedAt: null,
    closedReason: null,
    closedAt: null,
    comments: null,
    workflowId: context.workflowId,
  };
}

const REVIEW_OVERDUE_EVERY = 7 * DAY;

/** The lengths of an exception's waits, and its review interval: what its workflow is started with beside the record. */
export function exceptionLengths(
  record: ExceptionRecord,
  settings: Settings['exceptions'],
  acceleration: number,
): ExceptionLengths & { readonly reviewIntervalMs: number | null } {
  const wait = (ms: number) => waitingLength(ms, acceleration);
  return {
    remindAfterMs: wait(settings.remindAfterMs),
    escalateAfterMs: wait(settings.escalateAfterMs),
    lapseAfterMs: wait(settings.lapseAfterMs),
    warnBeforeMs: wait(settings.warnBeforeMs),
    reviewOverdueEveryMs: wait(REVIEW_OVERDUE_EVERY),
    reviewIntervalMs: record.reviewIntervalDays === null ? null : wait(record.reviewIntervalDays * DAY),
  };
}
