import { describe, expect, it } from 'vitest';
import { evaluateRequest, evaluateResource } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Policy, Resource } from '../../src/policy/model.js';
import { parsePolicyContent } from '../../src/policy/parse.js';
import { compile, policyOf, resource, shippedPolicies } from './samples.js';

const AT = Date.UTC(2026, 0, 15);
const shipped = compile(shippedPolicies());

function decide(policy: Policy, differing: Partial<Resource>): string {
  return evaluateRequest(compile([policy]), NO_EXCEPTIONS, { resources: [resource(differing)] }, AT).decision;
}

/** Where the sample code of the document is wrong, by its number in the specification (§14). */
describe('the sample code is corrected:', () => {
  it('1. type and rules are read under spec, and refused at the top', () => {
    const content = { apiVersion: 'policy.oneuptime.com/v1', kind: 'CostPolicy', metadata: { name: 'a' }, type: 'Orphan', rules: [] };
    expect(parsePolicyContent(content).issues.map(({ path }) => path)).toEqual(['spec', 'type', 'rules']);
    expect(shipped.rules.map(({ type }) => type)).toContain('ResourceLimit');
  });

  it('2. every constraint in the YAML is checked', () => {
    const limit = (constraint: string): Policy => policyOf('ResourceLimit', `[{ name: a, constraint: { ${constraint} } }]`);
    const volume: Partial<Resource> = { type: 'storage/volume', specs: { sizeGb: 11, volumeType: 'archive' } };
    const tag = (condition: string): Policy => policyOf('TagRequirement', `[{ name: a, requiredTags: [{ key: project, ${condition} }] }]`);
    expect(decide(limit('maxSizeGB: 10'), volume)).toBe('deny');
    expect(decide(limit('allowedTypes: [ssd]'), volume)).toBe('deny');
    expect(decide(limit('deniedTypes: [archive]'), volume)).toBe('deny');
    expect(decide(limit('allowedInstanceFamilies: [gpu]'), {})).toBe('deny');
    expect(decide(limit('maxStorageGB: 10'), { type: 'database/instance', specs: { storageGb: 11 } })).toBe('deny');
    expect(decide(tag('minLength: 4'), {})).toBe('deny');
    expect(decide(tag('maxLength: 2'), {})).toBe('deny');
  });

  it('2. enforcement is obeyed', () => {
    const rule = (enforcement: string): Policy =>
      policyOf('ResourceLimit', `[{ name: a, enforcement: ${enforcement}, constraint: { maxVCPUs: 4 } }]`);
    expect(decide(rule('deny'), {})).toBe('deny');
    expect(decide(rule('warn'), {})).toBe('warn');
    expect(decide(rule('audit'), {})).toBe('allow');
    expect(decide(rule('{ deploy: warn, scan: deny }'), {})).toBe('warn');
  });

  it('3. compute/* matches compute/instance and not computex/instance', () => {
    const policy = policyOf('TagRequirement', '[{ name: a, scope: [compute/*], requiredTags: [{ key: nobody-has-it }] }]');
    expect(decide(policy, { type: 'compute/instance' })).toBe('deny');
    expect(decide(policy, { type: 'computex/instance' })).toBe('allow');
    expect(decide(policy, { type: 'compute/instance/part' })).toBe('allow');
  });

  it('4. a missing spec is unknown: it neither counts as 0 nor passes', () => {
    const answer = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [resource({ specs: {} })] }, AT);
    expect(answer.decision).toBe('warn');
    expect(answer.unknowns.map(({ path, reason }) => [path, reason])).toEqual([
      ['specs.instance_family', 'not given'],
      ['specs.memory_gb', 'not given'],
      ['specs.vcpus', 'not given'],
    ]);
  });

  it('5. a violation that is not critical warns', () => {
    const rule = (severity: string): Policy =>
      policyOf('ResourceLimit', `[{ name: a, severity: ${severity}, constraint: { maxVCPUs: 4 } }]`);
    expect(['critical', 'high', 'medium', 'low'].map((severity) => decide(rule(severity), {}))).toEqual(['deny', 'warn', 'warn', 'warn']);
  });

  it('6. databases are judged at both points, and a budget whose state nobody knows is said to be unknown', () => {
    const database = resource({
      id: 'db-1',
      type: 'database/instance',
      specs: { vcpus: 9, storageGb: 501 },
      tags: { ...resource().tags, 'cost-center': 'CC-001234' },
    });
    const answer = evaluateRequest(shipped, NO_EXCEPTIONS, { resources: [database] }, AT);
    expect(answer.violations.map(({ message }) => message)).toEqual([
      'Requested 501GB storage exceeds limit of 500GB',
      'Requested 9 vCPUs exceeds limit of 8',
    ]);
    expect(answer.unknowns).toMatchObject([
      { policyName: 'team-budgets', ruleName: 'engineering-team-budget', reason: 'the state of the budget is not known', effect: 'warn' },
    ]);
    const found = evaluateResource(shipped, NO_EXCEPTIONS, database, AT).find(({ verdict }) => verdict === 'violating');
    expect(found?.finding?.message).toBe('Database has 501GB storage, exceeds limit of 500GB; Database has 9 vCPUs, exceeds limit of 8');
  });

  it('8. each kind of violation recommends its own action', () => {
    const action = (differing: Partial<Resource>): readonly unknown[] =>
      evaluateResource(shipped, NO_EXCEPTIONS, resource(differing), AT).flatMap(({ finding }) => finding?.action ?? []);
    const idle = { avgCpuPercent: 1, avgNetworkBytesPerDay: 1, days: 7 };
    expect(action({ metrics: idle })).toEqual(['stop']);
    expect(action({ tags: { environment: 'production' } })).toEqual(['tag']);
    expect(action({ type: 'storage/volume', specs: { sizeGb: 1, volumeType: 'ssd' }, detachedAt: 0 })).toEqual(['delete']);
  });

  it('9. a resize has its target, and tagging the tags that are missing', () => {
    const offers = [
      { instanceType: 'm5.8xlarge', instanceFamily: 'general-purpose', vcpus: 32, memoryGb: 128, arch: 'x86_64', hourly: '1.536' },
      { instanceType: 'm5.4xlarge', instanceFamily: 'general-purpose', vcpus: 16, memoryGb: 64, arch: 'x86_64', hourly: '0.768' },
    ];
    const found = resource({
      specs: { vcpus: 32, memoryGb: 128, instanceFamily: 'general-purpose', instanceType: 'm5.8xlarge' },
      tags: { environment: 'production', project: 'web' },
    });
    const verdicts = evaluateResource(shipped, NO_EXCEPTIONS, found, AT, { offers: () => offers });
    expect(verdicts.flatMap(({ finding }) => (finding === null ? [] : [[finding.action, finding.parameters]]))).toEqual([
      ['tag', { tags: {}, missingTags: ['cost-center', 'owner'] }],
      ['resize', { targetType: 'm5.4xlarge' }],
    ]);
  });
});
