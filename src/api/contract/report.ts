/** Reports are built as wire documents in `src/report`; these schemas document them and say which query keys narrow them. */
import { z } from 'zod';
import { DAY, parseDuration } from '../../policy/durations.js';
import { ACTIONS, SEVERITIES } from '../../policy/model.js';
import { expecting } from '../input.js';
import { instant, policyName, text, wireObject } from './values.js';

const LONGEST_PERIOD = 366 * DAY;
const isPeriod = (word: string) => {
  const length = parseDuration(word);
  return length !== undefined && length > 0 && length <= LONGEST_PERIOD;
};

export const reportQuery = wireObject({
  period: expecting(
    'a length such as `30d`, at most 366 days',
    z
      .string()
      .max(20)
      .refine(isPeriod)
      .transform((word) => parseDuration(word) ?? 0),
  )
    .optional()
    .meta({ description: 'Ends now; 30 days by default' }),
  team: text(256).optional(),
  provider: text(64).optional(),
  account: text(128).optional(),
  region: text(64).optional(),
  policy: policyName.optional(),
});

const nullableText = z.string().nullable();
const count = z.int();
const level = z.enum(['compliant', 'partial', 'non_compliant']);

const metadata = z
  .object({
    generated_at: instant,
    period_start: instant,
    period_end: instant,
    scope: z.union([z.literal('all'), z.record(z.string(), z.unknown())]),
    currency: z.string(),
  })
  .meta({ id: 'ReportMetadata' });

const team = z
  .object({
    team: z.string(),
    total_resources: count,
    violations: count,
    excepted: count,
    open_violations: count,
    compliance_score: z.number(),
  })
  .meta({ id: 'TeamCompliance' });

const costImpact = z
  .object({
    total_waste_to_date: z.string(),
    potential_monthly_savings: z.string(),
    potential_annual_savings: z.string(),
    realised_monthly_savings: z.string(),
    violation_count: count,
    remediated_count: count,
    violations_without_cost: count,
    violations_without_savings: count,
    currency: z.string(),
  })
  .meta({ id: 'CostImpact' });

const trends = z
  .object({
    current_period_violations: count,
    previous_period_violations: count,
    change_percent: z.number(),
    direction: z.string(),
    detected_in_period: count,
    closed_in_period: count,
    scores: z.array(z.object({ day: z.string(), score: z.number() })),
  })
  .meta({ id: 'Trends' });

const recommendations = z.array(
  z
    .object({ priority: z.enum(['high', 'medium']), category: z.string(), title: z.string(), description: z.string(), action: z.string() })
    .meta({ id: 'Recommendation' }),
);

export const complianceReport = z
  .object({
    report_metadata: metadata,
    overall_compliance: z.object({
      score: z.number(),
      level,
      trend: z.enum(['up', 'down', 'stable']),
      total_resources: count,
      compliant: count,
      non_compliant: count,
      exceptions: count,
    }),
    by_policy: z.array(
      z.object({
        policy_name: z.string(),
        total_applicable: count,
        compliant: count,
        non_compliant: count,
        excepted: count,
        unknown: count,
        compliance_rate: z.number(),
        violations: z.array(
          z.object({
            resource_id: z.string(),
            resource_name: nullableText,
            rule_name: z.string(),
            message: z.string(),
            severity: z.enum(SEVERITIES),
            detected_at: instant,
          }),
        ),
      }),
    ),
    by_team: z.array(team),
    cost_impact: costImpact,
    trends,
    top_violators: z.array(
      z.object({
        resource_id: z.string(),
        resource_name: nullableText,
        resource_type: z.string(),
        provider: z.string(),
        account: z.string(),
        team: z.string(),
        owner: nullableText,
        violation_count: count,
        policies: z.array(z.string()),
        total_cost_impact: nullableText,
      }),
    ),
    recommendations,
  })
  .meta({ id: 'ComplianceReport' });

export const executiveReport = z
  .object({
    report_metadata: metadata,
    generated_at: instant,
    period_days: z.number(),
    summary: z.object({
      compliance_score: z.number(),
      compliance_level: level,
      compliance_trend: z.enum(['up', 'down', 'stable']),
      total_resources: count,
      non_compliant_resources: count,
      active_exceptions: count,
      potential_monthly_savings: z.string(),
      currency: z.string(),
    }),
    financial_impact: costImpact,
    top_issues: z.array(z.object({ policy: z.string(), compliance_rate: z.number(), non_compliant_count: count })),
    team_performance: z.array(team),
    recommendations,
    trends,
  })
  .meta({ id: 'ExecutiveReport' });

const listedExceptions = z.array(
  z
    .object({
      id: z.string(),
      resource_id: nullableText,
      policy_name: z.string(),
      rule_name: z.string(),
      type: z.string(),
      status: z.string(),
      expires_at: instant.nullable(),
      review_due_at: instant.nullable(),
      requested_by: z.string(),
      approved_by: nullableText,
    })
    .meta({ id: 'ListedException' }),
);

export const exceptionsReport = z
  .object({
    report_metadata: metadata,
    generated_at: instant,
    total_exceptions: count,
    by_status: z.record(z.string(), count),
    by_policy: z.record(z.string(), count),
    by_type: z.record(z.string(), count),
    expiring_soon: listedExceptions,
    needing_review: listedExceptions,
    cost_excepted: z.object({
      monthly_cost: z.string(),
      monthly_savings_forgone: z.string(),
      resources: count,
      resources_without_cost: count,
      currency: z.string(),
    }),
  })
  .meta({ id: 'ExceptionsReport' });

const savingsSection = z
  .object({
    monthly_savings: z.string(),
    annual_savings: z.string(),
    violations: count,
    violations_without_savings: count,
    by_policy: z.array(z.object({ policy_name: z.string(), action: z.enum(ACTIONS), violations: count, monthly_savings: z.string() })),
  })
  .meta({ id: 'SavingsSection' });

export const savingsReport = z
  .object({ report_metadata: metadata, potential: savingsSection, realised: savingsSection })
  .meta({ id: 'SavingsReport' });
