import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY, MINUTE } from '../../src/policy/durations.js';
import { beginIdempotent, finishIdempotent, hashBody, type IdempotencyScope, releaseIdempotent } from '../../src/store/idempotency.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const at = Date.UTC(2026, 10, 22);
let keys = 0;
const scope = (over: Partial<IdempotencyScope> = {}): IdempotencyScope => ({
  principal: 'dana@company.com',
  method: 'POST',
  path: '/v1/exceptions',
  key: `key-${++keys}`,
  ...over,
});
const body = hashBody('{"a":1}');
const begin = (of: IdempotencyScope, hash = body, when = at) => beginIdempotent(database.pool, of, hash, when);

test('the same key and body give the same answer', async () => {
  const once = scope();
  expect(await begin(once)).toEqual({ kind: 'first' });
  await finishIdempotent(database.pool, once, 201, '{"id":"exc_1"}');
  expect(await begin(once)).toEqual({ kind: 'repeat', status: 201, response: '{"id":"exc_1"}' });
});

test('another body under the same key is a conflict, before and after the answer', async () => {
  const once = scope();
  await begin(once);
  expect(await begin(once, hashBody('{"a":2}'))).toEqual({ kind: 'other-body' });
  await finishIdempotent(database.pool, once, 200, '');
  expect(await begin(once, hashBody('{"a":2}'))).toEqual({ kind: 'other-body' });
});

test('of concurrent calls exactly one goes on, the others are told that it is under way', async () => {
  const once = scope();
  const kinds = (await Promise.all(Array.from({ length: 12 }, () => begin(once)))).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'first')).toHaveLength(1);
  expect(kinds.filter((kind) => kind === 'in-progress')).toHaveLength(11);
});

test.each([{ principal: 'bob@company.com' }, { method: 'DELETE' }, { path: '/v1/scans' }])(
  'the key is another one for %j',
  async (other) => {
    const once = scope();
    await begin(once);
    expect(await begin({ ...once, ...other })).toEqual({ kind: 'first' });
  },
);

test('a key is kept for 24 hours', async () => {
  const once = scope();
  await begin(once);
  await finishIdempotent(database.pool, once, 200, 'kept');
  expect(await begin(once, body, at + DAY - 1)).toMatchObject({ kind: 'repeat' });
  expect(await begin(once, hashBody('other'), at + DAY)).toEqual({ kind: 'first' });
});

test('a released key is judged anew', async () => {
  const once = scope();
  await begin(once);
  await releaseIdempotent(database.pool, once);
  expect(await begin(once)).toEqual({ kind: 'first' });
});

test('a finished answer is not released', async () => {
  const once = scope();
  await begin(once);
  await finishIdempotent(database.pool, once, 200, 'done');
  await releaseIdempotent(database.pool, once);
  expect(await begin(once)).toMatchObject({ kind: 'repeat' });
});

test('a call whose process died is taken over after a minute, by the same body only', async () => {
  const once = scope();
  await begin(once);
  expect(await begin(once, body, at + MINUTE - 1)).toEqual({ kind: 'in-progress' });
  expect(await begin(once, hashBody('other'), at + MINUTE)).toEqual({ kind: 'other-body' });
  expect(await begin(once, body, at + MINUTE)).toEqual({ kind: 'first' });
});
