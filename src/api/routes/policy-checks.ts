import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { hintsFor } from '../../policy/hints.js';
import { parsePolicyTest } from '../../policy/parse-policy-test.js';
import { runPolicyTests } from '../../policy/policy-test.js';
import { policyContent } from '../contract/policy.js';
import { text, wireObject } from '../contract/values.js';
import { parseGiven, toProblem } from '../policy-content.js';
import { defineRoute } from '../route.js';

const tag = 'Policies';
const problems = z.array(z.object({ path: z.string(), message: z.string() }));

const validation = z
  .object({
    valid: z.boolean(),
    policies: z.array(z.object({ name: z.string(), type: z.string(), rules: z.int() })),
    errors: problems,
    warnings: z.array(z.object({ policy_name: z.string(), rule_name: z.string(), message: z.string() })),
  })
  .meta({ id: 'PolicyValidation' });

const testReport = z
  .object({
    passed: z.boolean(),
    cases: z.int(),
    failures: z.array(z.object({ note: z.string(), message: z.string() })),
    unexercised: z.array(z.string()).meta({ description: 'Rules that no case says anything about' }),
  })
  .meta({ id: 'PolicyTestReport' });

/** Nothing of these is stored. */
export const policyChecks = [
  defineRoute('POST /v1/policies/validate', {
    summary: 'Check policy documents; an invalid one is an answer, not an error',
    tag,
    body: wireObject({ content: policyContent }),
    yaml: true,
    idempotencyKey: false,
    answers: { 200: { description: 'What is wrong, and what may not be meant', schema: validation } },
    async handle(_context, { body }) {
      const { documents, issues } = parseGiven(body.content);
      const warnings = documents.flatMap(({ policy }) =>
        hintsFor(policy).map(({ ruleName, message }) => ({ policy_name: policy.name, rule_name: ruleName, message })),
      );
      const policies = documents.map(({ policy }) => ({ name: policy.name, type: policy.type, rules: policy.rules.length }));
      return { status: 200, body: { valid: issues.length === 0, policies, errors: issues.map(toProblem), warnings } };
    },
  }),
  defineRoute('POST /v1/policies/test', {
    summary: 'Run a policy test file',
    tag,
    body: wireObject({ content: policyContent.optional(), test: text(500_000) }).meta({
      description: '`test` is the test file as YAML; `content` the policy, unless the file holds it',
    }),
    idempotencyKey: false,
    answers: { 200: { description: 'What failed', schema: testReport } },
    async handle(context, { body }) {
      const given = body.content === undefined ? { documents: [], issues: [] } : parseGiven(body.content);
      const test = parsePolicyTest(body.test, null);
      const issues = [...given.issues.map((issue) => at('content', issue)), ...test.issues.map((issue) => at('test', issue))];
      if (issues.length > 0 || test.document === undefined) {
        throw new TollgateError('invalid-input', `${issues.length} problems in the policy or its test`, { problems: issues });
      }
      const tested = [...given.documents.map(({ policy }) => policy), ...test.policies];
      if (tested.length === 0) {
        throw new TollgateError('invalid-input', 'no policy to test', {
          problems: [{ path: 'content', message: 'expected a policy, here or in the test file' }],
        });
      }
      const { cases, failures, unexercised } = runPolicyTests(tested, test.document, context.lookup);
      return { status: 200, body: { passed: failures.length === 0, cases, failures, unexercised } };
    },
  }),
];

function at(part: string, issue: Parameters<typeof toProblem>[0]): { readonly path: string; readonly message: string } {
  const { path, message } = toProblem(issue);
  return { path: path === '' ? part : `${part}: ${path}`, message };
}
