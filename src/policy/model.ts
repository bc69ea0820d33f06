/** The vocabulary of the core: policies, resources, verdicts. Types only; every other file of the house speaks in these words. */

/** Milliseconds since the epoch, UTC. */
export type Instant = number;

/** An exact decimal number as text, such as `"70.08"`; arithmetic is in `money.ts`. Never a binary float. */
export type Decimal = string;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

// ---------------------------------------------------------------- policies

export const POLICY_TYPES = [
  'ResourceLimit',
  'TagRequirement',
  'BudgetLimit',
  'ApprovalRequirement',
  'Schedule',
  'Utilization',
  'Orphan',
] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const ENFORCEMENTS = ['deny', 'warn', 'audit'] as const;
export type Enforcement = (typeof ENFORCEMENTS)[number];

export const ON_UNKNOWNS = ['deny', 'warn', 'ignore'] as const;
export type OnUnknown = (typeof ON_UNKNOWNS)[number];

/** What ends a violation, in the words of policies and violations. */
export const ACTIONS = ['notify', 'tag', 'stop', 'resize', 'terminate', 'delete'] as const;
export type Action = (typeof ACTIONS)[number];

/** A value for each of the two points where a policy is enforced. */
export interface PerPoint<T> {
  readonly deploy: T;
  readonly scan: T;
}

export interface RemediationSpec {
  readonly action: Action | null;
  /** Replaces the first stage of the course, in ms; null keeps the severity's own. */
  readonly graceMs: number | null;
  readonly parameters: {
    readonly tags?: Readonly<Record<string, string>>;
    readonly instanceType?: string;
    readonly actOnManaged?: boolean;
  };
}

/** All that it gives must match. */
export interface Selector {
  readonly tags: Readonly<Record<string, string>>;
  /** `BudgetLimit` only: the account, equal. */
  readonly account?: string;
  /** `BudgetLimit` only: a glob over resource types, such as `database/*`; rows of a bill are matched by the type they are mapped to. */
  readonly service?: string;
}

/** What every rule has, whatever its policy's type. Absent means: not given in the YAML; defaults are resolved by `compile.ts`. */
export interface RuleBase {
  readonly name: string;
  readonly description?: string;
  readonly severity?: Partial<PerPoint<Severity>>;
  readonly enforcement?: Partial<PerPoint<Enforcement>>;
  readonly remediation?: RemediationSpec;
  readonly resource?: readonly string[];
  readonly scope?: readonly string[];
  readonly selector?: Selector;
  readonly onUnknown?: OnUnknown;
  /** Names of groups of the directory that may approve exceptions to this rule, in place of the defaults. */
  readonly exceptionApprovers?: readonly string[];
}

export interface LimitConstraint {
  readonly maxVCPUs?: number;
  readonly maxMemoryGB?: number;
  readonly allowedInstanceFamilies?: readonly string[];
  readonly deniedInstanceFamilies?: readonly string[];
  readonly maxSizeGB?: number;
  readonly allowedTypes?: readonly string[];
  readonly deniedTypes?: readonly string[];
  readonly maxStorageGB?: number;
  readonly maxIops?: number;
  readonly maxBandwidthMbps?: number;
  readonly maxMonthlyCost?: Decimal;
}

export interface RequiredTag {
  readonly key: string;
  readonly pattern?: string;
  readonly allowedValues?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly description?: string;
}

export interface AlertThreshold {
  readonly percent: number;
  readonly of: 'actual' | 'forecast';
  readonly action: 'notify' | 'require-approval' | 'block-new-resources';
  readonly channels: readonly string[];
}

export interface ResourceLimitRule extends RuleBase {
  readonly constraint: LimitConstraint;
}
export interface TagRequirementRule extends RuleBase {
  readonly requiredTags: readonly RequiredTag[];
}
export interface BudgetLimitRule extends RuleBase {
  readonly budget: {
    readonly monthly?: Decimal;
    readonly quarterly?: Decimal;
    readonly yearly?: Decimal;
    readonly alertThresholds: readonly AlertThreshold[];
  };
}
export interface ApprovalRequirementRule extends RuleBase {
  readonly when: {
    readonly monthlyCostAbove?: Decimal;
    readonly purchaseOption?: string;
    readonly regionsOutside?: readonly string[];
    readonly resource?: readonly string[];
  };
  readonly approvers: readonly string[];
  readonly expiresAfterMs?: number;
}
export interface ScheduleRule extends RuleBase {
  readonly timezone: string;
  readonly running: readonly { readonly days: readonly string[]; readonly from: string; readonly to: string }[];
  readonly weekends?: 'off';
  readonly holidays?: { readonly calendar?: string; readonly dates?: readonly string[] };
  readonly action: 'stop';
}
export interface UtilizationRule extends RuleBase {
  /** Length of the observed period in ms, as given by `period`. */
  readonly periodMs: number;
  readonly avgCpuBelowPercent?: number;
  readonly avgNetworkBelowBytesPerDay?: number;
}
export interface OrphanRule extends RuleBase {
  readonly unattachedDays: number;
}

