import { ROLES, type Role } from '../policy/house-records.js';

const everybody = ROLES;
const requesters = ['engineer', 'deployer'] as const;
const approvers = ['approver'] as const;
const operators = ['operator'] as const;
const administrators = ['admin'] as const;

/**
 * Who may call what (SPEC §12). `admin` may call every route and is not repeated; `public` needs no token. Being allowed to call a
 * deciding route is not enough to decide: the directory, or the policy's `submit`, must also name the principal, and nobody decides on their own request.
 */
export const PERMISSIONS = {
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /v1/openapi.json': 'public',

  'POST /v1/evaluate': requesters,
  'POST /v1/evaluate/terraform': requesters,
  'POST /v1/evaluate/infracost': requesters,
  'POST /v1/evaluate/cloudformation': requesters,
  'POST /v1/evaluate/pulumi': requesters,
  'POST /v1/admission': requesters,
  'POST /v1/admission/{cluster}': requesters,
  'POST /v1/data/{package}': requesters,
  'POST /v1/data/{package}/{rule}': requesters,
  // Without consequences, as every GET.
  'GET /v1/data/{package}': everybody,
  'GET /v1/data/{package}/{rule}': everybody,
  'POST /v0/data/{package}': requesters,
  'POST /v0/data/{package}/{rule}': requesters,
  // Its signature is its token.
  'POST /v1/run-tasks': 'public',
  'GET /v1/decisions': everybody,
  'GET /v1/decisions/{id}': everybody,
  'POST /v1/decisions/{id}/replay': ['engineer', 'deployer', 'approver', 'author', 'reviewer', 'operator'],

  'GET /v1/budgets': everybody,
  'GET /v1/budgets/{policy}/{rule}': everybody,
  'POST /v1/holds/{id}/commit': ['deployer'],
  'POST /v1/holds/{id}/release': ['deployer'],

  'POST /v1/scans': operators,
  'GET /v1/scans': everybody,
  'GET /v1/scans/{id}': everybody,
  'GET /v1/resources': everybody,
  'GET /v1/resources/{id}': everybody,
  'GET /v1/violations': everybody,
  'GET /v1/violations/{id}': everybody,
  'POST /v1/violations/{id}/exception': ['engineer'],

  'GET /v1/remediations': everybody,
  'GET /v1/remediations/{id}': everybody,
  'POST /v1/remediations/{id}/approve': operators,
  'POST /v1/remediations/{id}/postpone': operators,
  'POST /v1/remediations/{id}/cancel': operators,
  'POST /v1/remediations/{id}/retry': operators,
  'POST /v1/remediations/{id}/undo': operators,
  'GET /v1/enforcement': everybody,
  'POST /v1/enforcement/pause': operators,
  'POST /v1/enforcement/resume': operators,

  'POST /v1/exceptions': ['engineer'],
  'GET /v1/exceptions': everybody,
  'GET /v1/exceptions/{id}': everybody,
  'POST /v1/exceptions/{id}/approve': approvers,
  'POST /v1/exceptions/{id}/reject': approvers,
  // The requester withdraws what is pending; approvers end what is in force.
  'POST /v1/exceptions/{id}/revoke': ['engineer', 'approver', 'operator'],
  'POST /v1/exceptions/{id}/review': approvers,

  'GET /v1/approvals': everybody,
  'GET /v1/approvals/{id}': everybody,
  'POST /v1/approvals/{id}/approve': approvers,
  'POST /v1/approvals/{id}/reject': approvers,

  'POST /v1/policies': ['author'],
  'GET /v1/policies': everybody,
  'POST /v1/policies/validate': ['engineer', 'deployer', 'author', 'reviewer', 'operator'],
  'POST /v1/policies/test': ['engineer', 'deployer', 'author', 'reviewer', 'operator'],
  'GET /v1/policies/{name}': everybody,
  'GET /v1/policies/{name}/versions': everybody,
  'GET /v1/policies/{name}/diff': everybody,
  'POST /v1/policies/{name}/versions': ['author'],
  'POST /v1/policies/{name}/submit': ['author'],
  'POST /v1/policies/{name}/reviews': ['reviewer'],
  'POST /v1/policies/{name}/activate': operators,
  'POST /v1/policies/{name}/deprecate': operators,
  'POST /v1/policies/{name}/archive': operators,

  'GET /v1/reports/compliance': everybody,
  'GET /v1/reports/executive': everybody,
  'GET /v1/reports/exceptions': everybody,
  'GET /v1/reports/savings': everybody,

  'POST /v1/imports/focus': operators,
  'GET /v1/imports': everybody,
  'GET /v1/imports/{id}': everybody,

  'POST /v1/tokens': administrators,
  'GET /v1/tokens': administrators,
  'DELETE /v1/tokens/{id}': administrators,
  'GET /v1/audit': administrators,
  'GET /v1/audit/verify': administrators,

  // Only where the simulated cloud is configured.
  'GET /v1/simulated/faults': operators,
  'POST /v1/simulated/faults': operators,
  'DELETE /v1/simulated/faults': operators,
  'DELETE /v1/simulated/faults/{id}': operators,
  'GET /v1/simulated/settings': operators,
  'POST /v1/simulated/settings': operators,
  'GET /v1/simulated/calls': operators,
  'POST /v1/simulated/resources': operators,
  'POST /v1/simulated/resources/{account}/{family}/{kind}/{id}': operators,
  'DELETE /v1/simulated/resources/{account}/{family}/{kind}/{id}': operators,
} as const satisfies Record<`${Method} /${string}`, 'public' | readonly Role[]>;

export type Method = 'GET' | 'POST' | 'DELETE';
export type RouteName = keyof typeof PERMISSIONS;

export function mayCall(allowed: 'public' | readonly Role[], roles: readonly Role[]): boolean {
  return allowed === 'public' || roles.includes('admin') || roles.some((role) => allowed.includes(role));
}
