import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { given } from '../../intake/loose.js';
import { type CliContext, CliError, invocationOf } from '../context.js';
import { type Asked, readGivenFile } from '../documents.js';
import { EXIT } from '../exit-code.js';
import { createLocalJudge } from '../judge-here.js';
import { createRemoteJudge } from '../judge-there.js';
import { withExamples } from '../list-options.js';
import type { Report } from '../output/findings.js';
import { FORMATS, type Format, renderReports } from '../output/formats.js';
import { collectReportFile, type ReportFile } from '../output/report-option.js';

interface EvaluateOptions extends Asked {
  readonly policies?: string;
  readonly format?: Format;
  readonly output?: string;
  readonly report?: readonly ReportFile[];
}

/** `tollgate evaluate FILE…`: would this be allowed? Exit code 2 when one is denied or needs approval. */
export function evaluateCommand(program: Command, context: CliContext): void {
  const evaluate = program
    .command('evaluate')
    .argument(
      '<files...>',
      'plans (`terraform show -json`), documents of Infracost, CloudFormation or Pulumi, or requests as JSON, also gzipped; - is standard input',
    )
    .description(
      'ask whether resources may be deployed; exit code 0 allowed, 1 could not run, 2 denied or needs approval, 3 policy invalid',
    )
    .option('--policies <dir>', 'judge here by the policy files of a folder, without a server: no exceptions, list prices')
    .addOption(new Option('--dry-run', 'ask the server without consequences').conflicts('policies'))
    .addOption(new Option('--requester <principal>', 'for whom to ask (default: the owner of the token)').conflicts('policies'))
    .addOption(new Option('--idempotency-key <key>', 'names a deployment, whose repeats replace its holds').conflicts('policies'))
    .option('--namespace <name>', 'of resources that have no tag `environment`')
    .option('--account <id>', 'of resources whose file does not tell')
    .option('--region <name>', 'of resources whose file does not tell')
    .addOption(new Option('--format <format>', 'how to write the answer (default: table, or json with --json)').choices(FORMATS))
    .option('--output <file>', 'write the answer to a file instead of standard output')
    .option('--report <format=file>', 'write the same answer to a file too; may be given several times', collectReportFile)
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const { options, api } = invocationOf<EvaluateOptions>(context, command);
      const { policies, requester, namespace, account, region, idempotencyKey, dryRun } = options;
      const asked = given({ requester, namespace, account, region, idempotencyKey, dryRun });
      const judge = policies === undefined ? createRemoteJudge(context, api, asked) : await createLocalJudge(context, policies, asked);
      const reports: Report[] = [];
      for (const file of files) reports.push({ file, decision: await judge(await readGivenFile(file)) });
      const format = options.format ?? (options.json === true ? 'json' : 'table');
      const render = (as: Format) => renderReports(as, reports, program.version() ?? '0.0.0');
      for (const { format: as, file } of options.report ?? []) await write(context, file, render(as));
      await write(context, options.output, render(format));
      if (reports.some(({ decision }) => decision.degraded)) context.err('answered from memory: the database of the server is away\n');
      if (reports.some(({ decision }) => !decision.allowed)) context.setExitCode(EXIT.denied);
    });
  withExamples(
    evaluate,
    'terraform show -json plan.tfplan > plan.json && tollgate evaluate plan.json',
    'tollgate evaluate web-1.json',
    'tollgate evaluate --policies policies web-1.json',
    'cat web-1.json | tollgate evaluate - --json',
    'tollgate evaluate plan.json --format github --report sarif=tollgate.sarif --report markdown=comment.md',
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
