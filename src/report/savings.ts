/** The savings report, as a wire document: what ending the open violations would save, and what the remediated ones do save. */
import type { Action, Decimal } from '../policy/model.js';
import { multiply, roundMoney, sum } from '../policy/money.js';
import { type ReportFrame, type ReportMetadata, toMetadata } from './scope.js';

export interface SavingsGroup {
  readonly policyName: string;
  readonly action: Action;
  readonly violations: number;
  /** How many of them have savings that are not known. */
  readonly withoutSavings: number;
  readonly monthly: Decimal;
}

export interface SavingsFacts extends ReportFrame {
  /** Of the open violations. */
  readonly potential: readonly SavingsGroup[];
  /** Of those remediated in the period. */
  readonly realised: readonly SavingsGroup[];
}

export interface SavingsSection {
  readonly monthly_savings: Decimal;
  readonly annual_savings: Decimal;
  readonly violations: number;
  readonly violations_without_savings: number;
  readonly by_policy: readonly {
    readonly policy_name: string;
    readonly action: Action;
    readonly violations: number;
    readonly monthly_savings: Decimal;
  }[];
}

export interface SavingsReport {
  readonly report_metadata: ReportMetadata;
  readonly potential: SavingsSection;
  readonly realised: SavingsSection;
}

export function toSavingsReport(facts: SavingsFacts): SavingsReport {
  return { report_metadata: toMetadata(facts), potential: toSection(facts.potential), realised: toSection(facts.realised) };
}

function toSection(groups: readonly SavingsGroup[]): SavingsSection {
  const monthly = sum(groups.map((group) => group.monthly));
  return {
    monthly_savings: roundMoney(monthly),
    annual_savings: roundMoney(multiply(monthly, '12')),
    violations: groups.reduce((total, group) => total + group.violations, 0),
    violations_without_savings: groups.reduce((total, group) => total + group.withoutSavings, 0),
    by_policy: groups.map(({ policyName, action, violations, monthly: amount }) => ({
      policy_name: policyName,
      action,
      violations,
      monthly_savings: roundMoney(amount),
    })),
  };
}