export interface RuleByType {
  readonly ResourceLimit: ResourceLimitRule;
  readonly TagRequirement: TagRequirementRule;
  readonly BudgetLimit: BudgetLimitRule;
  readonly ApprovalRequirement: ApprovalRequirementRule;
  readonly Schedule: ScheduleRule;
  readonly Utilization: UtilizationRule;
  readonly Orphan: OrphanRule;
}

export interface PolicyOf<T extends PolicyType> {
  readonly name: string;
  readonly namespace?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly type: T;
  readonly rules: readonly RuleByType[T][];
}
/** A parsed policy document: valid by construction, plain JSON. */
export type Policy = { [T in PolicyType]: PolicyOf<T> }[PolicyType];

/** A policy together with the version that enforces. */
export interface VersionedPolicy {
  readonly version: string;
  readonly policy: Policy;
  /** Why it cannot be judged by, where it cannot: `policy` then holds no more than the names of its rules. */
  readonly unreadable?: string;
}

// ---------------------------------------------------------------- resources

export interface Specs {
  readonly vcpus?: number;
  readonly memoryGb?: number;
  readonly instanceFamily?: string;
  readonly instanceType?: string;
  readonly sizeGb?: number;
  readonly volumeType?: string;
  readonly storageGb?: number;
  readonly iops?: number;
  readonly bandwidthMbps?: number;
  readonly purchaseOption?: string;
  readonly termMonths?: number;
}

/** An estimate in the installation's currency; an unknown amount is null, never 0. A month is 730 hours. */
export interface Cost {
  readonly hourly: Decimal | null;
  readonly monthly: Decimal | null;
  readonly source: 'bill' | 'price-list' | 'request' | 'none';
  /** Bounds of the month where they differ from `monthly`, the likely amount; a `high` of null is open. */
  readonly range?: { readonly low: Decimal; readonly high: Decimal | null };
  /** Parts of it that have no price, in words: `data processed`, `storage`. They leave `range.high` open. */
  readonly unpriced?: readonly string[];
}

export interface Metrics {
  readonly avgCpuPercent: number | null;
  readonly avgNetworkBytesPerDay: number | null;
  /** Over how many whole days the averages were observed. */
  readonly days: number;
}

export interface ManagedBy {
  readonly tool: string;
  readonly address: string | null;
  readonly repository: string | null;
}

/** Why a value is not known: it is worked out at the apply, or whoever describes the resource leaves it out. */
export const UNKNOWN_REASONS = ['known after apply', 'not given'] as const;
export type UnknownReason = (typeof UNKNOWN_REASONS)[number];

/**
 * One resource, found by a scan or asked for by a deploy tool. Plain JSON.
 * `id` is null for what does not exist yet; in the inventory `provider`, `account` and `id` are always given.
 */
export interface Resource {
  readonly id: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly provider: string | null;
  readonly account: string | null;
  readonly region: string | null;
  readonly state: string | null;
  readonly createdAt: Instant | null;
  /** As given; `effectiveNamespace` in `match.ts` falls back to the tag `environment`. */
  readonly namespace: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly specs: Specs;
  readonly cost: Cost;
  readonly metrics: Metrics | null;
  readonly attachedTo: string | null;
  readonly detachedAt: Instant | null;
  readonly managedBy: ManagedBy | null;
  /** Address in a plan, such as `module.web.aws_instance.this[0]`. */
  readonly address: string | null;
  /** Wire paths of what is unknown although it may well have a value: `specs.vcpus`, `tags.owner`, `tags` for all of them. */
  readonly unknownPaths?: readonly string[];
  /** Why that is unknown. @default `known after apply` */
  readonly unknownReason?: UnknownReason;
  /** False for a kind that cannot carry tags. @default true */
  readonly taggable?: boolean;
  /** How many alike, such as the desired size of a group: specs are those of one, the cost is that of all. @default 1 */
  readonly quantity?: number;
  /** What it costs a month before a change of what exists: a budget holds the difference only. Absent for what is new. */
  readonly previousMonthly?: Decimal | null;
}

/** Identity of a resource in the inventory (SPEC §15). */
export interface ResourceKey {
  readonly provider: string;
  readonly account: string;
  readonly type: string;
  readonly id: string;
}

// ---------------------------------------------------------------- verdicts

