import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CopyValue, copyRows, formatCopyRow } from '../../src/store/copy-rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  await client.query('create temporary table copied (place integer, one text, two text, flag boolean)');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What COPY's text format gives a meaning to, and what lies about it. */
const nasty = fc.oneof(
  fc.constantFrom(
    '\\',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\\N',
    '\\.',
    '\\n',
    '\\x41',
    '\\t\\',
    '',
    'null',
    ' ',
    '\u2028',
    '\u{1f600}',
    '"',
    "'",
    '\b',
  ),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);
const text = fc
  .array(nasty, { maxLength: 6 })
  .map((parts) => parts.join(''))
  // PostgreSQL has no NUL in texts, and half of a pair becomes a replacement character.
  .filter((value) => !/\0|\p{Surrogate}/u.test(value));
const cell = fc.option(text, { nil: null });

test('any text arrives as it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(cell, cell, fc.option(fc.boolean(), { nil: null })), { minLength: 1, maxLength: 20 }),
      async (rows) => {
        await client.query('truncate copied');
        const lines = rows.map((row, index) => formatCopyRow([index, ...row]));
        await copyRows(client, 'copy copied (place, one, two, flag) from stdin', lines.join(''));
        const stored = await client.query<CopyValue[]>({ text: 'select one, two, flag from copied order by place', rowMode: 'array' });
        expect(stored.rows).toEqual(rows);
      },
    ),
    { numRuns: 200 },
  );
});

test('what the database refuses is an error with its code, and the connection goes on', async () => {
  for (const [statement, code] of [
    ['copy copied (place) from stdin', '22P02'],
    ['copy nothing_of_this_name from stdin', '42P01'],
    ['copied from stdin', '42601'],
  ] as const) {
    await expect(copyRows(client, statement, 'x\n'.repeat(10_000)), statement).rejects.toMatchObject({ code });
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  }
});

test('a statement before it is part of what is sent, and its transaction stays open', async () => {
  await client.query('truncate copied');
  await copyRows(client, 'begin; copy copied (place) from stdin', '7\n');
  await client.query('rollback');
  expect((await client.query('select place from copied')).rows).toEqual([]);
});
