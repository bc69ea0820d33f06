/** The one place that says whether an exception covers a resource; evaluate, scan, remediation, report and CLI all ask here. */
import { boundsOf } from './cost-range.js';
import type { Directory } from './directory.js';
import { managerOf, membersOf } from './directory.js';
import { effectiveNamespace, isUnknownPath, tagOf } from './match.js';
import type { Instant, PolicyType, Resource } from './model.js';
import { compare } from './money.js';
import type { ExceptionConditions, ExceptionRecord, ExceptionStatus, ExceptionTarget } from './records.js';
import { ruleKey } from './rule-key.js';

/** True when the uses or the money of its caps are used up. */
export function capExhausted(record: Pick<ExceptionRecord, 'caps' | 'used'>): boolean {
  const { caps, used } = record;
  return (caps.uses !== null && used.uses >= caps.uses) || (caps.money !== null && compare(used.money, caps.money) >= 0);
}

/**
 * The status that holds at an instant, whether or not a worker runs: an approved one is in force while `at < expiresAt` and no cap is
 * used up, a pending one waits while `at < lapsesAt`.
 */
export function exceptionStatus(record: ExceptionRecord, at: Instant): ExceptionStatus {
  if (record.status === 'pending') return at >= (record.lapsesAt ?? Infinity) ? 'lapsed' : 'pending';
  if (record.status !== 'approved') return record.status;
  const ended = record.expiresAt !== null && at >= record.expiresAt;
  return ended || capExhausted(record) ? 'expired' : 'approved';
}

function hasTags(resource: Resource, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => !isUnknownPath(resource, `tags.${key}`) && tagOf(resource.tags, key) === value);
}

/** What is not known does not hold: an exception never rests on a guess. */
function conditionsHold(conditions: ExceptionConditions, resource: Resource): boolean {
  const { tags, monthlyCostBelow, state } = conditions;
  if (tags !== undefined && !hasTags(resource, tags)) return false;
  if (state !== undefined && resource.state !== state) return false;
  if (monthlyCostBelow === undefined) return true;
  const most = boundsOf(resource.cost)?.high ?? null;
  return most !== null && compare(most, monthlyCostBelow) < 0;
}

type Target<K extends ExceptionTarget['kind']> = Extract<ExceptionTarget, { readonly kind: K }>;

function isResource(target: Target<'resource'>, resource: Resource): boolean {
  if (resource.id === null || resource.account === null) return false;
  const sameType = target.resourceType === null || target.resourceType === resource.type;
  return sameType && target.resourceId === resource.id && target.account === resource.account;
}

/** All given must be equal, and name or address must be given: a target that names nothing covers nothing. */
function isPlanned(target: Target<'planned'>, resource: Resource): boolean {
  if (target.name === null && target.address === null) return false;
  return (
    target.type === resource.type &&
    target.account === resource.account &&
    target.namespace === effectiveNamespace(resource) &&
    (target.name === null || target.name === resource.name) &&
    (target.address === null || target.address === resource.address)
  );
}

/** A selector without tags covers nothing: an exception for everything is a change of the policy. */
function isSelected(target: Target<'selector'>, resource: Resource): boolean {
  if (Object.keys(target.tags).length === 0) return false;
  return (target.account === null || target.account === resource.account) && hasTags(resource, target.tags);
}

/** Whether an exception to this target is one for `resource`: neither its state nor its conditions are looked at. */
export function covers(target: ExceptionTarget, resource: Resource): boolean {
  switch (target.kind) {
    case 'resource':
      return isResource(target, resource);
    case 'planned':
      return isPlanned(target, resource);
    case 'selector':
      return isSelected(target, resource);
    default:
      return target satisfies never;
  }
}

/** Exceptions of one policy and rule; those for one existing resource by its id, so that many of them cost one look-up. */
interface RuleExceptions {
  readonly byResourceId: Map<string, ExceptionRecord[]>;
  readonly others: ExceptionRecord[];
}

/** Exceptions indexed for look-up; make it with `compileExceptions` whenever the records change. */
export interface CompiledExceptions {
  readonly size: number;
  /** By `ruleKey`; a rule that is absent has none. */
  readonly byRule: ReadonlyMap<string, Readonly<RuleExceptions>>;
}

function insert(index: RuleExceptions, record: ExceptionRecord): void {
  if (record.target.kind !== 'resource') {
    index.others.push(record);
    return;
  }
  const same = index.byResourceId.get(record.target.resourceId);
  if (same === undefined) index.byResourceId.set(record.target.resourceId, [record]);
  else same.push(record);
}

