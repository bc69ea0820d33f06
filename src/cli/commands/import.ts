import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { COST_COLUMNS } from '../../policy/house-records.js';
import { moneyWords } from '../../policy/money.js';
import { cannotRead } from '../cannot-read.js';
import type { JsonObject } from '../client.js';
import { type CliContext, CliError, type GlobalOptions, invocationOf } from '../context.js';
import { withExamples } from '../list-options.js';
import { type Column, createProgress, printObject, textAt } from '../output.js';

interface ImportOptions extends GlobalOptions {
  readonly cost: (typeof COST_COLUMNS)[number];
}

const FIELDS: readonly Column[] = [
  ['import', 'id'],
  ['status', 'status'],
  ['FOCUS', 'focus_version'],
  ['rows', 'rows'],
  ['cost', (done) => `${costOf(done)} ${textAt(done, 'currency')} (${textAt(done, 'cost_column')})`],
  ['periods', (done) => objectsAt(done, 'billing_periods').map(periodOf).join('; ')],
  ['note', (done) => (Array.isArray(done['notices']) ? done['notices'].join('; ') : '-')],
];

/** A bill is exact to fractions of a cent, of which `--json` has all. */
function costOf(done: JsonObject): string {
  const { cost } = done;
  return typeof cost === 'string' ? moneyWords(cost) : '-';
}

/** `tollgate import focus FILE`: a bill as the actual cost of budgets; exit code 1 when it is refused, with every reason. */
export function importCommand(program: Command, context: CliContext): void {
  const group = program.command('import').description('bring in what others know');
  const focus = group
    .command('focus')
    .argument('<file>', 'a bill in the FOCUS format (1.0 to 1.3) as CSV, also compressed by gzip; - is standard input')
    .description('import a bill: all of it or nothing; a billing period that comes again is replaced')
    .addOption(new Option('--cost <column>', 'what budgets count').choices(COST_COLUMNS).default('EffectiveCost'))
    .action(async (file: string, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<ImportOptions>(context, command);
      const bill = await openFile(file);
      const progress = createProgress(context, options);
      const query = { cost_column: options.cost, ...(bill.name === undefined ? {} : { file_name: bill.name }) };
      const content = counted(bill.stream, (sent) =>
        progress.show(sent === bill.size ? 'the server reads the last rows' : sentOf(sent, bill.size)),
      );
      try {
        const { body } = await api.send('POST', 'v1/imports/focus', { query, stream: { type: 'application/octet-stream', content } });
        progress.clear();
        printObject(context, options, body, FIELDS);
      } finally {
        progress.clear();
        bill.stream.destroy();
      }
    });
  withExamples(
    focus,
    'tollgate import focus bill-2026-09.csv.gz',
    'cat part-*.csv.gz | tollgate import focus -',
    'tollgate import focus bill.csv --cost BilledCost --json',
  );
}

interface Bill {
  readonly stream: Readable;
  readonly name: string | undefined;
  /** Undefined for what comes through a pipe. */
  readonly size: number | undefined;
}

async function openFile(file: string): Promise<Bill> {
  if (file === '-') return { stream: process.stdin, name: undefined, size: undefined };
  const handle = await open(file).catch((error: unknown) => {
    throw cannotRead(file, error);
  });
  const found = await handle.stat();
  if (found.isFile()) return { stream: handle.createReadStream(), name: basename(file), size: found.size };
  await handle.close();
  throw new CliError(`\`${file}\` is no file`);
}

async function* counted(stream: Readable, onSent: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    sent += bytes.length;
    onSent(sent);
    yield bytes;
  }
}

const MEGABYTE = 1_000_000;

function sentOf(sent: number, size: number | undefined): string {
  const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);
  return size === undefined
    ? `importing: ${megabytes(sent)} MB sent`
    : `importing: ${megabytes(sent)} of ${megabytes(size)} MB sent, ${Math.floor((sent / size) * 100)} %`;
}

function objectsAt(done: JsonObject, key: string): readonly JsonObject[] {
  return Array.isArray(done[key]) ? (done[key] as readonly JsonObject[]) : [];
}

function periodOf(period: JsonObject): string {
  const replaced = period['replaced_rows'] === 0 ? '' : `, in place of ${textAt(period, 'replaced_rows')}`;
  return `${textAt(period, 'billing_account')} from ${textAt(period, 'start').slice(0, 10)}: ${textAt(period, 'rows')} rows${replaced}`;
}
