import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatIssue } from '../../src/policy/issue.js';
import { parsePolicies, parsePolicyFiles } from '../../src/policy/parse.js';
import { parsePolicyTest } from '../../src/policy/parse-policy-test.js';
import { runPolicyTests } from '../../src/policy/policy-test.js';
import { readFolder } from './policy-files.js';

const files = readFolder('policies', '.yaml').filter(({ file }) => !file.endsWith('.test.yaml'));

/** The fenced YAML blocks of a Markdown text that begin with the name of a file, by that name. */
function yamlBlocks(markdown: string): ReadonlyMap<string, string> {
  const blocks = [...markdown.matchAll(/```yaml\n(# (\S+\.yaml)\n[^]*?)```/g)];
  return new Map(blocks.map(([, block = '', name = '']) => [name, block]));
}

it('ships policies that parse without a problem, with names unique over all files', () => {
  const { policies, issues } = parsePolicyFiles(files);
  expect(issues.map(formatIssue)).toEqual([]);
  expect(policies.map((policy) => policy.name).sort()).toEqual([
    'idle-resource-detection',
    'mandatory-tags',
    'orphaned-resource-detection',
    'resource-limits',
    'team-budgets',
  ]);
});

it('ships the three policies of the document character for character', () => {
  const printed = yamlBlocks(readFileSync('test/fixtures/document-policies.md', 'utf8'));
  expect(printed.size).toBe(3);
  for (const [name, block] of printed) expect(readFileSync(`policies/${name}`, 'utf8')).toBe(block);
});

describe.each(files)('$file', ({ file, text }) => {
  it('has a test file beside it that passes and exercises every rule', () => {
    const testFile = file.replace(/\.yaml$/, '.test.yaml');
    const { document, issues } = parsePolicyTest(readFileSync(testFile, 'utf8'), testFile);
    expect(issues.map(formatIssue)).toEqual([]);
    if (document === undefined) return;
    const report = runPolicyTests(parsePolicies(text, file).policies, document);
    expect(report.failures).toEqual([]);
    expect(report.unexercised).toEqual([]);
  });
});
