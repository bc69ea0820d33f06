import { createHash } from 'node:crypto';
import { text as readAll } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { costOf, toPricedResources } from '../../api/contract/cost.js';
import { evaluateRequest as requestSchema, toWireDecision, type WireDecision } from '../../api/contract/evaluate.js';
import { parseParts } from '../../api/input.js';
import { TollgateError } from '../../errors.js';
import { canonicalJson } from '../../policy/canonical.js';
import { compilePolicies } from '../../policy/compile.js';
import { evaluateRequest } from '../../policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../policy/exception.js';
import { formatIssue } from '../../policy/issue.js';
import { parsePolicyFiles } from '../../policy/parse.js';
import type { ApiClient } from '../client.js';
import { type CliContext, CliError, invocationOf } from '../context.js';
import { EXIT } from '../exit-code.js';
import { withExamples } from '../list-options.js';
import { printJson } from '../output.js';
import { readPolicyTexts, readText } from '../policy-files.js';

type Judge = (request: unknown) => Promise<WireDecision>;

/** `tollgate evaluate FILE…`: would this be allowed? Exit code 2 when one is denied or needs approval. */
export function evaluateCommand(program: Command, context: CliContext): void {
  const evaluate = program
    .command('evaluate')
    .argument('<files...>', 'requests as JSON, one resource or `{ "resources": […] }`; - is standard input')
    .description('ask whether resources may be deployed; exit code 0 allowed, 2 denied')
    .option('--policies <dir>', 'judge here by the policy files of a folder, without a server: no exceptions, list prices')
    .addOption(new Option('--dry-run', 'ask the server without consequences').conflicts('policies'))
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const { options, api } = invocationOf<{ policies?: string; dryRun?: boolean }>(context, command);
      const judge = options.policies === undefined ? remoteJudge(api, options.dryRun) : await offlineJudge(context, options.policies);
      const decisions: WireDecision[] = [];
      for (const file of files) decisions.push(await judge(await readRequest(file)));
      if (decisions.some((decision) => !decision.allowed)) context.setExitCode(EXIT.denied);
      if (options.json === true) return printJson(context, decisions.length === 1 ? decisions[0] : decisions);
      for (const decision of decisions) printDecision(context, decision);
    });
  withExamples(
    evaluate,
    'tollgate evaluate web-1.json',
    'tollgate evaluate --policies policies web-1.json',
    'cat web-1.json | tollgate evaluate - --json',
  );
}

async function readRequest(file: string): Promise<unknown> {
  const text = file === '-' ? await readAll(process.stdin) : await readText(file);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CliError(`\`${file}\` is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function remoteJudge(api: ApiClient, dryRun: boolean | undefined): Judge {
  return async (request) => {
    const body = dryRun === true && typeof request === 'object' ? { ...request, dry_run: true } : request;
    return (await api.post('v1/evaluate', body)) as unknown as WireDecision;
  };
}

/** The built-in price list is in this currency. */
const CURRENCY = 'USD';

async function offlineJudge(context: CliContext, directory: string): Promise<Judge> {
  const { policies, issues } = parsePolicyFiles(await readPolicyTexts([directory]));
  if (issues.length > 0) throw new CliError(issues.map(formatIssue).join('\n'), EXIT.policyInvalid);
  const compiled = compilePolicies(policies.map((policy) => ({ version: 'file', policy })));
  const policySet = `sha256:${createHash('sha256').update(canonicalJson(policies)).digest('hex')}`;
  const { price, offers } = await context.loadPrices();
  return async (body) => {
    const resources = explained(() => toPricedResources(parseRequest(body), price, CURRENCY));
    const at = Date.now();
    const decision = evaluateRequest(compiled, NO_EXCEPTIONS, { resources }, at, { offers });
    const cost = costOf(resources, CURRENCY);
    return { ...toWireDecision(decision, { id: 'offline', at, resources, cost, policySet, degraded: false, notices: [] }), durable: false };
  };
}

function parseRequest(body: unknown): ReturnType<typeof requestSchema.parse> {
  return parseParts({ request: [requestSchema, body] }).request as ReturnType<typeof requestSchema.parse>;
}

/** @throws CliError with every problem of the request */
function explained<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    throw new CliError([error.message, ...error.problems.map(({ path, message }) => `  ${path || '(body)'}: ${message}`)].join('\n'));
  }
}

const MARKS = { deny: 'DENY ', warn: 'WARN ', audit: 'AUDIT', needs_approval: 'ASK  ' } as const;

function printDecision(context: CliContext, decision: WireDecision): void {
  context.out(`${decision.message}\n`);
  for (const finding of [...decision.violations, ...decision.warnings]) {
    context.out(`  ${MARKS[finding.effect]} ${finding.resource_id}: ${finding.message} (${finding.policy_name}/${finding.rule_name})\n`);
    if (finding.fix !== null) context.out(`        fix: ${finding.fix.text}\n`);
  }
  for (const unknown of decision.unknowns.filter(({ effect }) => effect !== 'ignore')) {
    context.out(`  ?     ${unknown.resource_id}: ${unknown.path} is ${unknown.reason} (${unknown.policy_name}/${unknown.rule_name})\n`);
  }
  for (const error of decision.errors) context.out(`  !     ${error.policy_name}: ${error.message}\n`);
  for (const exception of decision.exceptions_applied)
    context.out(`  ok    ${exception.resource_id}: exception ${exception.id} (${exception.policy_name}/${exception.rule_name})\n`);
  if (decision.cost.likely !== null) context.out(`  costs ${decision.cost.likely} ${decision.cost.currency} a month\n`);
  if (decision.degraded) context.err('answered from memory: the database of the server is away\n');
}
