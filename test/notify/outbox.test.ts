import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addressed, claimNotices, listNotices, markDelivered, markFailed, writeNotices } from '../../src/store/outbox.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const AT = Date.UTC(2026, 10, 22, 12);
const OPTIONS = { quietMs: 2_000, longestWaitMs: 30_000, leaseMs: 60_000, limit: 10 };
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => database.pool.query('truncate outbox'));
afterAll(() => database.drop());

const write = (subject: string, recipients: readonly string[], at: number) =>
  writeNotices(database.pool, addressed({ subject, stage: 'detected', title: subject, body: 'a body' }, recipients), at);
const claim = async (at: number, options: Partial<typeof OPTIONS> = {}) =>
  (await claimNotices(database.pool, at, { ...OPTIONS, ...options })).map(({ subject, recipient }) => `${subject} ${recipient}`);

test('a notice is written once for (subject, stage, recipient), also when a recipient is named twice', async () => {
  expect(await write('rem_1', ['dana', 'dana', 'bob'], AT)).toBe(2);
  expect(await write('rem_1', ['dana', 'bob', 'sam'], AT + 1)).toBe(1);
  expect(await write('rem_1', [], AT)).toBe(0);
  const notices = await listNotices(database.pool, 'rem_1');
  expect(notices.map(({ recipient, createdAt, channel }) => [recipient, createdAt - AT, channel])).toEqual([
    ['dana', 0, 'console'],
    ['bob', 0, 'console'],
    ['sam', 1, 'console'],
  ]);
});

describe('claiming', () => {
  test('waits until a recipient’s notices have come to rest, and takes them together', async () => {
    await write('rem_1', ['dana'], AT);
    await write('rem_2', ['dana'], AT + 1_000);
    expect(await claim(AT + 2_999)).toEqual([]);
    expect(await claim(AT + 3_000)).toEqual(['rem_1 dana', 'rem_2 dana']);
  });

  test('lets no notice wait for the others longer than the longest wait', async () => {
    for (let second = 0; second <= 30; second += 1) await write(`rem_${second}`, ['dana'], AT + second * 1_000);
    expect(await claim(AT + 29_999, { limit: 100 })).toEqual([]);
    expect(await claim(AT + 30_000, { limit: 100 })).toHaveLength(31);
  });

  test('gives a notice to one claimer, again only when the lease has ended, and never once it is delivered', async () => {
    await write('rem_1', ['dana'], AT);
    const [first, second] = await Promise.all([claim(AT + 5_000), claim(AT + 5_000)]);
    expect([...first, ...second]).toEqual(['rem_1 dana']);
    expect(await claim(AT + 64_999)).toEqual([]);
    expect(await claim(AT + 65_000)).toEqual(['rem_1 dana']);
    const [notice] = await listNotices(database.pool, 'rem_1');
    expect(notice?.attempts).toBe(2);
    await markDelivered(database.pool, [notice?.id ?? ''], AT + 66_000);
    await markFailed(database.pool, [notice?.id ?? ''], 'too late', AT + 66_000);
    expect(await claim(AT + 10_000_000)).toEqual([]);
    expect((await listNotices(database.pool, 'rem_1'))[0]).toMatchObject({ deliveredAt: AT + 66_000, lastError: null });
  });

  test('a failed one keeps its error and is due again when it was told to be', async () => {
    await write('rem_1', ['dana'], AT);
    await claim(AT + 5_000);
    const [notice] = await listNotices(database.pool, 'rem_1');
    await markFailed(database.pool, [notice?.id ?? ''], 'nobody answers', AT + 7_000);
    expect(await claim(AT + 6_999)).toEqual([]);
    expect((await listNotices(database.pool, 'rem_1'))[0]).toMatchObject({ deliveredAt: null, lastError: 'nobody answers' });
    expect(await claim(AT + 7_000)).toEqual(['rem_1 dana']);
  });
});

test('the same notices written at once in any order never wait for each other in a circle', async () => {
  const message = { stage: 'denied', title: 'a denial', body: 'a body' };
  const notices = Array.from({ length: 3_000 }, (_, index) => addressed({ ...message, subject: `denial:${index}` }, ['circle'])).flat();
  const written = await Promise.all(
    [notices, notices.toReversed(), notices, notices.toReversed()].map((all) => writeNotices(database.pool, all, 0)),
  );
  expect(written.reduce((sum, count) => sum + count)).toBe(3_000);
});
