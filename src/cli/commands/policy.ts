import type { Command } from 'commander';
import { hintsFor } from '../../policy/hints.js';
import { formatIssue, formatSnippet, type Issue } from '../../policy/issue.js';
import type { TypeFacts } from '../../policy/known-specs.js';
import type { Policy } from '../../policy/model.js';
import { type PolicyFile, parsePolicyFiles } from '../../policy/parse.js';
import { parsePolicyTest } from '../../policy/parse-policy-test.js';
import { type PolicyTestReport, runPolicyTests } from '../../policy/policy-test.js';
import { policyJsonSchema } from '../../policy/schema.js';
import { type CliContext, CliError, type GlobalOptions } from '../context.js';
import { EXIT } from '../exit-code.js';
import { withExamples } from '../list-options.js';
import { countOf, printJson } from '../output.js';
import { policyFileOf, readPolicyTexts, readTestTexts, readText } from '../policy-files.js';
import { policyServerCommands } from './policy-server.js';

const HERE = ['policies'];

/** `tollgate policy …`: files first (no server needed), then the life of a policy on the server. */
export function policyCommand(program: Command, context: CliContext): void {
  const policy = program.command('policy').description('policies: files (validate, test, schema) and their life on the server');
  validateCommand(policy, context);
  testCommand(policy, context);
  schemaCommand(policy, context);
  policyServerCommands(policy, context);
}

function validateCommand(parent: Command, context: CliContext): void {
  const validate = parent
    .command('validate')
    .argument('[paths...]', 'policy files or folders of them', HERE)
    .description('say every error of policy files, with file, line and column; exit code 3 when there are any')
    .action(async (paths: readonly string[], _options: unknown, command: Command) => {
      const files = await readPolicyTexts(paths);
      if (files.length === 0) throw new CliError(`no policy file (*.yaml) in ${paths.join(', ')}`);
      const { policies, issues } = parsePolicyFiles(files);
      if (issues.length > 0) context.setExitCode(EXIT.policyInvalid);
      if (command.optsWithGlobals<GlobalOptions>().json === true)
        return printJson(context, { valid: issues.length === 0, files: files.length, policies: policies.length, issues });
      printIssues(context, issues, files);
      for (const policy of policies)
        for (const hint of hintsFor(policy)) context.err(`hint: ${policy.name}/${hint.ruleName}: ${hint.message}\n`);
      context.out(
        issues.length === 0
          ? `${countOf(policies.length, 'policy', 'policies')} in ${countOf(files.length, 'file')}, all valid\n`
          : `${countOf(issues.length, 'error')} in ${countOf(files.length, 'file')}\n`,
      );
    });
  withExamples(validate, 'tollgate policy validate policies', 'tollgate policy validate limits.yaml --json');
}

interface FileReport extends PolicyTestReport {
  readonly file: string;
}

function testCommand(parent: Command, context: CliContext): void {
  const test = parent
    .command('test')
    .argument('[paths...]', 'test files (*.test.yaml) or folders of them', HERE)
    .description('run the test files beside policies; exit code 2 when one fails, 3 when a file is not valid')
    .action(async (paths: readonly string[], _options: unknown, command: Command) => {
      const files = await readTestTexts(paths);
      if (files.length === 0) throw new CliError(`no test file (*.test.yaml) in ${paths.join(', ')}`);
      const { lookup } = await context.loadPrices();
      const reports = await Promise.all(files.map(({ file, text }) => testFile(file, text, lookup)));
      const failures = reports.reduce((sum, report) => sum + report.failures.length, 0);
      if (failures > 0) context.setExitCode(EXIT.denied);
      if (command.optsWithGlobals<GlobalOptions>().json === true) return printJson(context, { passed: failures === 0, files: reports });
      for (const report of reports) printReport(context, report);
      const cases = reports.reduce((sum, report) => sum + report.cases, 0);
      context.out(`${countOf(cases, 'case')} in ${countOf(reports.length, 'file')}, ${countOf(failures, 'failure')}\n`);
    });
  withExamples(test, 'tollgate policy test policies', 'tollgate policy test policies/limits.test.yaml');
}

/** A test file that holds no policies of its own tests the file beside it. */
async function testFile(file: string, text: string, facts: TypeFacts): Promise<FileReport> {
  const parsed = parsePolicyTest(text, file);
  if (parsed.document === undefined) throw invalid(parsed.issues);
  const policies = parsed.policies.length > 0 ? parsed.policies : await policiesBeside(file);
  return { file, ...runPolicyTests(policies, parsed.document, facts) };
}

async function policiesBeside(file: string): Promise<readonly Policy[]> {
  const policyFile = policyFileOf(file);
  const { policies, issues } = parsePolicyFiles([{ file: policyFile, text: await readText(policyFile) }]);
  if (issues.length > 0) throw invalid(issues);
  return policies;
}

function invalid(issues: readonly Issue[]): CliError {
  return new CliError(issues.map(formatIssue).join('\n'), EXIT.policyInvalid);
}

function printReport(context: CliContext, { file, failures, unexercised }: FileReport): void {
  for (const { note, message } of failures) context.out(`FAIL  ${file}: ${note}\n      ${message}\n`);
  for (const rule of unexercised) context.err(`${file}: no case exercises ${rule}\n`);
}

function printIssues(context: CliContext, issues: readonly Issue[], files: readonly PolicyFile[]): void {
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  for (const issue of issues) {
    const snippet = formatSnippet(texts.get(issue.file ?? '') ?? '', issue);
    context.err(`${formatIssue(issue)}\n${snippet.replace(/^/gm, '  ')}\n`);
  }
}

function schemaCommand(parent: Command, context: CliContext): void {
  const schema = parent
    .command('schema')
    .description('print the JSON Schema of policy files, for editors')
    .action(() => printJson(context, policyJsonSchema()));
  withExamples(schema, 'tollgate policy schema > policies/policy.schema.json');
}
