/** The executive report: the compliance report in short. The wire document itself, with the source document's own keys. */

import { DAY } from '../policy/durations.js';
import type { Decimal } from '../policy/model.js';
import type { ComplianceReport, CostImpact, TeamCompliance, Trends } from './compliance.js';
import type { Recommendation } from './recommendations.js';
import type { Period, ReportMetadata } from './scope.js';
import type { Level, ScoreTrend } from './score.js';

export interface ExecutiveReport {
  readonly report_metadata: ReportMetadata;
  readonly generated_at: string;
  readonly period_days: number;
  readonly summary: {
    readonly compliance_score: number;
    readonly compliance_level: Level;
    readonly compliance_trend: ScoreTrend;
    readonly total_resources: number;
    readonly non_compliant_resources: number;
    readonly active_exceptions: number;
    readonly potential_monthly_savings: Decimal;
    readonly currency: string;
  };
  readonly financial_impact: CostImpact;
  readonly top_issues: readonly { readonly policy: string; readonly compliance_rate: number; readonly non_compliant_count: number }[];
  readonly team_performance: readonly TeamCompliance[];
  readonly recommendations: readonly Recommendation[];
  readonly trends: Trends;
}

const ISSUES = 5;
const TEAMS = 10;

/** A policy that nothing violates is no issue, however few policies there are. */
export function toExecutiveReport(report: ComplianceReport, activeExceptions: number, period: Period): ExecutiveReport {
  const { overall_compliance: overall, cost_impact: cost } = report;
  return {
    report_metadata: report.report_metadata,
    generated_at: report.report_metadata.generated_at,
    period_days: (period.end - period.start) / DAY,
    summary: {
      compliance_score: overall.score,
      compliance_level: overall.level,
      compliance_trend: overall.trend,
      total_resources: overall.total_resources,
      non_compliant_resources: overall.non_compliant,
      active_exceptions: activeExceptions,
      potential_monthly_savings: cost.potential_monthly_savings,
      currency: cost.currency,
    },
    financial_impact: cost,
    top_issues: report.by_policy
      .filter((policy) => policy.non_compliant > 0)
      .slice(0, ISSUES)
      .map((policy) => ({
        policy: policy.policy_name,
        compliance_rate: policy.compliance_rate,
        non_compliant_count: policy.non_compliant,
      })),
    team_performance: report.by_team.slice(0, TEAMS),
    recommendations: report.recommendations,
    trends: report.trends,
  };
}
