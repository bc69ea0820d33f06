import { parsePolicies } from '../../src/policy/parse.js';

/** A small set for doors that speak other tools' protocols: what denies, what warns, what asks for approval. */
const TEXT = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: cluster-limits }
spec:
  type: ResourceLimit
  rules:
    - name: workload-size
      resource: kubernetes/*
      constraint: { maxVCPUs: 16, maxMemoryGB: 64 }
    - name: volume-size
      resource: storage/*
      constraint: { maxSizeGB: 500 }
    - name: many-replicas
      resource: kubernetes/deployment
      enforcement: warn
      constraint: { maxVCPUs: 8 }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: machine-limits }
spec:
  type: ResourceLimit
  rules:
    - name: size
      resource: compute/*
      constraint: { maxVCPUs: 16 }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: labels, namespace: production }
spec:
  type: TagRequirement
  rules:
    - name: team
      resource: kubernetes/*
      enforcement: warn
      requiredTags: [{ key: team }]
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: ask-first }
spec:
  type: ApprovalRequirement
  rules:
    - name: stateful
      when: { resource: [kubernetes/statefulset] }
      approvers: [finops]
`;

export function doorPolicies() {
  const { documents, issues } = parsePolicies(TEXT, 'doors.yaml');
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  return documents;
}
