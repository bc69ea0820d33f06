import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { newId } from '../../src/ids.js';
import { packageRoot } from '../../src/package-root.js';
import type { CostColumn, FocusImport } from '../../src/policy/house-records.js';
import { verifyAudit } from '../../src/store/audit.js';
import { importFocus } from '../../src/store/focus-import.js';
import { getFocusImport, listFocusImports } from '../../src/store/focus-imports.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { type BillRow, billOf, COLUMNS, headerOf, inPieces, rowOf } from './focus-file.js';

const NOW = Date.UTC(2026, 8, 20);
const SAMPLE = readFileSync(join(packageRoot, 'data/focus/focus-1.0-sample-1000.csv'));
const fixture = (name: string) => readFileSync(join(packageRoot, 'test/fixtures/focus', name));

let database: TestDatabase;
const noSettling = async () => {};

interface Given {
  readonly costColumn?: CostColumn;
  readonly limitBytes?: number;
  readonly id?: string;
  readonly settle?: Parameters<typeof importFocus>[3]['settle'];
}

function run(bytes: Buffer | string | Readable, { costColumn = 'EffectiveCost', limitBytes = 1e8, settle = noSettling, id }: Given = {}) {
  const wanted = {
    id: id ?? newId('imp'),
    fileName: 'bill.csv',
    currency: 'USD',
    costColumn,
    createdBy: 'olga@company.com',
    startedAt: NOW,
  };
  const source = { bytes: bytes instanceof Readable ? bytes : inPieces(bytes), limitBytes };
  return importFocus(database.pool, wanted, source, { settle, now: () => NOW });
}

/** Why it is refused: the words, and the problems as they are told. */
async function refusal(bytes: Buffer | string | Readable, given?: Given): Promise<{ message: string; code: string; problems: string[] }> {
  const error: unknown = await run(bytes, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TollgateError)) throw new Error('not refused', { cause: error });
  return { message: error.message, code: error.code, problems: error.problems.map(({ path, message }) => `${path}: ${message}`) };
}

async function stored(): Promise<{ rows: number; cost: string | null }> {
  const { rows } = await database.pool.query<{ rows: number; cost: string | null }>(
    'select count(*) as rows, sum(cost) as cost from focus_rows',
  );
  return rows[0] ?? { rows: 0, cost: null };
}

const lastImport = async (): Promise<FocusImport | undefined> =>
  (await listFocusImports(database.pool, { limit: 1, cursor: null })).items[0];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.pool.query('truncate focus_rows, focus_imports');
});
afterAll(() => database.drop());

describe('the sample bill', () => {
  test('is imported whole, to the last digit of its cost', async () => {
    const done = await run(SAMPLE);
    expect(done).toMatchObject({ status: 'completed', focusVersion: '1.0', rows: 1_000, refusedRows: 0, bytes: 755_423, reason: null });
    expect(done.notices).toEqual(['budgets count `EffectiveCost` of this bill']);
    expect(await stored()).toEqual({ rows: 1_000, cost: '14.97651418586' });
    const { rows } = await database.pool.query<{ billed: string }>('select sum(billed_cost) as billed from focus_rows');
    expect(Number(rows[0]?.billed)).toBeCloseTo(20.52022672899, 11);
    expect(done.billingPeriods.map((period) => period.rows).reduce((a, b) => a + b)).toBe(1_000);
  });

  test('counts what was billed where that is asked for', async () => {
    const done = await run(SAMPLE, { costColumn: 'BilledCost' });
    expect(done.notices).toEqual(['budgets count `BilledCost` of this bill']);
    expect(Number((await stored()).cost)).toBeCloseTo(20.52022672899, 11);
  });

  test('is the same compressed, also in several parts behind each other', async () => {
    const half = SAMPLE.indexOf('\n', SAMPLE.length / 2) + 1;
    const header = SAMPLE.subarray(0, SAMPLE.indexOf('\n') + 1);
    const parts = [SAMPLE.subarray(0, half), Buffer.concat([header, SAMPLE.subarray(half)])].map((part) => gzipSync(part));
    expect(await run(Buffer.concat(parts))).toMatchObject({ status: 'completed', rows: 1_000 });
    expect(await stored()).toEqual({ rows: 1_000, cost: '14.97651418586' });
  });
});

test.each(['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'])('a charge may be of the category %s', async (ChargeCategory) => {
  expect(await run(billOf({ ChargeCategory }))).toMatchObject({ status: 'completed', rows: 1 });
});

