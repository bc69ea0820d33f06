import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { hintsFor } from '../../policy/hints.js';
import type { Policy } from '../../policy/model.js';
import { type ParsedPolicyStream, parsePolicyStream } from '../../policy/parse-policy-stream.js';
import { parsePolicyTest } from '../../policy/parse-policy-test.js';
import { type PolicyTestDocument, type PolicyTestReport, runPolicyTests } from '../../policy/policy-test.js';
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

const testRequest = wireObject({ content: policyContent.optional(), test: text(500_000).optional() }).meta({
  description:
    '`test` is a test file as YAML. `content` is the policies, unless the test holds them; as YAML it may hold tests too: what has `cases`',
});

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
    summary: 'Run policy tests',
    tag,
    body: testRequest,
    yaml: true,
    idempotencyKey: false,
    answers: { 200: { description: 'What failed', schema: testReport } },
    async handle(context, { body }) {
      const runs = readTests(body).map(({ policies, document }) => ({ policies, ...runPolicyTests(policies, document, context.lookup) }));
      const failures = runs.flatMap((run) => run.failures);
      const cases = runs.reduce((total, run) => total + run.cases, 0);
      return { status: 200, body: { passed: failures.length === 0, cases, failures, unexercised: unexercisedBy(runs) } };
    },
  }),
];

interface Tested {
  readonly policies: readonly Policy[];
  readonly document: PolicyTestDocument;
}

/** Each test with the policies that are given, and with its own. @throws invalid-input with every problem of both */
function readTests({ content, test }: z.output<typeof testRequest>): readonly Tested[] {
  const given = readGiven(content);
  const file = test === undefined ? undefined : parsePolicyTest(test, null);
  const issues = [...given.issues.map((issue) => at('content', issue)), ...(file?.issues ?? []).map((issue) => at('test', issue))];
  if (issues.length > 0)
    throw new TollgateError('invalid-input', `${issues.length} problems in the policy or its test`, { problems: issues });
  const own = file?.document === undefined ? [] : [{ document: file.document, policies: file.policies }];
  const tests = [...given.tests, ...own].map((each) => ({ ...each, policies: [...given.policies, ...each.policies] }));
  if (tests.length === 0) throw missing('no test to run', 'test', 'expected a test, a document with `cases`, here or in `content`');
  if (tests.some(({ policies }) => policies.length === 0))
    throw missing('no policy to test', 'content', 'expected a policy, here or in the test file');
  return tests;
}

function readGiven(content: z.output<typeof testRequest>['content']): ParsedPolicyStream {
  if (typeof content === 'string') return parsePolicyStream(content);
  const { documents, issues } = content === undefined ? { documents: [], issues: [] } : parseGiven(content);
  return { policies: documents.map(({ policy }) => policy), tests: [], issues };
}

function missing(what: string, path: string, message: string): TollgateError {
  return new TollgateError('invalid-input', what, { problems: [{ path, message }] });
}

/** Rules that no test says anything about, of those that it was run with. */
function unexercisedBy(runs: readonly (Pick<Tested, 'policies'> & Pick<PolicyTestReport, 'unexercised'>)[]): readonly string[] {
  const exercised = runs.flatMap(({ policies, unexercised }) =>
    policies.flatMap(({ name, rules }) => rules.map((rule) => `${name}/${rule.name}`)).filter((rule) => !unexercised.includes(rule)),
  );
  const never = new Set(runs.flatMap(({ unexercised }) => unexercised));
  for (const rule of exercised) never.delete(rule);
  return [...never];
}

function at(part: string, issue: Parameters<typeof toProblem>[0]): { readonly path: string; readonly message: string } {
  const { path, message } = toProblem(issue);
  return { path: path === '' ? part : `${part}: ${path}`, message };
}
