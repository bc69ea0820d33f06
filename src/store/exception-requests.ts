/** What a request for an exception is checked against: policies that enforce, resources that exist, people who may decide. */
import { type Problem, TollgateError } from '../errors.js';
import { newId } from '../ids.js';
import type { Directory } from '../policy/directory.js';
import { approversFor } from '../policy/exception.js';
import { type ExceptionRequest, pendingException, problemsOfRequest } from '../policy/exception-request.js';
import type { PolicyType } from '../policy/model.js';
import { parsePolicyContent } from '../policy/parse.js';
import type { ExceptionRecord, ExceptionTarget } from '../policy/records.js';
import type { Settings } from '../policy/settings.js';
import { type Db, toTimestamp } from './db.js';
import { getInstallation } from './installation.js';
import { findInventory, type IdOwner } from './inventory.js';
import type { PolicyContent } from './policies.js';

export interface RequestedBy {
  readonly principal: string;
  readonly at: number;
}

export interface RequestSettings {
  readonly directory: Directory;
  readonly settings: Settings;
}

/**
 * Checks a request and makes its pending record; nothing is stored.
 * @throws invalid-input with every problem; ambiguous when several accounts or types have a resource of that id
 */
export async function prepareException(
  db: Db,
  request: ExceptionRequest,
  by: RequestedBy,
  house: RequestSettings,
): Promise<ExceptionRecord> {
  const problems: Problem[] = [...problemsOfRequest(request, by.at)];
  const rule = await findRule(db, request.policyName, request.ruleName, 'active');
  if (typeof rule === 'string') problems.push({ path: rule === 'no-policy' ? 'policy_name' : 'rule_name', message: ABSENT[rule] });
  const target = await findTarget(db, request);
  if (target === null && request.resourceId !== null) problems.push({ path: 'resource_id', message: 'no such resource in the inventory' });
  if (problems.length > 0 || typeof rule === 'string' || target === null) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new TollgateError('invalid-input', `${count} in the request for an exception`, { problems });
  }
  const id = newId('exc');
  return pendingException(request, {
    id,
    workflowId: `exception/${id}`,
    target,
    requestedBy: by.principal,
    at: by.at,
    approvers: approversFor({ directory: house.directory, requester: by.principal, admins: await adminsAt(db, by.at), ...rule }),
    acceleration: (await getInstallation(db)).acceleration,
    settings: house.settings.exceptions,
  });
}

const ABSENT = { 'no-policy': 'no such policy enforces', 'no-rule': 'the policy has no such rule' } as const;

/** What of a rule decides who approves its exceptions. */
export interface RuleApproval {
  readonly policyType: PolicyType;
  readonly exceptionApprovers?: readonly string[];
}

/** Of the version that enforces; with `current`, of the current version where none does: a policy that has ended still has exceptions to decide. */
export async function findRule(
  db: Db,
  policyName: string,
  ruleName: string,
  version: 'active' | 'current',
): Promise<RuleApproval | 'no-policy' | 'no-rule'> {
  const { rows } = await db.query<{ content: PolicyContent }>(
    `select v.content from policies p join policy_versions v on v.policy_name = p.name
       and v.version = case when $2 then coalesce(p.active_version, p.current_version) else p.active_version end
     where p.name = $1`,
    [policyName, version === 'current'],
  );
  if (rows[0] === undefined) return 'no-policy';
  const { policy } = parsePolicyContent(rows[0].content);
  if (policy === undefined) throw new TollgateError('internal', `the stored content of policy \`${policyName}\` is not valid`);
  const rule = policy.rules.find(({ name }) => name === ruleName);
  if (rule === undefined) return 'no-rule';
  const { exceptionApprovers } = rule;
  return { policyType: policy.type, ...(exceptionApprovers === undefined ? {} : { exceptionApprovers }) };
}

async function findTarget(db: Db, request: ExceptionRequest): Promise<ExceptionTarget | null> {
  const { resourceId, account, resource, selector } = request;
  if (resourceId !== null) return findExisting(db, resourceId, { account: account ?? undefined, type: request.resourceType ?? undefined });
  if (resource !== null) {
    const { type, account: planned, namespace, name, address } = resource;
    return type === null || planned === null || namespace === null
      ? null
      : { kind: 'planned', type, account: planned, namespace, name, address };
  }
  return selector === null ? null : { kind: 'selector', tags: selector.tags, account };
}

async function findExisting(db: Db, resourceId: string, given: IdOwner): Promise<ExceptionTarget | null> {
  const found = await findInventory(db, resourceId, given);
  const owner = found?.resource.account ?? null;
  if (found === undefined || found.goneAt !== null || owner === null) return null;
  return { kind: 'resource', resourceId, account: owner, resourceType: found.resource.type };
}

/** Principals with a live token of role `admin`: who decides when nobody else is left. */
export async function adminsAt(db: Db, at: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ principal: string }>(
    `select distinct principal from tokens
     where 'admin' = any (roles) and revoked_at is null and (expires_at is null or expires_at > $1) order by principal`,
    [toTimestamp(at)],
  );
  return rows.map(({ principal }) => principal);
}
