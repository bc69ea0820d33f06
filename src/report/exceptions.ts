/** The exceptions report, as a wire document with the source document's own keys. */
import type { Decimal } from '../policy/model.js';
import { roundMoney } from '../policy/money.js';
import type { ExceptionRecord, ExceptionStatus, ExceptionType } from '../policy/records.js';
import { iso, type ReportFrame, type ReportMetadata, toMetadata } from './scope.js';

export interface ExceptionsFacts extends ReportFrame {
  /** Those that lived in the period, by the status that holds at its end. */
  readonly counts: readonly {
    readonly status: ExceptionStatus;
    readonly policyName: string;
    readonly type: ExceptionType;
    readonly count: number;
  }[];
  readonly expiringSoon: readonly ExceptionRecord[];
  readonly needingReview: readonly ExceptionRecord[];
  /** What the resources cost a month that violate by permission, each once, and what it would save to end their violations. */
  readonly monthlyCost: Decimal;
  readonly monthlySavings: Decimal;
  readonly resources: number;
  readonly resourcesWithoutCost: number;
}

export interface ListedException {
  readonly id: string;
  /** Null where the exception is for a planned resource or for all with certain tags. */
  readonly resource_id: string | null;
  readonly policy_name: string;
  readonly rule_name: string;
  readonly type: ExceptionType;
  readonly status: ExceptionStatus;
  readonly expires_at: string | null;
  readonly review_due_at: string | null;
  readonly requested_by: string;
  readonly approved_by: string | null;
}

export interface ExceptionsReport {
  readonly report_metadata: ReportMetadata;
  readonly generated_at: string;
  readonly total_exceptions: number;
  readonly by_status: Readonly<Partial<Record<ExceptionStatus, number>>>;
  readonly by_policy: Readonly<Record<string, number>>;
  readonly by_type: Readonly<Partial<Record<ExceptionType, number>>>;
  readonly expiring_soon: readonly ListedException[];
  readonly needing_review: readonly ListedException[];
  readonly cost_excepted: {
    readonly monthly_cost: Decimal;
    readonly monthly_savings_forgone: Decimal;
    readonly resources: number;
    readonly resources_without_cost: number;
    readonly currency: string;
  };
}

export function toExceptionsReport(facts: ExceptionsFacts): ExceptionsReport {
  return {
    report_metadata: toMetadata(facts),
    generated_at: iso(facts.period.end),
    total_exceptions: facts.counts.reduce((total, { count }) => total + count, 0),
    by_status: countBy(facts.counts, ({ status }) => status),
    by_policy: countBy(facts.counts, ({ policyName }) => policyName),
    by_type: countBy(facts.counts, ({ type }) => type),
    expiring_soon: facts.expiringSoon.map(toListed),
    needing_review: facts.needingReview.map(toListed),
    cost_excepted: {
      monthly_cost: roundMoney(facts.monthlyCost),
      monthly_savings_forgone: roundMoney(facts.monthlySavings),
      resources: facts.resources,
      resources_without_cost: facts.resourcesWithoutCost,
      currency: facts.currency,
    },
  };
}

type Count = ExceptionsFacts['counts'][number];

function countBy(counts: readonly Count[], keyOf: (count: Count) => string): Readonly<Record<string, number>> {
  const totals = new Map<string, number>();
  for (const count of counts) totals.set(keyOf(count), (totals.get(keyOf(count)) ?? 0) + count.count);
  return Object.fromEntries(totals);
}

function toListed(record: ExceptionRecord): ListedException {
  return {
    id: record.id,
    resource_id: record.target.kind === 'resource' ? record.target.resourceId : null,
    policy_name: record.policyName,
    rule_name: record.ruleName,
    type: record.type,
    status: record.status,
    expires_at: iso(record.expiresAt),
    review_due_at: iso(record.reviewDueAt),
    requested_by: record.requestedBy,
    approved_by: record.approvedBy,
  };
}
