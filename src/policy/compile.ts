/** Policies made ready to judge: patterns compiled, defaults resolved, rules indexed by the types that they can concern. */
import { isOfService } from './budget-service.js';
import { canonicalJson } from './canonical.js';
import { effectOf, unknownEffectOf } from './effect.js';
import { effectiveNamespace, matchGlobs, type WantedTag } from './match.js';
import type {
  Enforcement,
  OnUnknown,
  PerPoint,
  Policy,
  PolicyOf,
  PolicyType,
  RemediationSpec,
  Resource,
  RuleBase,
  Severity,
  VersionedPolicy,
} from './model.js';
import { remember } from './remember.js';
import { ruleKey } from './rule-key.js';
import type { Point, RuleChecks, RuleKind, RuleTraits } from './rules/check.js';
import { RULE_KINDS } from './rules/registry.js';
import type { Effect, ScanVerdict, UnknownEffect } from './verdict.js';

/** One rule, ready to judge. */
export interface CompiledRule extends RuleChecks {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  /** Its `ruleKey`, unique in a set. */
  readonly key: string;
  readonly type: PolicyType;
  readonly points: readonly Point[];
  /** Globs over resource types, as the rule gives them. */
  readonly resource: readonly string[] | undefined;
  readonly scope: readonly string[] | undefined;
  readonly namespace: string | undefined;
  readonly selectorTags: readonly WantedTag[];
  /** Of the selector. */
  readonly account: string | undefined;
  /** Of the selector; `concerns` looks at it too. */
  readonly service: string | undefined;
  readonly severity: PerPoint<Severity>;
  readonly enforcement: PerPoint<Enforcement>;
  readonly onUnknown: OnUnknown;
  /** What a violation does at deploy. */
  readonly effect: Effect;
  /** What an unknown does at deploy. */
  readonly unknownEffect: UnknownEffect;
  /** As the rule gives it; without an action, what failed decides. */
  readonly remediation: RemediationSpec;
  readonly concerns: (resourceType: string) => boolean;
  /** The same object each time, so that what complies costs a scan no memory. */
  readonly quiet: { readonly [V in 'compliant' | 'not-applicable']: ScanVerdict };
}

/** A set of policies, ready to judge. Make it once per change of the set with `compilePolicies`. */
export interface CompiledPolicies {
  /** In the order of their names, whatever order they came in. */
  readonly policies: readonly VersionedPolicy[];
  readonly rules: readonly CompiledRule[];
  /** The rules that judge a resource of this type at this point, in the order of policy and rule names. Budgets judge no resource: `budget-judge.ts`. */
  readonly rulesFor: (resourceType: string, point: Point) => readonly CompiledRule[];
  /** Of those at deploy, in the same order, the ones whose policy can concern the resource's namespace: other policies cost nothing. */
  readonly rulesAtDeploy: (resource: Resource) => readonly CompiledRule[];
}

const NO_REMEDIATION: RemediationSpec = { action: null, graceMs: null, parameters: {} };

/** Types and namespaces come from requests: past so many different ones, the index is begun anew. */
const MAX_INDEXED_TYPES = 1_000;
const MAX_INDEXED_NAMESPACES = 250;

/** Default severity is critical, and critical denies; a softer severity only warns. At scan each type has a severity of its own. */
function resolveSeverity(rule: RuleBase, scanSeverity: Severity): PerPoint<Severity> {
  return { deploy: rule.severity?.deploy ?? 'critical', scan: rule.severity?.scan ?? scanSeverity };
}

function resolveEnforcement(rule: RuleBase, severity: PerPoint<Severity>): PerPoint<Enforcement> {
  const atDeploy = severity.deploy === 'critical' ? 'deny' : 'warn';
  return { deploy: rule.enforcement?.deploy ?? atDeploy, scan: rule.enforcement?.scan ?? 'deny' };
}

/** A policy that cannot be compiled throws when it is judged, so that each of its rules counts as unknown and the others still count. */
function broken(error: unknown): RuleChecks {
  return {
    checks: [
      () => {
        throw error;
      },
    ],
    summarize: () => '',
  };
}