/** Takes records in any state; those that are not approved can never match and are dropped. The oldest of several that match is the one used. */
export function compileExceptions(records: readonly ExceptionRecord[]): CompiledExceptions {
  const byRule = new Map<string, RuleExceptions>();
  const approved = records
    .filter((record) => record.status === 'approved')
    .sort((a, b) => a.requestedAt - b.requestedAt || (a.id < b.id ? -1 : 1));
  for (const record of approved) {
    const key = ruleKey(record.policyName, record.ruleName);
    const index = byRule.get(key) ?? { byResourceId: new Map<string, ExceptionRecord[]>(), others: [] };
    byRule.set(key, index);
    insert(index, record);
  }
  return { size: approved.length, byRule };
}

export const NO_EXCEPTIONS: CompiledExceptions = compileExceptions([]);

/** Says which of these exceptions are to a target that covers a resource, whatever their state and conditions; in the given order. */
export function coveringOf(records: readonly ExceptionRecord[]): (resource: Resource) => readonly ExceptionRecord[] {
  const byResourceId = new Map<string | null, ExceptionRecord[]>();
  for (const record of records) {
    const key = record.target.kind === 'resource' ? record.target.resourceId : null;
    const same = byResourceId.get(key);
    if (same === undefined) byResourceId.set(key, [record]);
    else same.push(record);
  }
  return (resource) => {
    const own = resource.id === null ? [] : (byResourceId.get(resource.id) ?? []);
    return [...own, ...(byResourceId.get(null) ?? [])].filter(({ target }) => covers(target, resource));
  };
}

export interface ExceptionQuestion {
  readonly resource: Resource;
  readonly policyName: string;
  readonly ruleName: string;
  readonly at: Instant;
  /** What else must hold of the exception; without it, nothing. */
  readonly mayUse?: (record: ExceptionRecord) => boolean;
}

/** The exception that permits `resource` to violate the rule at `at`, or undefined. */
export function findException(compiled: CompiledExceptions, question: ExceptionQuestion): ExceptionRecord | undefined {
  const { resource, at, mayUse = () => true } = question;
  const index = compiled.byRule.get(ruleKey(question.policyName, question.ruleName));
  if (index === undefined) return undefined;
  const inForce = (record: ExceptionRecord): boolean =>
    exceptionStatus(record, at) === 'approved' &&
    covers(record.target, resource) &&
    conditionsHold(record.conditions, resource) &&
    mayUse(record);
  const own = resource.id === null ? undefined : index.byResourceId.get(resource.id)?.find(inForce);
  return own ?? index.others.find(inForce);
}

export interface ApproverQuestion {
  readonly directory: Directory;
  /** The authenticated principal that requested the exception. */
  readonly requester: string;
  /** Who asked on behalf of the requester, where that is somebody else; decides it no more than the requester does. */
  readonly principal?: string;
  readonly policyType: PolicyType;
  /** Groups that the rule names itself; they stand in place of the defaults. */
  readonly exceptionApprovers?: readonly string[];
  /** Principals with role `admin`, asked when nobody else is left. */
  readonly admins: readonly string[];
}

const APPROVING_GROUP: Readonly<Partial<Record<PolicyType, string>>> = {
  BudgetLimit: 'finops',
  TagRequirement: 'security',
  ResourceLimit: 'security',
};

function defaultApprovers({ directory, requester, policyType }: ApproverQuestion): readonly string[] {
  const manager = managerOf(directory, requester);
  const group = APPROVING_GROUP[policyType];
  return [...(manager === null ? [] : [manager]), ...(group === undefined ? [] : membersOf(directory, group))];
}

/**
 * Who may decide a request now, without those who asked: nobody approves their own. Group `finops` when nobody is left, then the
 * admins; empty only when no admin is left either. Work it out when deciding, not when requested.
 */
export function approversFor(question: ApproverQuestion): readonly string[] {
  const { directory, requester, principal, exceptionApprovers, admins } = question;
  const named = exceptionApprovers?.flatMap((group) => [...membersOf(directory, group)]) ?? defaultApprovers(question);
  for (const candidates of [named, membersOf(directory, 'finops'), admins]) {
    const others = [...new Set(candidates)].filter((candidate) => candidate !== requester && candidate !== principal);
    if (others.length > 0) return others;
  }
  return [];
}
