/** Policies made ready to judge: patterns compiled, defaults resolved, rules indexed by the types that they can concern. */
import { canonicalJson } from './canonical.js';
import { matchGlobs, type WantedTag } from './match.js';
import type {
  Enforcement,
  OnUnknown,
  PerPoint,
  Policy,
  PolicyOf,
  PolicyType,
  RemediationSpec,
  RuleBase,
  ScanVerdict,
  Severity,
  VersionedPolicy,
} from './model.js';
import type { Point, RuleChecks, RuleKind, RuleTraits } from './rules/check.js';
import { RULE_KINDS } from './rules/registry.js';

/** One rule, ready to judge. */
export interface CompiledRule extends RuleChecks {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly type: PolicyType;
  readonly points: readonly Point[];
  readonly namespace: string | undefined;
  readonly selectorTags: readonly WantedTag[];
  readonly severity: PerPoint<Severity>;
  readonly enforcement: PerPoint<Enforcement>;
  readonly onUnknown: OnUnknown;
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
  /** The rules that can concern a resource of this type at this point, in the order of policy and rule names. */
  readonly rulesFor: (resourceType: string, point: Point) => readonly CompiledRule[];
}

const NO_REMEDIATION: RemediationSpec = { action: null, graceMs: null, parameters: {} };

/** Types come from requests: past this many different ones, the index is worked out anew each time. */
const MAX_INDEXED_TYPES = 1_000;

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

function compileRule(traits: RuleTraits, { version, policy }: VersionedPolicy, { rule, checks }: CheckedRule): CompiledRule {
  const severity = resolveSeverity(rule, traits.scanSeverity);
  const names = { policyName: policy.name, policyVersion: version, ruleName: rule.name };
  const nothing = { ...names, finding: null, exceptionId: null, unknowns: [] };
  return {
    ...checks,
    ...names,
    type: policy.type,
    points: traits.points,
    namespace: policy.namespace,
    selectorTags: Object.entries(rule.selector?.tags ?? {}).map(([key, value]) => ({ key, path: `tags.${key}`, value })),
    severity,
    enforcement: resolveEnforcement(rule, severity),
    onUnknown: traits.evaluated ? (rule.onUnknown ?? 'warn') : 'ignore',
    remediation: rule.remediation ?? NO_REMEDIATION,
    concerns: (type) => matchGlobs(rule.resource, type) && matchGlobs(rule.scope, type),
    quiet: { compliant: { ...nothing, verdict: 'compliant' }, 'not-applicable': { ...nothing, verdict: 'not-applicable' } },
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

function indexByType(rules: readonly CompiledRule[], point: Point): (type: string) => readonly CompiledRule[] {
  const ofPoint = rules.filter((rule) => rule.points.includes(point));
  const index = new Map<string, readonly CompiledRule[]>();
  return (type) => {
    const known = index.get(type);
    if (known !== undefined) return known;
    const found = ofPoint.filter((rule) => rule.concerns(type));
    if (index.size < MAX_INDEXED_TYPES) index.set(type, found);
    return found;
  };
}

/** Never throws: a policy that cannot be compiled says so, rule by rule, in each answer that it would have had a part in. */
export function compilePolicies(policies: readonly VersionedPolicy[]): CompiledPolicies {
  const sorted = [...policies].sort((a, b) => compareText(a.policy.name, b.policy.name));
  const rules = sorted.flatMap((versioned) => [...compilePolicy(versioned)].sort((a, b) => compareText(a.ruleName, b.ruleName)));
  const index = { deploy: indexByType(rules, 'deploy'), scan: indexByType(rules, 'scan') };
  return { policies: sorted, rules, rulesFor: (type, point) => index[point](type) };
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
