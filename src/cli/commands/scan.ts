import type { Command } from 'commander';
import type { ApiClient, JsonObject } from '../client.js';
import { type CliContext, CliError, type GlobalOptions, invocationOf } from '../context.js';
import { EXIT } from '../exit-code.js';
import { collect, withExamples } from '../list-options.js';
import { type Column, createProgress, printObject, textAt } from '../output.js';

interface ScanOptions {
  readonly provider?: string;
  readonly account?: string;
  readonly region?: string;
  readonly type?: string[];
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

const FIELDS: readonly Column[] = [
  ['scan', 'id'],
  ['status', 'status'],
  ['resources', 'resources_scanned'],
  [
    'violations',
    (scan) =>
      `${textAt(scan, 'violations_found')} (${textAt(scan, 'violations_new')} new, ${textAt(scan, 'violations_resolved')} resolved)`,
  ],
  ['actionable', 'violations_actionable'],
  ['remediations', 'remediations_started'],
  ['score', (scan) => (scan['compliance_score'] === null ? '-' : `${textAt(scan, 'compliance_score')} % (${textAt(scan, 'level')})`)],
  ['seconds', 'duration_seconds'],
  ['errors', (scan) => errorsOf(scan)],
  ['workflow', 'workflow.url'],
];

const POLL_MS = 300;

/** `tollgate scan`: start a scan and follow it to its end; exit code 1 when it failed or was cancelled. */
export function scanCommand(program: Command, context: CliContext): void {
  const scan = program
    .command('scan')
    .description('look at the cloud now, and follow the scan to its end')
    .option('--provider <name>', 'of one provider')
    .option('--account <id>', 'of one account')
    .option('--region <region>', 'of one region')
    .option('--type <type>', 'such as compute/instance; may be given several times', collect)
    .option('--dry-run', 'say what would be found, change nothing')
    .option('--no-wait', 'print the id and leave it running')
    .action(async (_options: unknown, command: Command) => {
      const { options, api } = invocationOf<ScanOptions>(context, command);
      const { provider, account, region, type: types, dryRun: dry_run } = options;
      const started = await api.post('v1/scans', { provider, account, region, types, dry_run });
      const ended = options.wait ? await follow(context, options, api, started) : started;
      printObject(context, options, ended, FIELDS);
      if (ended['status'] === 'failed' || ended['status'] === 'cancelled') context.setExitCode(EXIT.couldNotRun);
    });
  withExamples(scan, 'tollgate scan', 'tollgate scan --account 111122223333 --type compute/instance --dry-run');
}

async function follow(context: CliContext, options: GlobalOptions, api: ApiClient, started: JsonObject): Promise<JsonObject> {
  const id = String(started['id']);
  const progress = createProgress(context, options);
  try {
    for (;;) {
      const scan = await api.get(`v1/scans/${encodeURIComponent(id)}`);
      if (scan['status'] !== 'running') return scan;
      progress.show(
        `scanning: ${textAt(scan, 'shards.completed')} of ${textAt(scan, 'shards.total')} shards, ${textAt(scan, 'resources_scanned')} resources`,
      );
      await context.sleep(POLL_MS);
    }
  } catch (error) {
    if (error instanceof CliError)
      throw new CliError(`${error.message}\nthe scan goes on; ask \`GET /v1/scans/${id}\` how far it is${inTemporal(started)}`);
    throw error;
  } finally {
    progress.clear();
  }
}

function inTemporal(started: JsonObject): string {
  const url = textAt(started, 'workflow.url');
  return url === '-' ? '' : `, or look at ${url}`;
}

function errorsOf(scan: JsonObject): string {
  const errors = Array.isArray(scan['errors']) ? (scan['errors'] as readonly JsonObject[]) : [];
  return errors.length === 0 ? '-' : errors.map((error) => `${textAt(error, 'shard')}: ${textAt(error, 'message')}`).join('; ');
}
