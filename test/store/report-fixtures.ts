/** A small inventory, as rows, for report tests. */
import { newId } from '../../src/ids.js';
import type { Db } from '../../src/store/db.js';
import { AT, timestamp } from './fixtures.js';

export interface ResourceGiven {
  readonly id: string;
  readonly team?: string;
  readonly account?: string;
  readonly region?: string | null;
  readonly type?: string;
  readonly monthlyCost?: string | null;
  readonly applicable?: readonly number[];
  readonly unknown?: readonly number[];
  readonly gone?: boolean;
}

export async function insertResource(db: Db, given: ResourceGiven): Promise<void> {
  await db.query(
    `insert into resources (provider, account, type, id, name, region, tags, specs, monthly_cost, cost_source, team, applicable_policies,
       unknown_policies, first_seen_at, last_seen_at, last_scan_id, gone_at)
     values ('simulated', $1, $2, $3, 'name of ' || $3, $4, '{}', '{}', $5, 'price-list', $6, $7, $8, $9, $9, 'scan_1', $10)`,
    [
      given.account ?? 'a1',
      given.type ?? 'compute/instance',
      given.id,
      given.region === undefined ? 'us-east-1' : given.region,
      given.monthlyCost ?? null,
      given.team ?? 'red',
      given.applicable ?? [],
      given.unknown ?? [],
      timestamp(AT),
      given.gone === true ? timestamp(AT) : null,
    ],
  );
}

export interface ViolationGiven {
  readonly resource: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly status?: 'open' | 'excepted' | 'resolved' | 'remediated' | 'closed';
  readonly account?: string;
  readonly region?: string;
  readonly team?: string;
  readonly type?: string;
  readonly severity?: string;
  readonly enforcement?: string;
  readonly detectedAt?: number;
  readonly closedAt?: number;
  readonly hourlyCost?: string | null;
  readonly savings?: string | null;
  readonly exception?: string;
  readonly action?: string;
}

export async function insertViolation(db: Db, given: ViolationGiven): Promise<string> {
  const id = newId('vio');
  await db.query(
    `insert into violations (id, episode, status, provider, account, resource_type, resource_id, resource_name, region, tags, policy_name,
       policy_version, rule_name, severity, enforcement, message, checks, recommended_action, action_parameters, estimated_monthly_savings,
       hourly_cost, team, detected_at, last_seen_at, closed_at, exception_id)
     values ($1, 1, $2, 'simulated', $3, $4, $5, 'name of ' || $5, $6, '{}', $7, '1.0.0', $8, $9, $10, 'is wrong', '[]', $11, '{}', $12, $13, $14,
       $15, $15, $16, $17)`,
    [
      id,
      given.status ?? 'open',
      given.account ?? 'a1',
      given.type ?? 'compute/instance',
      given.resource,
      given.region ?? 'us-east-1',
      given.policy ?? 'size',
      given.rule ?? 'rule',
      given.severity ?? 'medium',
      given.enforcement ?? 'deny',
      given.action ?? 'stop',
      given.savings ?? null,
      given.hourlyCost ?? null,
      given.team ?? 'red',
      timestamp(given.detectedAt ?? AT),
      given.closedAt === undefined ? null : timestamp(given.closedAt),
      given.exception ?? null,
    ],
  );
  return id;
}