export type Verdict = 'compliant' | 'violating' | 'excepted' | 'not-applicable' | 'unknown' | 'error';

/** The smallest change that would pass: wire paths to values, and the same in words. */
export interface Fix {
  readonly set: { readonly [path: string]: Json };
  readonly text: string;
}

/** One check of a rule that failed. `path`, `observed` and `limit` are in wire form (`specs.memory_gb`). */
export interface FailedCheck {
  readonly path: string;
  readonly observed: Json;
  readonly limit: Json;
  /** As the document words it at deploy: `Requested 32 vCPUs exceeds limit of 16`. */
  readonly message: string;
  readonly fix: Fix | null;
}

export interface UnknownCheck {
  readonly path: string;
  /** An `UnknownReason`, `too few days of metrics`, `without a price for storage` … */
  readonly reason: string;
}

/** What a finding does at the gate. `needs_approval` comes from `ApprovalRequirement` and from a budget's threshold. */
export type Effect = Enforcement | 'needs_approval';

export type DecisionWord = 'allow' | 'warn' | 'needs_approval' | 'deny';

/** Whom a finding that needs approval asks, by groups of the directory, and for how long the approval holds. */
export interface ApprovalTerms {
  readonly approvers: readonly string[];
  /** Null without an end of its own. */
  readonly expiresAfterMs: number | null;
}

export interface DeployFinding extends FailedCheck {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly severity: Severity;
  readonly effect: Effect;
  readonly resourceType: string;
  /** Index of the resource in the request, for order and for naming it. */
  readonly resourceIndex: number;
  /** Of a rule that asks for approval. */
  readonly approval?: ApprovalTerms;
}

/** What an unknown does at the gate: `onUnknown`, never stricter than a violation of the same rule would be. */
export type UnknownEffect = OnUnknown | 'needs_approval';

export interface DeployUnknown extends UnknownCheck {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly effect: UnknownEffect;
  readonly resourceIndex: number;
}

export interface EvaluationError {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string | null;
  readonly message: string;
}

export interface AppliedException {
  readonly id: string;
  readonly policyName: string;
  readonly ruleName: string;
  readonly expiresAt: Instant | null;
  readonly resourceIndex: number;
}

/** What a rule says of a resource that is neither for nor against it: the windows that a `Schedule` will apply. */
export interface DeployNote {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly resourceIndex: number;
  readonly message: string;
}

/** Money that an allowed request reserves on one budget in one period. */
export interface WantedHold {
  readonly policyName: string;
  readonly ruleName: string;
  /** `2026-11`, `2026-Q4` or `2026`, UTC. */
  readonly period: string;
  /** Prorated to what is left of the period, to the cent; more than zero. */
  readonly amount: Decimal;
}

/** A hold that was taken. */
export interface TakenHold extends WantedHold {
  readonly id: string;
  /** Until then it counts, unless it is committed or released before. */
  readonly expiresAt: Instant;
}

/** The answer of the preventive gate, before it gets an id. Order: request, policy name, rule, path. */
export interface Decision {
  readonly decision: DecisionWord;
  /** What denies or needs approval. */
  readonly violations: readonly DeployFinding[];
  /** What only warns or is audited. */
  readonly warnings: readonly DeployFinding[];
  readonly unknowns: readonly DeployUnknown[];
  readonly errors: readonly EvaluationError[];
  readonly exceptionsApplied: readonly AppliedException[];
  readonly notes: readonly DeployNote[];
  /** Empty unless `allow` or `warn`, and for a request that was judged without the state of its budgets. */
  readonly holds: readonly WantedHold[];
}

/** What one rule says of one found resource at scan. */
export interface ScanVerdict {
  readonly policyName: string;
  readonly policyVersion: string;
  readonly ruleName: string;
  readonly verdict: Verdict;
  /** Present when violating or excepted. */
  readonly finding: ScanFinding | null;
  readonly exceptionId: string | null;
  readonly unknowns: readonly UnknownCheck[];
}

export interface ScanFinding {
  readonly severity: Severity;
  readonly enforcement: Enforcement;
  /** `Instance has 32 vCPUs, exceeds limit of 16`. */
  readonly message: string;
  readonly checks: readonly FailedCheck[];
  readonly action: Action;
  /** What the action needs: `{ targetType }` of a resize, `{ tags }` of a tag. */
  readonly parameters: ActionParameters;
  /** Null where the action saves nothing known. */
  readonly estimatedMonthlySavings: Decimal | null;
  /** First stage of the course in ms where the rule gives one. */
  readonly graceMs: number | null;
}

export interface ActionParameters {
  readonly targetType?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly missingTags?: readonly string[];
  readonly actOnManaged?: boolean;
}