describe('what a row keeps', () => {
  test('is what budgets need, and nothing of empty fields', async () => {
    await run(
      billOf({ ResourceName: 'NULL', Tags: '{"owner":"dana","size":3,"gone":null}', ChargeClass: 'Correction', EffectiveCost: '-0.25' }),
    );
    const { rows } = await database.pool.query(
      `select billing_account, charge_start, charge_end, cost, billed_cost, effective_cost, sub_account, provider, region, resource_id, resource_name,
         service_category, service_name, charge_category, charge_class, tags from focus_rows`,
    );
    expect(rows).toEqual([
      {
        billing_account: 'payer-1',
        charge_start: Date.UTC(2026, 8, 1),
        charge_end: Date.UTC(2026, 8, 2),
        cost: '-0.25',
        billed_cost: '2',
        effective_cost: '-0.25',
        sub_account: '111122223333',
        provider: 'AWS',
        region: 'us-east-1',
        resource_id: 'i-1',
        resource_name: null,
        service_category: 'Compute',
        service_name: 'Amazon EC2',
        charge_category: 'Usage',
        charge_class: 'Correction',
        tags: { owner: 'dana', size: '3' },
      },
    ]);
  });

  test.each([
    '2026-09-01 00:00:00',
    '2026-09-01T00:00:00Z',
    '2026-09-01T00:00:00.000+00:00',
    '2026-09-01 00:00:00 UTC',
    '2026-09-01T00:00Z',
    '2026-09-01',
    '9/1/26',
    '09/01/2026',
  ])('a time may be written %s', async (text) => {
    await run(billOf({ ChargePeriodStart: text }));
    const { rows } = await database.pool.query<{ at: number }>('select charge_start as at from focus_rows');
    expect(rows[0]?.at).toBe(Date.UTC(2026, 8, 1));
  });

  test('survives quotes, line breaks, tabs and backslashes in texts', async () => {
    const name = 'a "b", c\nd\te\\n \\. ü 𝄞';
    await run(inPieces(billOf({ ResourceName: name }), 1));
    const { rows } = await database.pool.query<{ name: string }>('select resource_name as name from focus_rows');
    expect(rows[0]?.name).toBe(name);
  });

  test.each([
    ['CRLF and a byte order mark', `\ufeff${billOf({}, {}).replaceAll('\n', '\r\n')}`],
    ['blank lines and no last line end', `${billOf({}, {}).trimEnd()}`.replaceAll('\n', '\n\n')],
    ['column names in another case', billOf({}, {}).replace(headerOf(), headerOf().toUpperCase())],
    ['the header once more in between', billOf({}) + billOf({})],
  ])('a file may have %s', async (_what, text) => {
    expect(await run(text)).toMatchObject({ status: 'completed', rows: 2 });
    expect(await stored()).toEqual({ rows: 2, cost: '3.0' });
  });
});

test.each([
  ['1.0', []],
  ['1.1', ['SkuMeter']],
  ['1.2', ['SkuMeter', 'InvoiceId']],
  ['1.3', ['InvoiceId', 'ServiceProviderName']],
])('a file of FOCUS %s is known by its columns', async (version, more) => {
  const text = headerOf([...COLUMNS, ...more]) + rowOf().trimEnd() + ',x'.repeat(more.length);
  expect((await run(text)).focusVersion).toBe(version);
});

test('an example of the specification with US dates is imported', async () => {
  expect(await run(fixture('saas_spend_agreements_a1.csv'))).toMatchObject({ status: 'completed', focusVersion: '1.1' });
});

