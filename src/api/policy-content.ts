import { TollgateError } from '../errors.js';
import { formatIssue, type Issue } from '../policy/issue.js';
import type { Policy } from '../policy/model.js';
import { parsePolicies, parsePolicyContent } from '../policy/parse.js';

type Content = { readonly [key: string]: unknown };

/** One policy of a body: its document as JSON, and its name. @throws invalid-policy with every problem, with lines for YAML */
export function readPolicyContent(given: string | Content): { readonly name: string; readonly content: Content } {
  const { documents, issues } = parseGiven(given);
  if (issues.length > 0) throw invalidPolicy(issues);
  const [first, second] = documents;
  if (first === undefined || second !== undefined) {
    throw new TollgateError('invalid-policy', `expected one policy document, got ${documents.length}`);
  }
  return { name: first.policy.name, content: first.content };
}

export interface GivenPolicies {
  readonly documents: readonly { readonly policy: Policy; readonly content: Content }[];
  readonly issues: readonly Issue[];
}

/** YAML may hold several documents; JSON is one. */
export function parseGiven(given: string | Content): GivenPolicies {
  if (typeof given === 'string') {
    const { documents, issues } = parsePolicies(given, null);
    return { documents: documents.map(({ policy, content }) => ({ policy, content: content as Content })), issues };
  }
  const { policy, issues } = parsePolicyContent(given);
  return { documents: policy === undefined ? [] : [{ policy, content: given }], issues };
}

function invalidPolicy(issues: readonly Issue[]): TollgateError {
  const count = `${issues.length} problem${issues.length === 1 ? '' : 's'} in the policy`;
  return new TollgateError('invalid-policy', count, { problems: issues.map(toProblem) });
}

/** The path is that of the document; a place in YAML goes before the message. */
export function toProblem(issue: Issue): { readonly path: string; readonly message: string } {
  return { path: issue.path, message: formatIssue({ ...issue, path: '' }) };
}
