import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { formatIssue, formatSnippet, nearestWord } from '../../src/policy/issue.js';
import { parsePolicies, parsePolicyContent, parsePolicyFiles } from '../../src/policy/parse.js';
import { policyJsonSchema } from '../../src/policy/schema.js';
import { readFolder } from './policy-files.js';

const HEAD = 'apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata:\n  name: limits\n';

function issuesOf(text: string): readonly string[] {
  return parsePolicies(text, 'policies/limits.yaml').issues.map(formatIssue);
}

/** The messages for one rule of a policy of `type`, in flow style. */
function ruleIssues(type: string, rule: string): readonly string[] {
  const { issues } = parsePolicies(`${HEAD}spec:\n  type: ${type}\n  rules:\n    - ${rule}\n`, null);
  return issues.map((issue) => `${issue.path.replace('spec.rules[0]', '')}: ${issue.message}`);
}

describe('parsing a policy', () => {
  it('tells every problem of a file at once, each with its place, in the order of the text', () => {
    const text = readFileSync('test/fixtures/wrong-limits.yaml', 'utf8');
    expect(issuesOf(text)).toEqual([
      'policies/limits.yaml:4:9 metadata.name: expected a name of lower-case letters, digits and hyphens, at most 63, with a letter or digit at both ends, got `"Limits"`',
      'policies/limits.yaml:5:3 metadata.lables: unknown key, did you mean labels?',
      'policies/limits.yaml:10:17 spec.rules[0].severity: expected one of critical, high, medium, low, got `"hihg"`, did you mean high?',
      'policies/limits.yaml:11:30 spec.rules[0].enforcement.deploy: expected one of deny, warn, audit, got `"no"`',
      'policies/limits.yaml:11:34 spec.rules[0].enforcement.scann: unknown key, did you mean scan?',
      'policies/limits.yaml:12:18 spec.rules[0].resource[0]: unknown resource type `compute/instances`, did you mean compute/instance?',
      'policies/limits.yaml:14:9 spec.rules[0].constraint.maxVCPU: unknown key, did you mean maxVCPUs?',
      'policies/limits.yaml:15:22 spec.rules[0].constraint.maxMemoryGB: expected a number above 0, got `-4`',
      'policies/limits.yaml:17:9 spec.rules[0].constraint.maxIops: duplicate key',
      'policies/limits.yaml:17:18 spec.rules[0].constraint.maxIops: expected a number, got `"many"`',
      'policies/limits.yaml:18:13 spec.rules[1].name: duplicate rule name `size`, entry 0 has it too',
      'policies/limits.yaml:19:19 spec.rules[1].constraint: expected at least one of maxVCPUs, maxMemoryGB, allowedInstanceFamilies, deniedInstanceFamilies, maxSizeGB, allowedTypes, deniedTypes, maxStorageGB, maxIops, maxBandwidthMbps, maxMonthlyCost',
    ]);
  });

  it.each([
    ['ResourceLimit', '{ name: a, constraint: { maxVCPUs: null } }', '.constraint.maxVCPUs: expected a number, got `null`'],
    ['ResourceLimit', '{ name: a }', '.constraint: required and missing, expected a mapping'],
    ['ResourceLimit', '{ constraint: { maxVCPUs: 1 } }', '.name: required and missing, expected text'],
    [
      'ResourceLimit',
      '{ name: a, constraint: { maxMonthlyCost: -1 } }',
      '.constraint.maxMonthlyCost: expected an amount of money that is not negative, as a number or as text such as "1234.50", got `-1`',
    ],
    [
      'ResourceLimit',
      '{ name: a, constraint: { allowedTypes: [] } }',
      '.constraint.allowedTypes: expected at least one entry, got an empty list',
    ],
    [
      'ResourceLimit',
      '{ name: a, constraint: { allowedTypes: [ssd], deniedTypes: [ssd] } }',
      '.constraint.deniedTypes[0]: `ssd` is in allowedTypes too',
    ],
    ['ResourceLimit', '{ name: a, resource: 7, constraint: { maxIops: 1 } }', '.resource: expected text or a list, got `7`'],
    [
      'ResourceLimit',
      '{ name: a, severity: 9, constraint: { maxIops: 1 } }',
      '.severity: expected critical or high or medium or low or a mapping, got `9`',
    ],
    [
      'ResourceLimit',
      '{ name: a, remediation: { grace: soon }, constraint: { maxIops: 1 } }',
      '.remediation.grace: expected a duration such as 7d, 24h, 30m or 90s, got `"soon"`',
    ],
    [
      'ResourceLimit',
      '{ name: a, remediation: { action: remove }, constraint: { maxIops: 1 } }',
      '.remediation.action: expected one of notify, tag, stop, resize, terminate, delete, got `"remove"`',
    ],
    ['TagRequirement', '{ name: a, requiredTags: [] }', '.requiredTags: expected at least one entry, got an empty list'],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, pattern: "(?=a)b" }] }',
      '.requiredTags[0].pattern: look-around is not supported, patterns are matched in linear time (RE2 syntax), got `"(?=a)b"`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, pattern: "(?<!a)b" }] }',
      '.requiredTags[0].pattern: look-around is not supported, patterns are matched in linear time (RE2 syntax), got `"(?<!a)b"`',
    ],
    [
      'TagRequirement',
      String.raw`{ name: a, requiredTags: [{ key: x, pattern: '(a)\1' }] }`,
      String.raw`.requiredTags[0].pattern: back-references are not supported, patterns are matched in linear time (RE2 syntax), got ` +
        '`"(a)\\\\1"`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, pattern: "[a" }] }',
      '.requiredTags[0].pattern: not a valid RE2 pattern: missing closing ]: `[a`, got `"[a"`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, pattern: "[ab]{900}[cd]{900}[ef]{900}" }] }',
      '.requiredTags[0].pattern: pattern is too large: 2702 steps, at most 2000, got `"[ab]{900}[cd]{900}[ef]{900}"`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, minLength: 5, maxLength: 4 }] }',
      '.requiredTags[0].minLength: expected at most maxLength 4, got `5`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x, minLength: -1 }] }',
      '.requiredTags[0].minLength: expected a number of at least 0, got `-1`',
    ],
    [
      'TagRequirement',
      '{ name: a, requiredTags: [{ key: x }, { key: x }] }',
      '.requiredTags[1].key: duplicate tag `x`, entry 0 has it too',
    ],
    ['BudgetLimit', '{ name: a, budget: { alertThresholds: [] } }', '.budget: expected at least one of monthly, quarterly, yearly'],
    [
      'BudgetLimit',
      '{ name: a, budget: { monthly: 1, alertThresholds: [{ percent: 50, action: notify, channels: ["#x"] }] } }',
      '.budget.alertThresholds[0].channels[0]: expected a channel: slack:#name, email:address or webhook:name, got `"#x"`',
    ],
    [
      'BudgetLimit',
      '{ name: a, budget: { monthly: 1, alertThresholds: [{ percent: 0, action: notify }] } }',
      '.budget.alertThresholds[0].percent: expected a number above 0, got `0`',
    ],
    [
      'ApprovalRequirement',
      '{ name: a, when: {}, approvers: [x] }',
      '.when: expected at least one of monthlyCostAbove, purchaseOption, regionsOutside, resource',
    ],
    [
      'Schedule',
      '{ name: a, timezone: "+01:00", running: [{ days: [mon], from: "08:00", to: "18:00" }] }',
      '.timezone: expected an IANA timezone such as Europe/Berlin, got `"+01:00"`',
    ],
    [
      'Schedule',
      '{ name: a, timezone: Europe/Berlinn, running: [{ days: [mon], from: "08:00", to: "18:00" }] }',
      '.timezone: expected an IANA timezone such as Europe/Berlin, got `"Europe/Berlinn"`',
    ],
    [
      'Schedule',
      '{ name: a, timezone: UTC, running: [{ days: [mon], from: "25:00", to: "18:00" }] }',
      '.running[0].from: expected a time of day such as 08:00, got `"25:00"`',
    ],
    [
      'Schedule',
      '{ name: a, timezone: UTC, running: [{ days: [mon], from: "08:00", to: "08:00" }] }',
      '.running[0].to: expected another time than from, got `08:00` for both; a whole day is from 00:00 to 24:00',
    ],
    [
      'Schedule',
      '{ name: a, timezone: UTC, running: [{ days: [mon], from: "24:00", to: "08:00" }] }',
      '.running[0].from: expected a time of day such as 08:00, got `"24:00"`',
    ],
    ['BudgetLimit', '{ name: a, selector: {}, budget: { monthly: 1 } }', '.selector: expected at least one of tags, account, service'],
    [
      'BudgetLimit',
      '{ name: a, selector: { service: compute/instances }, budget: { monthly: 1 } }',
      '.selector.service: unknown resource type `compute/instances`, did you mean compute/instance?',
    ],
    [
      'BudgetLimit',
      '{ name: a, selector: { acount: "1" }, budget: { monthly: 1 } }',
      '.selector.acount: unknown key, did you mean account?',
    ],
    [
      'ResourceLimit',
      '{ name: a, selector: { tags: { t: a }, account: "1" }, constraint: { maxIops: 1 } }',
      '.selector.account: unknown key, known are tags',
    ],
    ['Utilization', '{ name: a, period: 7d }', ': expected at least one of avgCpuBelowPercent, avgNetworkBelowBytesPerDay'],
    ['Utilization', '{ name: a, period: 7d, avgCpuBelowPercent: 101 }', '.avgCpuBelowPercent: expected a number of at most 100, got `101`'],
    ['Orphan', '{ name: a, unattachedDays: 1.5 }', '.unattachedDays: expected a whole number, got `1.5`'],
  ])('%s %s is refused', (type, rule, message) => expect(ruleIssues(type, rule)).toEqual([message]));

  it.each([
    ['', 'policies/limits.yaml:1:1 no policy in it'],
    ['---\n---\n', 'policies/limits.yaml:1:1 no policy in it'],
    ['a: [', 'policies/limits.yaml:1:5 not valid YAML: unexpected end of the stream within a flow collection'],
    ['a: 1\n---\nb: *q', 'policies/limits.yaml:3:5 not valid YAML: unidentified alias "q"'],
    ['5', 'policies/limits.yaml:1:1 expected a mapping, got `5`'],
    ['a: &x [*x]', 'policies/limits.yaml:1:9 a[0]: an alias within what is itself aliased is not supported'],
    ['a: &a [1]\nb: &b [*a, *a]\n', 'policies/limits.yaml:2:9 b[0]: an alias within what is itself aliased is not supported'],
    [`a: &a 1\nb: [${'*a,'.repeat(200)}]`, 'policies/limits.yaml:2:306 not valid YAML: aliases exceeded maxAliases (100)'],
    [`a: ${'x'.repeat(1_000_001)}`, 'policies/limits.yaml:1:1 too long, at most 1000000 characters'],
  ])('refuses %.40j', (text, issue) => expect(issuesOf(text)[0]).toBe(issue));

  it('refuses rules that are missing or empty, an unknown type, and says which apiVersion it knows', () => {
    const text =
      'apiVersion: policy.oneuptime.com/v2\nkind: CostPolicy\nmetadata: { name: a }\nspec: { type: ResourceLimits, rules: [] }\n';
    expect(issuesOf(text)).toEqual([
      'policies/limits.yaml:1:13 apiVersion: unknown apiVersion, the only known one is policy.oneuptime.com/v1, got `"policy.oneuptime.com/v2"`',
      'policies/limits.yaml:4:15 spec.type: expected one of ResourceLimit, TagRequirement, BudgetLimit, ApprovalRequirement, Schedule, Utilization, Orphan, got `"ResourceLimits"`, did you mean ResourceLimit?',
      'policies/limits.yaml:4:38 spec.rules: expected at least one entry, got an empty list',
    ]);
    expect(issuesOf(`${HEAD}spec: { type: Orphan, rules: [] }`)).toEqual([
      'policies/limits.yaml:5:30 spec.rules: expected at least one entry, got an empty list',
    ]);
  });

  it('reads several documents of one file, and keeps those without a problem', () => {
    const orphan = (name: string): string =>
      `apiVersion: policy.oneuptime.com/v1\nkind: CostPolicy\nmetadata: { name: ${name} }\nspec: { type: Orphan, rules: [{ name: a, unattachedDays: 1 }] }\n`;
    const parsed = parsePolicies([orphan('a'), orphan('B'), orphan('c')].join('---\n'), 'three.yaml');
    expect(parsed.policies.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(parsed.issues.map(({ line }) => line)).toEqual([8]);
    const twice = parsePolicyFiles([
      { file: 'one.yaml', text: orphan('a') },
      { file: 'two.yaml', text: orphan('a') },
    ]);
    expect(twice.policies).toHaveLength(1);
    expect(twice.issues.map(formatIssue)).toEqual(['two.yaml:3:19 metadata.name: duplicate policy name `a`, first at one.yaml:3:19']);
  });

  it('checks each of the values that a key is given', () => {
    const rule = (constraint: string) => `${HEAD}spec:\n  type: ResourceLimit\n  rules:\n    - name: a\n      constraint:\n${constraint}`;
    const told = (constraint: string) =>
      issuesOf(rule(constraint)).map((issue) => issue.replace('policies/limits.yaml:', '').replace(/spec\S+\./, ''));
    expect(told('        maxMemoryGB: -4\n        maxMemoryGB: 8\n')).toEqual([
      '10:22 maxMemoryGB: expected a number above 0, got `-4`',
      '11:9 maxMemoryGB: duplicate key',
    ]);
    expect(told('        maxMemoryGB: 8\n        maxMemoryGB: -4\n        maxVCPUs: no\n')).toEqual([
      '11:9 maxMemoryGB: duplicate key',
      '11:22 maxMemoryGB: expected a number above 0, got `-4`',
      '12:19 maxVCPUs: expected a number, got `"no"`',
    ]);
    expect(told('        maxIops: &x 1\n        maxMemoryGB: 8\n        maxMemoryGB: &y 4\n        maxVCPUs: *y\n')).toEqual([
      '12:9 maxMemoryGB: duplicate key',
    ]);
  });

  it('tells of aliases within aliases once', () => {
    const levels = Array.from({ length: 20 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`);
    expect(issuesOf(['l0: &l0 [1]', ...levels].join('\n'))).toEqual([
      'policies/limits.yaml:2:11 l1[0]: an alias within what is itself aliased is not supported',
    ]);
  });

  it('checks the rules of a mistyped type by the one that was meant', () => {
    expect(ruleIssues('ResourceLimt', '{ name: a, constraint: { maxVCPU: 4, maxMemoryGB: -1 } }')).toEqual([
      'spec.type: expected one of ResourceLimit, TagRequirement, BudgetLimit, ApprovalRequirement, Schedule, Utilization, Orphan, got `"ResourceLimt"`, did you mean ResourceLimit?',
      '.constraint.maxVCPU: unknown key, did you mean maxVCPUs?',
      '.constraint.maxMemoryGB: expected a number above 0, got `-1`',
    ]);
    expect(ruleIssues('Utilisation', '{ name: a, period: 7d }')).toEqual([
      expect.stringContaining('did you mean Utilization?'),
      ': expected at least one of avgCpuBelowPercent, avgNetworkBelowBytesPerDay',
    ]);
    expect(ruleIssues('Nothing', '{ name: 7 }')).toHaveLength(1);
  });

  it('takes repeated lines through an alias', () => {
    const text = `${HEAD}spec:\n  type: ResourceLimit\n  rules:\n    - { name: a, constraint: &c { maxVCPUs: 4 } }\n    - { name: b, constraint: *c }\n`;
    expect(parsePolicies(text, null).policies[0]?.rules).toHaveLength(2);
  });

  it('judges JSON content by the same rules, with paths and without lines', () => {
    const content = {
      apiVersion: 'policy.oneuptime.com/v1',
      kind: 'CostPolicy',
      metadata: { name: 'a' },
      spec: { type: 'Orphan', rules: [{ name: 'r', unattachedDays: '7' }] },
    };
    expect(parsePolicyContent(content).issues.map(formatIssue)).toEqual(['spec.rules[0].unattachedDays: expected a number, got `"7"`']);
    expect(parsePolicyContent(undefined).issues.map(formatIssue)).toEqual(['required and missing, expected a mapping']);
  });

  it('gives the same policy from a file and from its content', () => {
    for (const { file, text } of readFolder('policies', '.yaml').filter((one) => !one.file.endsWith('.test.yaml'))) {
      const [document] = parsePolicies(text, file).documents;
      expect(parsePolicyContent(document?.content).policy).toEqual(document?.policy);
    }
  });
});

describe('a snippet', () => {
  const issue = (line: number | null, column: number | null) => ({ file: 'a.yaml', line, column, path: '', message: '' });

  it('shows the line with a mark under the column, over tabs too', () => {
    expect(formatSnippet('a: 1\nbb: [x]\n', issue(2, 5))).toBe('2 | bb: [x]\n  |     ^');
    expect(formatSnippet('\tkey: 1', issue(1, 2))).toBe('1 | \tkey: 1\n  | \t^');
  });

  it('cuts a long line around the column, and is empty without a place', () => {
    const [line = '', mark = ''] = formatSnippet(`${'a'.repeat(500)}X${'b'.repeat(500)}`, issue(1, 501)).split('\n');
    expect(line.length).toBeLessThan(130);
    expect(line[mark.indexOf('^')]).toBe('X');
    expect(formatSnippet('a', issue(null, null))).toBe('');
    expect(formatSnippet('a', issue(7, 1))).toBe('');
  });
});

describe('the JSON Schema for editors', () => {
  const validate = new Ajv2020({ strict: false, formats: { date: true } }).compile(policyJsonSchema());

  it('lies beside the shipped policies, as `tollgate policy schema` prints it', () => {
    expect(readFileSync('policies/policy.schema.json', 'utf8')).toBe(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
  });

  it('is named by shipped policies at a path that is there', () => {
    const named = readFolder('policies', '.yaml').flatMap(({ text }) => /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? []);
    expect(new Set(named)).toEqual(new Set(['policy.schema.json']));
  });

  it('accepts every shipped policy', () => {
    for (const { text } of readFolder('policies', '.yaml').filter((one) => !one.file.endsWith('.test.yaml'))) {
      validate(load(text));
      expect(validate.errors ?? []).toEqual([]);
    }
  });

  it('refuses unknown keys, wrong types and unknown words', () => {
    expect(validate(load(readFileSync('test/fixtures/wrong-limits.yaml', 'utf8'), { json: true }))).toBe(false);
  });
});

describe('the nearest known word', () => {
  it.each([
    ['maxVCPU', 'maxVCPUs'],
    ['maxvcpus', 'maxVCPUs'],
    ['maxMemroyGB', 'maxMemoryGB'],
    ['colour', undefined],
    ['x'.repeat(65), undefined],
  ])('of %s is %s', (word, near) => expect(nearestWord(word, ['maxVCPUs', 'maxMemoryGB'])).toBe(near));
});