describe('a file that is refused leaves nothing but the record of it', () => {
  const good: BillRow = {};

  test('all bad rows are counted, with their lines and every reason; the good ones are not kept either', async () => {
    const text = billOf(good, { ResourceName: 'two\nlines' }, { EffectiveCost: 'many', BillingCurrency: 'EUR' }, good, {
      ChargePeriodEnd: '2026-02-30',
      Tags: '[1]',
    });
    expect(await refusal(text)).toEqual({
      code: 'invalid-input',
      message: '2 rows of 5 cannot be imported, so nothing of the file is',
      problems: [
        'line 5 EffectiveCost: expected a number, got `many`',
        'line 5 BillingCurrency: expected `USD`, the currency of this installation, got `EUR`',
        'line 7 Tags: expected a JSON object of texts, got `[1]`',
        'line 7 ChargePeriodEnd: expected a time, got `2026-02-30`',
      ],
    });
    expect(await stored()).toEqual({ rows: 0, cost: null });
    expect(await lastImport()).toMatchObject({
      status: 'refused',
      rows: 5,
      refusedRows: 2,
      reason: '2 rows of 5 cannot be imported, so nothing of the file is',
      problems: [{ line: 5, column: 'EffectiveCost' }, { line: 5 }, { line: 7 }, { line: 7 }],
    });
  });

  test('of many bad rows the first hundred are told', async () => {
    const { message, problems } = await refusal(billOf(...Array.from({ length: 250 }, () => ({ EffectiveCost: '' }))));
    expect(message).toBe('250 rows of 250 cannot be imported, so nothing of the file is');
    expect(problems).toHaveLength(100);
    expect(problems[99]).toBe('line 101 EffectiveCost: expected a number, got nothing');
  });

  test.each<[string, BillRow, string]>([
    [
      'ends before it starts',
      { ChargePeriodEnd: '2026-08-31' },
      'ChargePeriodEnd: expected a time that is not before ChargePeriodStart, got `2026-08-31`',
    ],
    ['has no account', { BillingAccountId: 'NULL' }, 'BillingAccountId: expected a value, got nothing'],
    ['has an impossible number', { BilledCost: '1e999' }, 'BilledCost: expected a number, got `1e999`'],
    ['has nested tags', { Tags: '{"a":{}}' }, 'Tags: expected a JSON object of texts, got `{"a":{}}`'],
    [
      'is of no charge category',
      { ChargeCategory: 'Foo' },
      'ChargeCategory: expected `Usage`, `Purchase`, `Tax`, `Credit` or `Adjustment`, got `Foo`',
    ],
    [
      'has no charge category',
      { ChargeCategory: '' },
      'ChargeCategory: expected `Usage`, `Purchase`, `Tax`, `Credit` or `Adjustment`, got nothing',
    ],
    ['has a NUL in a text', { ResourceName: 'a\0b' }, ''],
  ])('a row that %s', async (_what, row, problem) => {
    const { problems } = await refusal(billOf(row));
    expect(problems).toEqual([problem === '' ? 'line 2: a NUL character, which no text has' : `line 2 ${problem}`]);
  });

  test('a row with too few fields', async () => {
    expect((await refusal(`${billOf(good)}1,2,3\n`)).problems).toEqual([`line 3: expected ${COLUMNS.length} fields, got 3`]);
  });

  test('missing columns are named, all of them', async () => {
    const { message, problems } = await refusal(fixture('commitment_discount_purchase_scenario_1.csv'));
    expect(message).toBe('the header is not that of a FOCUS bill');
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'BillingAccountId',
      'BillingCurrency',
      'ChargeClass',
      'ServiceCategory',
      'ServiceName',
    ]);
  });

  test('a column that is there twice', async () => {
    const { problems } = await refusal(headerOf([...COLUMNS, 'BilledCost']));
    expect(problems).toEqual(['BilledCost: this column is there twice']);
  });

  const bill = billOf(good);
  test.each<[string, Buffer | string, string]>([
    [
      'UTF-16',
      Buffer.from(`\ufeff${bill}`, 'utf16le'),
      'expected a CSV file in UTF-8, or one compressed by gzip; this is UTF-16: save it as UTF-8',
    ],
    ['UTF-16 without a mark', Buffer.from(bill, 'utf16le'), 'this is UTF-16: save it as UTF-8'],
    ['a spreadsheet', Buffer.from('504b030414000600', 'hex'), 'this is a zip archive or a spreadsheet: send the CSV file in it'],
    ['JSON', '{"a":1}', 'this is JSON'],
    ['fields between semicolons', bill.replaceAll(',', ';'), 'its fields are separated by semicolons, expected commas'],
    ['nothing', '', 'this is empty'],
    ['a header only', headerOf(), 'the file has a header and no rows'],
    ['broken gzip', gzipSync(bill.repeat(50)).subarray(0, 60), 'the gzip data is broken or ends too early'],
    ['an open quote', `${bill}"never closed`, 'not CSV at line 3: a quote is left open'],
  ])('%s', async (_what, bytes, message) => {
    expect((await refusal(bytes)).message).toContain(message);
    expect(await stored()).toEqual({ rows: 0, cost: null });
    expect((await lastImport())?.status).toBe('refused');
  });

  // the text before has characters of two to four bytes, a real U+FFFD and a line break in a quoted field
  const before = Buffer.from(`\ufeff${headerOf()}${rowOf({ ResourceName: 'ü\ufffd\n𝄞' })}`);
  const stops = `not UTF-8 at line 4: byte ${before.length + 2} of the text belongs to no character`;
  test.each<[string, Buffer]>([
    ['Latin-1', Buffer.from('Zürich', 'latin1')],
    ['half a character', Buffer.from([0x5a, 0xf0, 0x9d, 0x2c])],
    ['a character that the end of the file cuts', Buffer.from([0x5a, 0xe2, 0x82])],
  ])('%s, wherever the pieces end', async (_what, bytes) => {
    const file = Buffer.concat([before, bytes]);
    for (const size of [1, 2, 3, 1_000]) expect((await refusal(inPieces(file, size))).message).toBe(stops);
    expect((await refusal(gzipSync(file))).message).toBe(stops);
    expect((await refusal(Buffer.concat([file, Buffer.from('\n'), before]))).message).toBe(stops);
  });

  test('more bytes than are taken, before or after they are inflated', async () => {
    expect(await refusal(bill, { limitBytes: 100 })).toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('larger than 100 bytes'),
    });
    const bomb = gzipSync(Buffer.alloc(10_000_000, 0x0a));
    expect(await refusal(bomb, { limitBytes: 20_000 })).toMatchObject({ code: 'too-large' });
  });
});

