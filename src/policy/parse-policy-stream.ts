/** One YAML text in which policies and tests of them follow each other: the kinds told apart, as the names of files tell them in a folder. */
import type { Issue } from './issue.js';
import type { Policy } from './model.js';
import { parsePolicies } from './parse.js';
import { type ParsedPolicyTest, parsePolicyTest } from './parse-policy-test.js';
import { MAX_DOCUMENTS, readYaml } from './parse-yaml.js';

export interface ParsedPolicyStream {
  readonly policies: readonly Policy[];
  /** Those without a problem. */
  readonly tests: readonly Required<Omit<ParsedPolicyTest, 'issues'>>[];
  readonly issues: readonly Issue[];
}

/** No document of YAML has such a line within it. */
const DOCUMENT_START = /^(?=---(?:\s|$))/m;

export function parsePolicyStream(text: string): ParsedPolicyStream {
  const parts = text.split(DOCUMENT_START);
  // The parser of policies says that these are too many.
  const kinds = parts.length > MAX_DOCUMENTS + 1 ? parts.map(() => 'policy') : parts.map(kindOf);
  const ofPolicies = parts.map((part, index) => (kinds[index] === 'policy' ? part : part.replaceAll(/[^\n]+/g, ''))).join('');
  const given = kinds.includes('policy') ? parsePolicies(ofPolicies, null) : { policies: [], issues: [] };
  let line = 0;
  const tests = parts.flatMap((part, index) => {
    const before = line;
    line += part.split('\n').length - 1;
    return kinds[index] === 'test' ? [parseTestAt(part, before)] : [];
  });
  return {
    policies: given.policies,
    tests: tests.flatMap(({ document, policies }) => (document === undefined ? [] : [{ document, policies }])),
    issues: [...given.issues, ...tests.flatMap(({ issues }) => issues)],
  };
}

/** A test is what has `cases`; what is no YAML is for the parser of policies to refuse. */
function kindOf(part: string): 'policy' | 'test' | 'nothing' {
  const { documents, issues } = readYaml(part, null);
  const content = documents[0]?.content;
  if (content === undefined && issues.length === 0) return 'nothing';
  return typeof content === 'object' && content !== null && 'cases' in content ? 'test' : 'policy';
}

/** @param before lines before the part */
function parseTestAt(part: string, before: number): ParsedPolicyTest {
  const parsed = parsePolicyTest(part, null);
  return { ...parsed, issues: parsed.issues.map((issue) => ({ ...issue, line: issue.line === null ? null : issue.line + before })) };
}
