import { afterEach, expect, test } from 'vitest';
import type { OpaReading } from '../../src/api/opa-document.js';
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

test('a plan of more resources than come back at once arrives whole and in order', async () => {
  const { resources } = await pool().read('terraform', plan(0, 1_234), context);
  expect(resources.map(({ address }) => address)).toEqual(Array.from({ length: 1_234 }, (_, index) => `aws_eip.it[${index}]`));
});

const asked: OpaReading = { contentType: 'application/json', isBare: false, isAsked: true };
const review = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: { uid: '1', kind: { group: '', kind: 'ConfigMap' }, operation: 'CREATE', dryRun: true, object: {} },
};
const request = { type: 'compute/instance', name: 'web', specs: { vcpus: 4 }, requester: 'dana@company.com' };

test('a thread reads what clients of OPA send as the event loop would', async () => {
  const bodies: readonly (readonly [body: unknown, reading?: Partial<OpaReading>])[] = [
    [{ input: JSON.parse(plan(0, 3).toString()) as unknown }],
    [{ input: review }],
    [{ input: request }],
    [request, { isBare: true }],
    [{ other: 'no input' }],
    [{ input: { type: 1 } }, { isAsked: false }],
  ];
  const readAll = ({ readOpaBody }: DocumentPool) =>
    Promise.all(bodies.map(([body, more]) => readOpaBody(Buffer.from(JSON.stringify(body)), { ...asked, ...more }, lookup)));
  const read = await readAll(pool());
  expect(read.map((input) => input?.kind)).toEqual(['document', 'document', 'request', 'request', undefined, 'nothing']);
  expect(read).toEqual(await readAll(pool({ threadFrom: Infinity })));
});

test('a thread refuses what no OPA client may ask, each problem by its path in the input', async () => {
  const body = Buffer.from('{"input": {"type": "compute/instance", "specs": {"vcpus": "many"}}}');
  await expect(pool().readOpaBody(body, asked, lookup)).rejects.toMatchObject({
    code: 'invalid-input',
    problems: [{ path: 'specs.vcpus' }],
  });
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
