import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
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
import type { Report } from '../output/findings.js';
import { FORMATS, type Format, renderReports } from '../output/formats.js';
import { readPolicyTexts, readText } from '../policy-files.js';

type Judge = (request: unknown) => Promise<WireDecision>;

interface EvaluateOptions {
  readonly policies?: string;
  readonly dryRun?: boolean;
  readonly format?: Format;
  readonly output?: string;
}

/** `tollgate evaluate FILE…`: would this be allowed? Exit code 2 when one is denied or needs approval. */
export function evaluateCommand(program: Command, context: CliContext): void {
  const evaluate = program
    .command('evaluate')
    .argument('<files...>', 'requests as JSON, one resource or `{ "resources": […] }`; - is standard input')
    .description('ask whether resources may be deployed; exit code 0 allowed, 2 denied')
    .option('--policies <dir>', 'judge here by the policy files of a folder, without a server: no exceptions, list prices')
    .addOption(new Option('--dry-run', 'ask the server without consequences').conflicts('policies'))
    .addOption(new Option('--format <format>', 'how to write the answer (default: table, or json with --json)').choices(FORMATS))
    .option('--output <file>', 'write the answer to a file instead of standard output')
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const { options, api } = invocationOf<EvaluateOptions>(context, command);
      const judge = options.policies === undefined ? remoteJudge(api, options.dryRun) : await offlineJudge(context, options.policies);
      const reports: Report[] = [];
      for (const file of files) reports.push({ file, decision: await judge(await readRequest(file)) });
      const format = options.format ?? (options.json === true ? 'json' : 'table');
      await write(context, options.output, renderReports(format, reports, program.version() ?? '0.0.0'));
      if (reports.some(({ decision }) => decision.degraded)) context.err('answered from memory: the database of the server is away\n');
      if (reports.some(({ decision }) => !decision.allowed)) context.setExitCode(EXIT.denied);
    });
  withExamples(
    evaluate,
    'tollgate evaluate web-1.json',
    'tollgate evaluate --policies policies web-1.json',
    'cat web-1.json | tollgate evaluate - --json',
    'tollgate evaluate web-1.json --format junit --output tollgate.xml',
  );
}

/** A file that cannot be written is told as such: a pipeline that waits for it could not run. */
async function write(context: CliContext, file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return context.out(text);
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new CliError(`\`${file}\` cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
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
    return toWireDecision(decision, {
      id: 'offline',
      at,
      resources,
      cost,
      policySet,
      degraded: false,
      durable: false,
      holds: [],
      notices: [],
    });
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
