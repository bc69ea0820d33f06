import { type CompiledPolicies, compilePolicies } from '../../src/policy/compile.js';
import { formatIssue } from '../../src/policy/issue.js';
import type { Policy, Resource } from '../../src/policy/model.js';
import { parsePolicies, parsePolicyFiles } from '../../src/policy/parse.js';
import type { ExceptionRecord } from '../../src/policy/records.js';
import { readFolder } from './policy-files.js';

/** An instance that every shipped policy is content with; give what differs. */
export function resource(differing: Partial<Resource> = {}): Resource {
  return {
    id: 'i-1',
    type: 'compute/instance',
    name: 'web-1',
    provider: 'simulated',
    account: '111122223333',
    region: 'us-east-1',
    state: 'running',
    createdAt: 0,
    namespace: null,
    tags: { 'cost-center': 'CC-001235', environment: 'production', owner: 'dana@company.com', project: 'web' },
    specs: { vcpus: 8, memoryGb: 32, instanceFamily: 'general-purpose' },
    cost: { hourly: '0.384', monthly: '280.32', source: 'price-list' },
    metrics: { avgCpuPercent: 40, avgNetworkBytesPerDay: 5e9, days: 7 },
    attachedTo: null,
    detachedAt: null,
    managedBy: null,
    address: null,
    ...differing,
  };
}

/** An approved exception of `resource()` from the size limit; give what differs. */
export function exception(differing: Partial<ExceptionRecord> = {}): ExceptionRecord {
  return {
    id: 'exc_1',
    type: 'permanent',
    status: 'approved',
    target: { kind: 'resource', resourceId: 'i-1', account: '111122223333', resourceType: null },
    policyName: 'resource-limits',
    ruleName: 'max-instance-size',
    justification: 'test',
    durationMs: null,
    durationDays: null,
    conditions: {},
    caps: { money: null, uses: null },
    used: { money: '0', uses: 0 },
    reviewIntervalDays: 90,
    requestedBy: 'dana@company.com',
    requestedAt: 0,
    approvers: [],
    approvedBy: 'bob@company.com',
    approvedAt: 0,
    expiresAt: null,
    reviewDueAt: null,
    lastReviewedAt: null,
    closedReason: null,
    closedAt: null,
    comments: null,
    workflowId: 'exception/exc_1',
    ...differing,
  };
}

export function compile(policies: readonly Policy[]): CompiledPolicies {
  return compilePolicies(policies.map((policy) => ({ version: '1.0.0', policy })));
}

export function shippedPolicies(): readonly Policy[] {
  return parsePolicyFiles(readFolder('policies', '.yaml').filter(({ file }) => !file.endsWith('.test.yaml'))).policies;
}

/** Policies of `type` with these rules, in YAML flow style; throws on any issue. */
export function policyOf(type: string, rules: string, name = 'policy'): Policy {
  const text = `apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata: { name: ${name} }\nspec: { type: ${type}, rules: ${rules} }\n`;
  const { policies, issues } = parsePolicies(text, null);
  const [policy] = policies;
  if (policy === undefined) throw new Error(issues.map(formatIssue).join('\n'));
  return policy;
}
