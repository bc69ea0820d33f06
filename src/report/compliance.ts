/** The compliance report. What is built here is the wire document itself, with the source document's own keys; the API only sends it. */
import type { Decimal, Severity } from '../policy/model.js';
import { multiply, roundMoney } from '../policy/money.js';
import type { ComplianceFacts, OpenViolation, PolicyTally, StoredScore, Violator } from './facts.js';
import { type Recommendation, recommendationsFor } from './recommendations.js';
import { iso, type ReportMetadata, toMetadata } from './scope.js';
import {
  changePercent,
  type Direction,
  directionOf,
  type Level,
  levelOf,
  percentOf,
  type ScoreTrend,
  scoreOf,
  scoreTrend,
} from './score.js';

export interface PolicyCompliance {
  readonly policy_name: string;
  readonly total_applicable: number;
  readonly compliant: number;
  readonly non_compliant: number;
  readonly excepted: number;
  readonly unknown: number;
  readonly compliance_rate: number;
  readonly violations: readonly {
    readonly resource_id: string;
    readonly resource_name: string | null;
    readonly rule_name: string;
    readonly message: string;
    readonly severity: Severity;
    readonly detected_at: string;
  }[];
}

export interface TeamCompliance {
  readonly team: string;
  readonly total_resources: number;
  /** Resources with open violations, as in the document. */
  readonly violations: number;
  readonly excepted: number;
  readonly open_violations: number;
  readonly compliance_score: number;
}

export interface CostImpact {
  readonly total_waste_to_date: Decimal;
  readonly potential_monthly_savings: Decimal;
  readonly potential_annual_savings: Decimal;
  readonly realised_monthly_savings: Decimal;
  readonly violation_count: number;
  readonly remediated_count: number;
  readonly violations_without_cost: number;
  readonly violations_without_savings: number;
  readonly currency: string;
}

export interface Trends {
  readonly current_period_violations: number;
  readonly previous_period_violations: number;
  readonly change_percent: number;
  readonly direction: Direction;
  readonly detected_in_period: number;
  readonly closed_in_period: number;
  readonly scores: readonly StoredScore[];
}

export interface ComplianceReport {
  readonly report_metadata: ReportMetadata;
  readonly overall_compliance: {
    readonly score: number;
    readonly level: Level;
    readonly trend: ScoreTrend;
    readonly total_resources: number;
    readonly compliant: number;
    readonly non_compliant: number;
    readonly exceptions: number;
  };
  readonly by_policy: readonly PolicyCompliance[];
  readonly by_team: readonly TeamCompliance[];
  readonly cost_impact: CostImpact;
  readonly trends: Trends;
  readonly top_violators: readonly {
    readonly resource_id: string;
    readonly resource_name: string | null;
    readonly resource_type: string;
    readonly provider: string;
    readonly account: string;
    readonly team: string;
    readonly owner: string | null;
    readonly violation_count: number;
    readonly policies: readonly string[];
    readonly total_cost_impact: Decimal | null;
  }[];
  readonly recommendations: readonly Recommendation[];
}

export function toComplianceReport(facts: ComplianceFacts): ComplianceReport {
  const byPolicy = byPolicyOf(facts);
  const costImpact = costImpactOf(facts);
  return {
    report_metadata: toMetadata(facts),
    overall_compliance: overallOf(facts),
    by_policy: byPolicy,
    by_team: byTeamOf(facts),
    cost_impact: costImpact,
    trends: trendsOf(facts),
    top_violators: facts.violators.map(toTopViolator),
    recommendations: recommendationsFor(byPolicy, costImpact),
  };
}

function overallOf({ overall, scoreAtStart }: ComplianceFacts): ComplianceReport['overall_compliance'] {
  const score = scoreOf(overall);
  return {
    score,
    level: levelOf(score),
    trend: scoreTrend(score, scoreAtStart),
    total_resources: overall.total,
    compliant: overall.total - overall.nonCompliant,
    non_compliant: overall.nonCompliant,
    exceptions: overall.excepted,
  };
}

/** Worst first. */
function byPolicyOf({ policies, violations }: ComplianceFacts): readonly PolicyCompliance[] {
  const samples = new Map<string, OpenViolation[]>(policies.map(({ policyName }) => [policyName, []]));
  for (const violation of violations) samples.get(violation.policyName)?.push(violation);
  return policies
    .map((policy) => toPolicyCompliance(policy, samples.get(policy.policyName) ?? []))
    .sort((a, b) => a.compliance_rate - b.compliance_rate || b.non_compliant - a.non_compliant || byText(a.policy_name, b.policy_name));
}

function toPolicyCompliance(policy: PolicyTally, violations: readonly OpenViolation[]): PolicyCompliance {
  const compliant = policy.total - policy.nonCompliant;
  return {
    policy_name: policy.policyName,
    total_applicable: policy.total,
    compliant,
    non_compliant: policy.nonCompliant,
    excepted: policy.excepted,
    unknown: policy.unknown,
    compliance_rate: percentOf(compliant, policy.total),
    violations: violations.map(({ resourceId, resourceName, ruleName, message, severity, detectedAt }) => ({
      resource_id: resourceId,
      resource_name: resourceName,
      rule_name: ruleName,
      message,
      severity,
      detected_at: iso(detectedAt),
    })),
  };
}

/** Worst first. */
function byTeamOf({ teams }: ComplianceFacts): readonly TeamCompliance[] {
  return teams
    .map((team) => ({
      team: team.team,
      total_resources: team.total,
      violations: team.nonCompliant,
      excepted: team.excepted,
      open_violations: team.openViolations,
      compliance_score: scoreOf(team),
    }))
    .sort((a, b) => a.compliance_score - b.compliance_score || b.violations - a.violations || byText(a.team, b.team));
}

function costImpactOf({ cost, currency }: ComplianceFacts): CostImpact {
  return {
    total_waste_to_date: roundMoney(cost.wasteToDate),
    potential_monthly_savings: roundMoney(cost.potentialMonthlySavings),
    potential_annual_savings: roundMoney(multiply(cost.potentialMonthlySavings, '12')),
    realised_monthly_savings: roundMoney(cost.realisedMonthlySavings),
    violation_count: cost.openViolations,
    remediated_count: cost.remediatedViolations,
    violations_without_cost: cost.withoutCost,
    violations_without_savings: cost.withoutSavings,
    currency,
  };
}

function trendsOf({ trends, scores }: ComplianceFacts): Trends {
  const percent = changePercent(trends.current, trends.previous);
  return {
    current_period_violations: trends.current,
    previous_period_violations: trends.previous,
    change_percent: percent,
    direction: directionOf(percent),
    detected_in_period: trends.detected,
    closed_in_period: trends.closed,
    scores,
  };
}

function toTopViolator(violator: Violator): ComplianceReport['top_violators'][number] {
  return {
    resource_id: violator.resourceId,
    resource_name: violator.resourceName,
    resource_type: violator.resourceType,
    provider: violator.provider,
    account: violator.account,
    team: violator.team,
    owner: violator.owner,
    violation_count: violator.violations,
    policies: violator.policies,
    total_cost_impact: violator.monthlySavings === null ? null : roundMoney(violator.monthlySavings),
  };
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
