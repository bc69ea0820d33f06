/** The vocabulary of the core: policies and resources. Types only; every other file of the house speaks in these words. */

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
