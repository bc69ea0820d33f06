/** What a request gathers while its rules are judged, and the decision that comes of it. */
import type { BudgetJudgement } from './budget-judge.js';
import type { CompiledRule } from './compile.js';
import { effectOf, possibleEffectOf } from './effect.js';
import type { Judgement } from './judge.js';
import type { Resource } from './model.js';
import type { Failed } from './rules/check.js';
import type {
  AppliedException,
  DecisionWord,
  DeployFinding,
  DeployNote,
  DeployUnknown,
  Effect,
  EvaluationError,
  UnknownCheck,
  UnknownEffect,
} from './verdict.js';

export interface Gathered {
  readonly violations: DeployFinding[];
  readonly warnings: DeployFinding[];
  readonly unknowns: DeployUnknown[];
  readonly errors: EvaluationError[];
  readonly exceptionsApplied: AppliedException[];
  readonly notes: DeployNote[];
}

// Written out, not spread: a plan of a thousand resources makes thousands of these, and spreading costs ten times as much.
function toFinding(rule: CompiledRule, { check, possible }: Failed, resource: Resource, resourceIndex: number): DeployFinding {
  const finding: DeployFinding = {
    policyName: rule.policyName,
    policyVersion: rule.policyVersion,
    ruleName: rule.ruleName,
    severity: rule.severity.deploy,
    effect: possible === true ? possibleEffectOf(rule.effect) : rule.effect,
    resourceType: resource.type,
    resourceIndex,
    path: check.path,
    observed: check.observed,
    limit: check.limit,
    message: check.message,
    fix: check.fix,
  };
  return rule.approval === undefined ? finding : { ...finding, approval: rule.approval };
}

/** `violations` are what denies or needs approval. */
function placeFinding(into: Gathered, finding: DeployFinding): void {
  const denies = finding.effect === 'deny' || finding.effect === 'needs_approval';
  (denies ? into.violations : into.warnings).push(finding);
}

function toUnknown(rule: CompiledRule, { path, reason }: UnknownCheck, resourceIndex: number): DeployUnknown {
  const { policyName, policyVersion, ruleName, unknownEffect } = rule;
  return { policyName, policyVersion, ruleName, path, reason, effect: unknownEffect, resourceIndex };
}

/** What a rule says of one resource, where it is neither compliant nor permitted. */
export function gather(into: Gathered, rule: CompiledRule, judgement: Judgement, resource: Resource, resourceIndex: number): void {
  for (const failed of judgement.failed) placeFinding(into, toFinding(rule, failed, resource, resourceIndex));
  for (const check of judgement.unknowns) into.unknowns.push(toUnknown(rule, check, resourceIndex));
  if (judgement.verdict !== 'error') return;
  const { policyName, policyVersion, ruleName } = rule;
  into.errors.push({ policyName, policyVersion, ruleName, message: judgement.unknowns[0]?.reason ?? '' });
}

/** What budgets say, put in its place among what the rules over single resources said. */
export function gatherBudgets(into: Gathered, { findings, unknowns }: BudgetJudgement, resources: readonly Resource[]): void {
  if (findings.length + unknowns.length + into.exceptionsApplied.length === 0) return;
  for (const { rule, check, resourceIndex, needsApproval } of findings) {
    const resource = resources[resourceIndex];
    if (resource === undefined) continue;
    const finding = toFinding(rule, { kind: 'failed', check, action: 'notify' }, resource, resourceIndex);
    placeFinding(into, needsApproval ? { ...finding, effect: effectOf(rule.enforcement.deploy, 'needs_approval') } : finding);
  }
  for (const { rule, check, resourceIndex } of unknowns) into.unknowns.push(toUnknown(rule, check, resourceIndex));
  sortGathered(into);
}

const STRICTNESS: { readonly [E in Effect | UnknownEffect]: number } = { audit: 0, ignore: 0, warn: 1, needs_approval: 2, deny: 3 };
const DECISIONS: readonly DecisionWord[] = ['allow', 'warn', 'needs_approval', 'deny'];

/** The strictest of its parts; what is only audited, and an unknown that is ignored, leave `allow`. */
export function decide({ violations, warnings, unknowns }: Gathered): DecisionWord {
  let strictest = 0;
  for (const { effect } of violations) strictest = Math.max(strictest, STRICTNESS[effect]);
  for (const { effect } of warnings) strictest = Math.max(strictest, STRICTNESS[effect]);
  for (const { effect } of unknowns) strictest = Math.max(strictest, STRICTNESS[effect]);
  return DECISIONS[strictest] ?? 'allow';
}

interface Placed {
  readonly resourceIndex: number;
  readonly policyName: string;
  readonly ruleName: string;
  readonly path?: string;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function comparePlaces(a: Placed, b: Placed): number {
  return (
    a.resourceIndex - b.resourceIndex ||
    compareText(a.policyName, b.policyName) ||
    compareText(a.ruleName, b.ruleName) ||
    compareText(a.path ?? '', b.path ?? '')
  );
}

/** Puts what came out of order in that of request, policy name, rule and path. */
function sortGathered({ violations, warnings, unknowns, exceptionsApplied }: Gathered): void {
  for (const list of [violations, warnings, unknowns, exceptionsApplied]) (list as Placed[]).sort(comparePlaces);
}
