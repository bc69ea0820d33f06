import { describe, expect, it } from 'vitest';
import { formatIssue } from '../../src/policy/issue.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { parsePolicyTest } from '../../src/policy/parse-policy-test.js';
import { type PolicyTestReport, runPolicyTests } from '../../src/policy/policy-test.js';

const { policies } = parsePolicies(
  `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: limits }
spec:
  type: ResourceLimit
  rules:
    - { name: size, resource: compute/*, constraint: { maxVCPUs: 4 } }
    - { name: disk, resource: storage/*, constraint: { maxSizeGB: 10 } }
`,
  'limits.yaml',
);

function run(text: string): PolicyTestReport {
  const { document, issues } = parsePolicyTest(text, 'limits.test.yaml');
  expect(issues.map(formatIssue)).toEqual([]);
  if (document === undefined) throw new Error('no document');
  return runPolicyTests(policies, document);
}

function messagesOf(cases: string): readonly string[] {
  return run(`cases:\n${cases}`).failures.map(({ message }) => message);
}

describe('a policy test', () => {
  it('fails when an expected violation does not come', () => {
    const cases = '- { note: a, resource: { type: compute/instance, specs: { vcpus: 4 } }, want: { size: violating } }';
    expect(messagesOf(cases)).toEqual(['limits/size: expected verdict "violating", got "compliant"']);
  });

  it('fails when a violation comes that nobody expected', () => {
    const cases = '- { note: a, resource: { type: compute/instance, specs: { vcpus: 5 } }, want: {} }';
    expect(messagesOf(cases)).toEqual(['limits/size: nothing expected, got violating: Requested 5 vCPUs exceeds limit of 4']);
  });

  it('fails when something turns out unknown that nobody expected', () => {
    const cases = '- { note: a, resource: { type: compute/instance }, want: {} }';
    expect(messagesOf(cases)).toEqual(['limits/size: nothing expected, got unknown: specs.vcpus not given']);
  });

  it('fails on each detail that differs', () => {
    const cases =
      '- { note: a, resource: { type: compute/instance, specs: { vcpus: 5 } }, want: { size: { severity: low, checks: {} } }, decision: allow }';
    expect(messagesOf(cases)).toEqual([
      'limits/size: expected severity "low", got "critical"',
      'limits/size: expected checks {}, got {"specs.vcpus":"Requested 5 vCPUs exceeds limit of 4"}',
      'expected decision allow, got deny',
    ]);
  });

  it('names the nearest rule when an expectation names none', () => {
    const cases = '- { note: a, resource: { type: storage/volume, specs: { size_gb: 1 } }, want: { sise: compliant } }';
    expect(messagesOf(cases)).toEqual(['no rule is called `sise`, did you mean size?']);
  });

  it('lists the rules that no case says anything about', () => {
    const report = run('cases: [{ note: a, resource: { type: compute/instance, specs: { vcpus: 4 } }, want: { limits/size: compliant } }]');
    expect(report).toEqual({ cases: 1, failures: [], unexercised: ['limits/disk'] });
  });

  it('refuses a type that there is none of, as the gate does', () => {
    const typed = (type: string) =>
      parsePolicyTest(`cases:\n  - { note: a, resource: { type: ${type} }, want: {} }\n`, 'limits.test.yaml').issues.map(
        ({ message }) => message,
      );
    expect(typed('compute/instnce')).toEqual(['unknown resource type `compute/instnce`, did you mean compute/instance?']);
    expect(typed('Lambda')).toEqual(['expected a resource type such as compute/instance or aws/sagemaker-endpoint, got `"Lambda"`']);
    expect(typed('aws/lambda')).toEqual([]);
  });

  it('refuses a case without `want`, and points at every problem of the file', () => {
    const { issues } = parsePolicyTest(
      'cases:\n  - { note: a, resource: { type: x/y, spec: {} } }\n  - { want: { size: maybe } }\n',
      't.yaml',
    );
    expect(issues.map(formatIssue)).toEqual([
      't.yaml:2:5 cases[0].want: required and missing, expected a mapping',
      't.yaml:2:39 cases[0].resource.spec: unknown key, did you mean specs?',
      't.yaml:3:5 cases[1].note: required and missing, expected text',
      't.yaml:3:5 cases[1].resource: required and missing, expected a mapping',
      't.yaml:3:21 cases[1].want.size: expected one of compliant, violating, not-applicable, unknown, error, got `"maybe"`',
    ]);
  });
});
