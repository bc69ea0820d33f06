import { afterEach, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { createDocumentPool, type DocumentPool, type DocumentPoolOptions } from '../../src/runtime/document-pool.js';

const { lookup } = createCatalog();
const context = { lookup, currency: 'USD', namespace: null, account: null, region: 'us-east-1' };
const pools: DocumentPool[] = [];

function pool(options: DocumentPoolOptions = {}): DocumentPool {
  const made = createDocumentPool({ threadFrom: 1, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((made) => made.close()));
});

const change = (index: number) => ({
  address: `aws_eip.it[${index}]`,
  type: 'aws_eip',
  name: 'it',
  change: { actions: ['create'], after: { tags: { index: String(index) } } },
});
const plan = (from: number, count = 1) =>
  Buffer.from(JSON.stringify({ format_version: '1.0', resource_changes: Array.from({ length: count }, (_, at) => change(from + at)) }));
/** The same text as often as its numbers of this kind. */
const failing = Buffer.from('{"format_version": ');

test('a thread answers what the event loop would, digest and all', async () => {
  const [there, here] = await Promise.all([
    pool().read('terraform', plan(0, 20), context),
    pool({ threadFrom: Infinity }).read('terraform', plan(0, 20), context),
  ]);
  expect(there).toEqual(here);
  expect(there.resources).toHaveLength(20);
});

test('documents that wait for a thread get their own answers', async () => {
  const { read } = pool({ threads: 1 });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => read('terraform', plan(index), context)));
  expect(answers.map(({ resources }) => resources[0]?.address)).toEqual(Array.from({ length: 8 }, (_, index) => `aws_eip.it[${index}]`));
});

test('a refusal keeps its code and problems, and the thread goes on', async () => {
  const { read } = pool({ threads: 1 });
  await expect(read('terraform', Buffer.from(failing), context)).rejects.toMatchObject({
    code: 'invalid-input',
    problems: [{ path: '1:20', message: expect.stringContaining('ends too early') as string }],
  });
  await expect(read('terraform', plan(1), context)).resolves.toMatchObject({ resources: [{ address: 'aws_eip.it[1]' }] });
});

test('more documents than may wait are refused, and those that wait are answered', async () => {
  const { read } = pool({ threads: 1, waiting: 2 });
  const asked = [0, 1, 2].map((index) => read('terraform', plan(index), context));
  await expect(read('terraform', plan(3), context)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(Promise.all(asked)).resolves.toHaveLength(3);
});

test('a document that takes too long fails alone', async () => {
  const { read } = pool({ threads: 1, timeoutMs: 1 });
  await expect(read('terraform', plan(0, 2_000), context)).rejects.toMatchObject({ code: 'unavailable' });
  const patient = pool({ threads: 1 });
  await expect(patient.read('terraform', plan(1), context)).resolves.toBeDefined();
});

test('what is under way when the pool closes fails as unavailable', async () => {
  const closing = pool({ threads: 1 });
  const asked = [0, 1, 2].map((index) => closing.read('terraform', plan(index), context).catch((error: unknown) => error));
  await closing.close();
  expect(await Promise.all(asked)).toMatchObject([{ code: 'unavailable' }, { code: 'unavailable' }, { code: 'unavailable' }]);
});

test('bytes that share their buffer are left to their owner', async () => {
  const bytes = plan(5);
  const shared = Buffer.concat([Buffer.from('  '), bytes]);
  await pool().read('terraform', shared.subarray(2), context);
  expect(shared.subarray(2).equals(bytes)).toBe(true);
});
