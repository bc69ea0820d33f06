/** What to do next, from the figures of a report. */
import { compare, roundMoney } from '../policy/money.js';
import type { CostImpact, PolicyCompliance } from './compliance.js';

export interface Recommendation {
  readonly priority: 'high' | 'medium';
  readonly category: 'policy_compliance' | 'cost_optimization' | 'data_quality';
  readonly title: string;
  readonly description: string;
  readonly action: string;
}

/** The worst policies are named when they are below this rate; three at most. */
const POOR_RATE = 80;
const POLICIES_NAMED = 3;
/** In the installation's currency, a month. */
const NOTABLE_SAVINGS = '1000';

/** `policies` worst first. */
export function recommendationsFor(policies: readonly PolicyCompliance[], cost: CostImpact): readonly Recommendation[] {
  const poor = policies.slice(0, POLICIES_NAMED).filter((policy) => policy.compliance_rate < POOR_RATE);
  const unclear = policies.filter((policy) => policy.unknown > policy.total_applicable).slice(0, POLICIES_NAMED);
  const savings = compare(cost.potential_monthly_savings, NOTABLE_SAVINGS) > 0 ? [realiseSavings(cost)] : [];
  return [...poor.map(addressViolations), ...savings, ...unclear.map(collectData)];
}

function addressViolations({ policy_name, non_compliant, compliance_rate }: PolicyCompliance): Recommendation {
  return {
    priority: 'high',
    category: 'policy_compliance',
    title: `Address ${policy_name} violations`,
    description: `Policy ${policy_name} has ${non_compliant} non-compliant resources (${compliance_rate}% compliance)`,
    action: `Review and remediate violations for policy ${policy_name}`,
  };
}

function realiseSavings({ potential_monthly_savings, currency }: CostImpact): Recommendation {
  const amount = roundMoney(potential_monthly_savings, 0).replace(/\B(?=(\d{3})+$)/g, ',');
  return {
    priority: 'high',
    category: 'cost_optimization',
    title: 'Realize cost savings from compliance',
    description: `Addressing current violations could save ${amount} ${currency}/month`,
    action: 'Prioritize remediation of cost-impacting violations',
  };
}

function collectData({ policy_name, unknown, total_applicable }: PolicyCompliance): Recommendation {
  return {
    priority: 'medium',
    category: 'data_quality',
    title: `Find out what ${policy_name} cannot judge`,
    description: `Policy ${policy_name} could not judge ${unknown} resources and could judge ${total_applicable}`,
    action: `Give the resources what policy ${policy_name} asks about, such as tags, sizes or metrics`,
  };
}
