/** Bills over HTTP: streamed in, taken or refused as a whole, followed while they run. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importSchema } from '../../src/api/contract/import.js';
import { pageOf } from '../../src/api/contract/page.js';
import { packageRoot } from '../../src/package-root.js';
import { billOf, rowOf } from '../store/focus-file.js';
import { type Answer, type Ask, createWorld, read, readProblem, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
beforeEach(() => world.database.pool.query('truncate focus_rows, focus_imports').then(() => {}));
afterAll(() => world.close());

const SAMPLE = readFileSync(join(packageRoot, 'data/focus/focus-1.0-sample-1000.csv'));
const send = (
  raw: string | Uint8Array,
  { query = '', type = 'text/csv', ...ask }: Ask & { query?: string; type?: string } = {},
): Promise<Answer> =>
  world.ask('POST', `/v1/imports/focus${query}`, { as: 'operator', raw, ...ask, headers: { 'content-type': type, ...ask.headers } });
const list = async () => read(pageOf(importSchema), await world.ask('GET', '/v1/imports', { as: 'viewer' })).items;
const storedRows = async () => {
  const { rows } = await world.database.pool.query<{ count: number }>('select count(*) as count from focus_rows');
  return rows[0]?.count;
};

describe('an import', () => {
  test('answers with what it did, and can be looked at afterwards', async () => {
    const answer = await send(SAMPLE, { query: '?file_name=sample.csv' });
    const done = read(importSchema, answer, 201);
    expect(done).toMatchObject({
      status: 'completed',
      file_name: 'sample.csv',
      bytes: 755_423,
      focus_version: '1.0',
      cost_column: 'EffectiveCost',
      currency: 'USD',
      rows: 1_000,
      cost: '14.97651418586',
      notices: ['budgets count `EffectiveCost` of this bill'],
      created_by: 'operator@company.com',
    });
    expect(answer.headers.get('location')).toBe(`/v1/imports/${done.id}`);
    expect(read(importSchema, await world.ask('GET', `/v1/imports/${done.id}`, { as: 'viewer' }))).toEqual(done);
    expect(await list()).toEqual([done]);
  });

  test.each([
    ['application/gzip', {}],
    ['application/octet-stream', {}],
    ['text/csv', { 'content-encoding': 'gzip' }],
  ])('compressed as %s', async (type, headers) => {
    const done = read(importSchema, await send(gzipSync(SAMPLE), { type, headers, query: '?cost_column=BilledCost' }), 201);
    expect(done).toMatchObject({ rows: 1_000, cost: '20.52022672899', cost_column: 'BilledCost' });
  });

  test('is shown while it runs, with how far it is', async () => {
    const lines = rowOf().repeat(2_000);
    const [upload, answered] = openUpload();
    upload.write(billOf());
    const running = await until(list, (items) => items[0]?.status === 'running');
    upload.write(lines);
    const later = await until(list, (items) => (items[0]?.rows ?? 0) > 0);
    expect(later[0]).toMatchObject({ id: running[0]?.id, focus_version: '1.0', status: 'running', ended_at: null, cost: null });
    expect(await storedRows()).toBe(0);
    upload.end();
    expect((await answered)?.statusCode).toBe(201);
    expect(await storedRows()).toBe(2_000);
  });

  test('whose connection is lost has failed, and nothing of it is there', async () => {
    const [upload] = openUpload();
    upload.on('error', () => {});
    upload.write(billOf({}, {}));
    await until(list, (items) => items[0]?.status === 'running');
    upload.destroy();
    const [lost] = await until(list, (items) => items[0]?.status !== 'running');
    expect(lost).toMatchObject({ status: 'failed', reason: expect.stringContaining('the file broke off before its end') });
    expect(await storedRows()).toBe(0);
  });
});

/** An upload that is sent piece by piece. */
function openUpload() {
  const upload = request(`${world.url}/v1/imports/focus`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.tokens.operator}`, 'content-type': 'text/csv' },
  });
  const answered = once(upload, 'response').then(([response]) => response as { statusCode: number });
  answered.catch(() => {});
  upload.flushHeaders();
  return [upload, answered] as const;
}

describe('a refusal', () => {
  test('names the lines, and the record says the same', async () => {
    const problem = readProblem(await send(billOf({}, { EffectiveCost: 'x' }, { BillingCurrency: 'EUR' })), 400);
    const [record] = await list();
    expect(problem.type).toBe('/problems/invalid-input');
    expect(problem.detail).toBe(`2 rows of 3 cannot be imported, so nothing of the file is (\`${record?.id}\`)`);
    expect(problem.errors).toEqual([
      { path: 'line 3 EffectiveCost', message: 'expected a number, got `x`' },
      { path: 'line 4 BillingCurrency', message: 'expected `USD`, the currency of this installation, got `EUR`' },
    ]);
    expect(record).toMatchObject({ status: 'refused', refused_rows: 2, problems: [{ line: 3, column: 'EffectiveCost' }, { line: 4 }] });
    expect(await storedRows()).toBe(0);
  });

  test('lets its sender send the rest, and be answered', async () => {
    const [upload, answered] = openUpload();
    upload.end(Buffer.alloc(20_000_000, 'no,bill\n'));
    const [response] = await Promise.all([answered, once(upload, 'finish')]);
    expect(response.statusCode).toBe(400);
    expect((await list())[0]).toMatchObject({ status: 'refused', reason: 'the header is not that of a FOCUS bill' });
  });

  test('for what is too large is 413', async () => {
    const small = await world.another({ overrides: { limits: { importBytes: 1_000 } } });
    const answer = await small.ask('POST', '/v1/imports/focus', { as: 'operator', raw: SAMPLE, headers: { 'content-type': 'text/csv' } });
    expect(readProblem(answer, 413).detail).toContain('the file is larger than 1000 bytes');
  });

  test('for other content types, encodings and options, and without a body', async () => {
    readProblem(await send('{}', { type: 'application/json' }), 415);
    readProblem(await send(SAMPLE, { headers: { 'content-encoding': 'br' } }), 415);
    expect(readProblem(await send(SAMPLE, { query: '?cost_column=ListCost' }), 400).errors[0]?.path).toBe('cost_column');
    expect(readProblem(await send(''), 400).detail).toContain('this is empty');
    readProblem(await world.ask('GET', '/v1/imports/imp_none'), 404);
  });

  test.each(['viewer', 'engineer', 'deployer', 'approver'] as const)('for a %s is 403', async (role) => {
    readProblem(await send(SAMPLE, { as: role }), 403);
  });
});
