import { describe, expect, it } from 'vitest';
import { formatIssue } from '../../src/policy/issue.js';
import { parsePolicyTest } from '../../src/policy/parse-policy-test.js';
import { runPolicyTests } from '../../src/policy/policy-test.js';
import { readFolder } from './policy-files.js';

describe.each(readFolder('test/cases', '.cases.yaml'))('$file', ({ file, text }) => {
  it('gives every verdict that it expects, and no other', () => {
    const { document, policies, issues } = parsePolicyTest(text, file);
    expect(issues.map(formatIssue)).toEqual([]);
    if (document === undefined) return;
    const report = runPolicyTests(policies, document);
    expect(report.failures).toEqual([]);
    expect(report.unexercised).toEqual([]);
  });
});