// Written out, not spread: each object that begins with a spread has a layout of its own, and a thousand layouts are read ten times as slowly as one.
function compileRule(traits: RuleTraits, { version, policy }: VersionedPolicy, { rule, checks }: CheckedRule): CompiledRule {
  const severity = resolveSeverity(rule, traits.scanSeverity);
  const enforcement = resolveEnforcement(rule, severity);
  const effect = effectOf(enforcement.deploy, traits.denial);
  const onUnknown = rule.onUnknown ?? 'warn';
  const { tags = {}, account, service } = rule.selector ?? {};
  const nothing = {
    policyName: policy.name,
    policyVersion: version,
    ruleName: rule.name,
    finding: null,
    exceptionId: null,
    unknowns: Object.freeze([]),
  };
  return {
    checks: checks.checks,
    summarize: checks.summarize,
    resizeTarget: checks.resizeTarget,
    note: checks.note,
    approval: checks.approval,
    budget: checks.budget,
    policyName: policy.name,
    policyVersion: version,
    ruleName: rule.name,
    key: ruleKey(policy.name, rule.name),
    type: policy.type,
    points: traits.points,
    resource: rule.resource,
    scope: rule.scope,
    namespace: policy.namespace,
    selectorTags: Object.entries(tags).map(([key, value]) => ({ key, path: `tags.${key}`, value })),
    account,
    service,
    severity,
    enforcement,
    onUnknown,
    effect,
    unknownEffect: unknownEffectOf(onUnknown, effect),
    remediation: rule.remediation ?? NO_REMEDIATION,
    concerns: (type) =>
      matchGlobs(rule.resource, type) &&
      matchGlobs(rule.scope, type) &&
      (service === undefined || isOfService(service, { type, provider: null })),
    quiet: {
      compliant: Object.freeze({ ...nothing, verdict: 'compliant' }),
      'not-applicable': Object.freeze({ ...nothing, verdict: 'not-applicable' }),
    },
  };
}

interface CheckedRule {
  readonly rule: RuleBase;
  readonly checks: RuleChecks;
}

function compileChecks<T extends PolicyType>({ type, rules }: PolicyOf<T>): readonly CheckedRule[] {
  const kind: RuleKind<T> = RULE_KINDS[type];
  try {
    return rules.map((rule) => ({ rule, checks: kind.compile(rule) }));
  } catch (error) {
    return rules.map((rule) => ({ rule, checks: broken(error) }));
  }
}

function compilePolicy(versioned: VersionedPolicy): readonly CompiledRule[] {
  const { policy, unreadable } = versioned;
  const traits = RULE_KINDS[policy.type];
  const checked =
    unreadable === undefined ? compileChecks(policy) : policy.rules.map((rule) => ({ rule, checks: broken(new Error(unreadable)) }));
  return checked.map((each) => compileRule(traits, versioned, each));
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function indexByType(rules: readonly CompiledRule[]): (type: string) => readonly CompiledRule[] {
  return remember(MAX_INDEXED_TYPES, (type: string) => rules.filter((rule) => rule.concerns(type)));
}

/** Leaves out the rules of policies for namespaces that are not the resource's; where its namespace is not known, none. */
function indexByNamespace(rulesFor: (type: string) => readonly CompiledRule[]): (resource: Resource) => readonly CompiledRule[] {
  const ofType = remember(MAX_INDEXED_TYPES, (type: string) => {
    const all = rulesFor(type);
    const named = new Set(all.map((rule) => rule.namespace));
    const anywhere = all.filter((rule) => rule.namespace === undefined);
    const within = remember(MAX_INDEXED_NAMESPACES, (own: string) =>
      all.filter((rule) => rule.namespace === undefined || rule.namespace === own),
    );
    return { all, anywhere, within: (own: string) => (named.has(own) ? within(own) : anywhere) };
  });
  return (resource) => {
    const { all, anywhere, within } = ofType(resource.type);
    if (all.length === anywhere.length) return all;
    const own = effectiveNamespace(resource);
    return own === null ? all : within(own);
  };
}

/** Never throws: a policy that cannot be compiled says so, rule by rule, in each answer that it would have had a part in. */
export function compilePolicies(policies: readonly VersionedPolicy[]): CompiledPolicies {
  const sorted = [...policies].sort((a, b) => compareText(a.policy.name, b.policy.name));
  const rules = sorted.flatMap((versioned) => [...compilePolicy(versioned)].sort((a, b) => compareText(a.ruleName, b.ruleName)));
  const judging = (point: Point) => indexByType(rules.filter((rule) => rule.points.includes(point) && rule.checks.length > 0));
  const index = { deploy: judging('deploy'), scan: judging('scan') };
  return {
    policies: sorted,
    rules,
    rulesFor: (type, point) => index[point](type),
    rulesAtDeploy: indexByNamespace(index.deploy),
  };
}

/** Canonical JSON of the whole set; its hash is the `policy_set` of a decision. */
export function policySetInput(compiled: CompiledPolicies): string {
  return canonicalJson(compiled.policies);
}

/** The longest period that a `Utilization` rule looks back over, in ms: how many days of metrics a scan must ask for. 0 without such a rule. */
export function longestPeriodMs(policies: readonly Policy[]): number {
  const periods = policies.flatMap((policy) => (policy.type === 'Utilization' ? policy.rules.map((rule) => rule.periodMs) : []));
  return Math.max(0, ...periods);
}
