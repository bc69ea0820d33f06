/** The answer of the gate in the words of the wire. Pure. */
import type { ApprovalRecord } from '../../policy/approval.js';
import { effectiveNamespace } from '../../policy/match.js';
import type { Resource } from '../../policy/model.js';
import type { AppliedException, Decision, DecisionWord, DeployFinding, DeployUnknown, TakenHold } from '../../policy/verdict.js';
import type { WireCost, WireDecision } from './evaluate.js';
import { toWireInstant } from './values.js';

export interface DecisionFacts {
  readonly id: string;
  readonly at: number;
  readonly resources: readonly Resource[];
  readonly cost: WireCost;
  readonly policySet: string;
  readonly degraded: boolean;
  /** Whether the decision is written before it is answered. */
  readonly durable: boolean;
  readonly notices: readonly string[];
  readonly holds: readonly TakenHold[];
}

const MESSAGES: { readonly [W in DecisionWord]: string } = {
  allow: 'Request compliant with all policies',
  warn: 'Request allowed with warnings',
  needs_approval: 'Request needs approval',
  deny: 'Request denied due to policy violations',
};

export function toWireDecision(decision: Decision, facts: DecisionFacts): WireDecision {
  const { resources } = facts;
  return {
    allowed: decision.decision === 'allow' || decision.decision === 'warn',
    decision: decision.decision,
    message: MESSAGES[decision.decision],
    violations: decision.violations.map((finding) => toWireFinding(finding, resources)),
    warnings: decision.warnings.map((finding) => toWireFinding(finding, resources)),
    unknowns: decision.unknowns.map((unknown) => toWireUnknown(unknown, resources)),
    errors: decision.errors.map((error) => ({
      policy_name: error.policyName,
      policy_version: error.policyVersion,
      rule_name: error.ruleName,
      message: error.message,
    })),
    exceptions_applied: decision.exceptionsApplied.map((exception) => toWireApplied(exception, resources)),
    cost: facts.cost,
    notes: decision.notes.map((note) => ({
      policy_name: note.policyName,
      policy_version: note.policyVersion,
      rule_name: note.ruleName,
      resource_id: nameOf(resources, note.resourceIndex),
      message: note.message,
    })),
    notices: [...facts.notices],
    holds: facts.holds.map(toWireHold),
    approvals: [],
    policy_set: facts.policySet,
    decision_id: facts.id,
    evaluated_at: toWireInstant(facts.at),
    degraded: facts.degraded,
    durable: facts.durable,
  };
}

/** What a resource is called in an answer: its address in the plan, else its id, else its name, else its place in the request. */
export function nameOf(resources: readonly Resource[], index: number): string {
  const resource = resources[index];
  return resource?.address ?? resource?.id ?? resource?.name ?? `resources[${index}]`;
}

export function toWireFinding(finding: DeployFinding, resources: readonly Resource[]): WireDecision['violations'][number] {
  return {
    policy_name: finding.policyName,
    policy_version: finding.policyVersion,
    rule_name: finding.ruleName,
    severity: finding.severity,
    effect: finding.effect,
    resource_type: finding.resourceType,
    resource_id: nameOf(resources, finding.resourceIndex),
    path: finding.path,
    observed: finding.observed,
    limit: finding.limit,
    message: finding.message,
    fix: finding.fix && { set: { ...finding.fix.set }, text: finding.fix.text },
    ...toExceptionHint(finding, resources[finding.resourceIndex]),
  };
}

type ExceptionHint = Pick<WireDecision['violations'][number], 'exception_hint' | 'exception_hint_missing'>;

/** The planned resource as an exception request names it; an address where there is one, else the name. None of it may be missing. */
function toExceptionHint({ policyName, ruleName }: DeployFinding, resource: Resource | undefined): ExceptionHint {
  if (resource === undefined) return { exception_hint: null, exception_hint_missing: null };
  const { type: kind, account, address, name } = resource;
  const namespace = effectiveNamespace(resource);
  const missing = [
    account === null ? '`account`' : [],
    namespace === null ? '`namespace`' : [],
    address === null && name === null ? '`name` or `address`' : [],
  ].flat();
  if (account === null || namespace === null || missing.length > 0) {
    const words = `give ${missing.join(' and ')}: an exception for a planned resource names it by all of them`;
    return { exception_hint: null, exception_hint_missing: words };
  }
  const named: Record<string, string> = address === null ? { name: name ?? '' } : { address };
  const target = { type: kind, account, namespace, ...named };
  return { exception_hint: { policy_name: policyName, rule_name: ruleName, resource: target }, exception_hint_missing: null };
}

function toWireUnknown(unknown: DeployUnknown, resources: readonly Resource[]): WireDecision['unknowns'][number] {
  return {
    policy_name: unknown.policyName,
    policy_version: unknown.policyVersion,
    rule_name: unknown.ruleName,
    resource_id: nameOf(resources, unknown.resourceIndex),
    path: unknown.path,
    reason: unknown.reason,
    effect: unknown.effect,
  };
}

function toWireHold(hold: TakenHold): WireDecision['holds'][number] {
  return {
    id: hold.id,
    policy_name: hold.policyName,
    rule_name: hold.ruleName,
    period: hold.period,
    amount: hold.amount,
    expires_at: toWireInstant(hold.expiresAt),
  };
}

function toWireApplied(exception: AppliedException, resources: readonly Resource[]): WireDecision['exceptions_applied'][number] {
  return {
    id: exception.id,
    policy_name: exception.policyName,
    rule_name: exception.ruleName,
    resource_id: nameOf(resources, exception.resourceIndex),
    expires_at: toWireInstant(exception.expiresAt),
  };
}

export function toWireAsked(record: ApprovalRecord): WireDecision['approvals'][number] {
  return {
    id: record.id,
    policy_name: record.policyName,
    rule_name: record.ruleName,
    status: record.status === 'rejected' ? 'rejected' : 'pending',
    approvers: [...record.approvers],
    expires_at: toWireInstant(record.expiresAt),
    decided_by: record.decidedBy,
    reason: record.comments,
  };
}
