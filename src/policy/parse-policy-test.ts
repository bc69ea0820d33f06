/** Policy test files in, test documents or every problem at once out. */
import { type Issue, tellIssues } from './issue.js';
import type { Policy } from './model.js';
import { parsePolicyContent } from './parse.js';
import { readYaml, type YamlDocument } from './parse-yaml.js';
import type { PolicyTestDocument } from './policy-test.js';
import { checkSchema } from './schema-issues.js';
import { policyTestSchema } from './schema-policy-test.js';

export interface ParsedPolicyTest {
  /** Undefined exactly when there are issues. */
  readonly document?: PolicyTestDocument;
  /** The policies that the file itself holds; empty when it tests the one beside it. */
  readonly policies: readonly Policy[];
  readonly issues: readonly Issue[];
}

function parseInline(
  contents: readonly unknown[],
  source: YamlDocument,
): { readonly policies: readonly Policy[]; readonly issues: readonly Issue[] } {
  const parsed = contents.map(parsePolicyContent);
  const issues = parsed.flatMap((one, index) =>
    one.issues.map((issue) =>
      source.issueAt(['policies', index], 'value', [issue.path, issue.message].filter((part) => part !== '').join(': ')),
    ),
  );
  return { policies: parsed.flatMap(({ policy }) => policy ?? []), issues: tellIssues(issues) };
}

/** Parses one test file, which holds one document. */
export function parsePolicyTest(text: string, file: string | null): ParsedPolicyTest {
  const { documents, issues } = readYaml(text, file);
  const source = documents[0];
  if (issues.length > 0) return { policies: [], issues: tellIssues(issues) };
  if (source === undefined || documents.length > 1) {
    return { policies: [], issues: [{ file, line: 1, column: 1, path: '', message: `expected one document, got ${documents.length}` }] };
  }
  const { value, findings } = checkSchema(policyTestSchema, source.content);
  if (value === undefined)
    return { policies: [], issues: tellIssues(findings.map(({ path, at, message }) => source.issueAt(path, at, message))) };
  const inline = parseInline(value.policies ?? [], source);
  return inline.issues.length > 0 ? inline : { document: value, ...inline };
}