describe('a billing period', () => {
  const september = (account: string, ...costs: string[]) =>
    billOf(...costs.map((EffectiveCost) => ({ BillingAccountId: account, EffectiveCost })));
  const october = { BillingPeriodStart: '2026-10-01', BillingPeriodEnd: '2026-11-01' };

  test('that comes again replaces its rows, and no other account or period', async () => {
    await run(september('payer-1', '1', '2'));
    await run(september('payer-2', '10'));
    await run(billOf({ ...october, EffectiveCost: '100' }));
    const again = await run(september('payer-1', '3', '4'));
    expect(again.billingPeriods).toEqual([
      {
        billingAccount: 'payer-1',
        start: Date.UTC(2026, 8, 1),
        end: Date.UTC(2026, 9, 1),
        rows: 2,
        cost: '7',
        replacedRows: 2,
      },
    ]);
    expect(await stored()).toEqual({ rows: 4, cost: '117' });
  });

  test('that loses most of its rows is pointed out', async () => {
    await run(september('payer-1', '1', '2', '3'));
    expect((await run(september('payer-1', '1'))).notices).toContain(
      'the billing period from 2026-09-01 of account `payer-1` had 3 rows and has 1 now',
    );
  });

  test('that two imports bring at once is that of one of them, whole', async () => {
    const of = (cost: string) => september('payer-1', ...Array.from({ length: 500 }, () => cost));
    await Promise.all(['1', '2', '3', '4'].map((cost) => run(of(cost))));
    const { rows } = await database.pool.query<{ cost: string; rows: number }>(
      'select cost, count(*) as rows from focus_rows group by cost',
    );
    expect(rows).toEqual([{ cost: expect.stringMatching(/^[1-4]$/), rows: 500 }]);
  });

  test('of a refused file stays as it was', async () => {
    await run(september('payer-1', '1', '2'));
    await refusal(september('payer-1', '9', 'x'));
    expect(await stored()).toEqual({ rows: 2, cost: '3' });
  });
});

describe('what goes wrong on the way', () => {
  const dripping = (...pieces: (string | Error)[]) =>
    Readable.from(
      (function* () {
        for (const piece of pieces) {
          if (piece instanceof Error) throw piece;
          yield Buffer.from(piece);
        }
      })(),
      { objectMode: false },
    );

  test('a connection that is lost leaves nothing, and the import has failed', async () => {
    const lost = dripping(billOf({}, {}), new Error('aborted'));
    await expect(run(lost)).rejects.toThrow('the file broke off before its end');
    expect(await stored()).toEqual({ rows: 0, cost: null });
    expect(await lastImport()).toMatchObject({ status: 'failed', reason: 'the file broke off before its end: aborted', endedAt: NOW });
  });

  test('what cannot be settled is not imported', async () => {
    const settle = () => Promise.reject(new Error('no'));
    await expect(run(billOf({}), { settle })).rejects.toThrow('no');
    expect(await stored()).toEqual({ rows: 0, cost: null });
    expect((await lastImport())?.status).toBe('failed');
  });

  test('an import whose process is gone is shown as failed', async () => {
    const id = newId('imp');
    await run(billOf({}), { id });
    await database.pool.query(`update focus_imports set status = 'running', seen_at = now() - interval '2 minutes', ended_at = null`);
    expect(await getFocusImport(database.pool, id)).toMatchObject({ status: 'failed', reason: 'the process that read it is gone' });
  });
});

test('an import is in the audit log, in the transaction that made it true', async () => {
  const seen: number[] = [];
  const settle: Given['settle'] = async (db) => {
    const { rows } = await db.query<{ rows: number }>('select count(*) as rows from focus_rows');
    seen.push(rows[0]?.rows ?? -1);
  };
  const { id } = await run(billOf({}), { settle });
  expect(seen).toEqual([1]);
  const { rows } = await database.pool.query('select principal, action, subject from audit_log order by seq desc limit 1');
  expect(rows).toEqual([{ principal: 'olga@company.com', action: 'focus.import', subject: id }]);
  expect((await verifyAudit(database.pool)).intact).toBe(true);
});
