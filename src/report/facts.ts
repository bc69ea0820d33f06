/** What the store counts for the compliance report, before it is shaped. */
import type { Decimal, Instant, Severity } from '../policy/model.js';
import type { ReportFrame } from './scope.js';
import type { Tally } from './score.js';

export interface PolicyTally extends Tally {
  readonly policyName: string;
  /** Resources of which it is not known whether they comply; not in `total`. */
  readonly unknown: number;
}

export interface TeamTally extends Tally {
  readonly team: string;
  readonly openViolations: number;
}

export interface OpenViolation {
  readonly policyName: string;
  readonly resourceId: string;
  readonly resourceName: string | null;
  readonly ruleName: string;
  readonly message: string;
  readonly severity: Severity;
  readonly detectedAt: Instant;
}

/** Exact sums over the open violations, unrounded; what a violation costs or saves and is not known is counted, not guessed. */
export interface CostFacts {
  readonly openViolations: number;
  /** Hourly cost × hours open. */
  readonly wasteToDate: Decimal;
  readonly potentialMonthlySavings: Decimal;
  readonly withoutCost: number;
  readonly withoutSavings: number;
  /** Monthly savings of the violations that were remediated in the period. */
  readonly realisedMonthlySavings: Decimal;
  readonly remediatedViolations: number;
}

export interface TrendFacts {
  /** Violations whose [detected, closed) touches the period, and the one of equal length before it. */
  readonly current: number;
  readonly previous: number;
  /** Detected and closed within the period. */
  readonly detected: number;
  readonly closed: number;
}

export interface Violator {
  readonly provider: string;
  readonly account: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly resourceName: string | null;
  readonly team: string;
  readonly owner: string | null;
  readonly violations: number;
  readonly policies: readonly string[];
  /** Null when none of its savings is known. */
  readonly monthlySavings: Decimal | null;
}

export interface StoredScore {
  /** `2026-11-22`, UTC. */
  readonly day: string;
  readonly score: number;
}

export interface ComplianceFacts extends ReportFrame {
  readonly overall: Tally;
  /** As stored on the period's first day, or the last time before; null without one. */
  readonly scoreAtStart: number | null;
  readonly scores: readonly StoredScore[];
  readonly policies: readonly PolicyTally[];
  /** The first few of each policy. */
  readonly violations: readonly OpenViolation[];
  readonly teams: readonly TeamTally[];
  readonly cost: CostFacts;
  readonly trends: TrendFacts;
  readonly violators: readonly Violator[];
}
