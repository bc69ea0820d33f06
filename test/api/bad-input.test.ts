/** Bad input to every route of the document: 4xx with its problems, never a 500. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { problemSchema } from '../../src/api/contract/problem.js';
import { contentTypeOf, type Described, type Document, documentOf, keysOf, operationsOf, pathToNothing, takesBytes } from './document.js';
import { type Answer, createWorld, read, readProblem, together, type World } from './world.js';

// Thousands of requests, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 });

let world: World;
let document: Document;
let all: readonly Described[];
beforeAll(async () => {
  world = await createWorld({ worker: false });
  document = await documentOf(world);
  all = operationsOf(document).filter((described) => !ofOtherTools(described));
});
afterAll(() => world.close());

/** Statuses of a refused input; 404 where the route first looks for what its path names. */
function expectRefused(answer: Answer, allowed: readonly number[], what: string): void {
  expect(allowed, `${what}: ${answer.status} ${JSON.stringify(answer.body)}`).toContain(answer.status);
  const problem = read(problemSchema, answer, answer.status);
  expect(problem.type).toMatch(/^\/problems\/[a-z-]+$/);
  expect(problem.instance).toMatch(/^req_/);
}

/** These answer as the protocols of other tools want it; their own tests say how. */
const ofOtherTools = ({ path }: Described) => /^\/v[01]\/data\/|^\/v1\/run-tasks$/.test(path);
const takesBody = ({ method }: Described) => method !== 'GET';
const takesJson = (described: Described) => takesBody(described) && contentTypeOf(described.operation) === 'application/json';
/** Of a type that the route takes, so that it looks further. */
const typed = ({ method, operation }: Described) => (method === 'GET' ? {} : { 'content-type': contentTypeOf(operation) });
const isPublic = ({ operation }: Described) => operation.security.length === 0;

async function onEach(
  concerned: (described: Described) => boolean,
  act: (described: Described, path: string) => Promise<void>,
): Promise<void> {
  const chosen = all.filter(concerned);
  expect(chosen.length).toBeGreaterThan(5);
  await together(chosen, (described) => act(described, pathToNothing(described.path)));
}

/** Little as it comes, more than any route takes when it is inflated. */
const BOMB = gzipSync(Buffer.alloc(40 * 1024 * 1024, ' '));

const VALUES: readonly unknown[] = [
  null,
  'text',
  7,
  true,
  [],
  [{}],
  { nothing: 'known' },
  { __proto__x: 1, constructor: { prototype: 1 } },
];

describe('every route that takes a body', () => {
  test('refuses values of the wrong shape, with each problem', () =>
    onEach(takesBody, async (described, path) => {
      const { method, path: name } = described;
      for (const body of VALUES) {
        const answer = await world.ask(method, path, { body, headers: typed(described) });
        expectRefused(answer, [400], `${method} ${name} ${JSON.stringify(body)}`);
        if (takesJson(described)) expect(readProblem(answer, 400).errors.length, `${method} ${name}`).toBeGreaterThan(0);
      }
    }));

  test('refuses each key with a value of another type', () =>
    // A policy that is not valid is an answer of `validate`.
    onEach(
      (described) => takesBody(described) && !described.path.endsWith('/validate'),
      async (described, path) => {
        const { method, path: name, operation } = described;
        for (const key of ['zzz', ...keysOf(document, operation)]) {
          await together([{ deep: [1] }, [[null]], -1e308, 'x'.repeat(10_000)], async (value) => {
            // Some keys take any text: then what the path names is not found.
            expectRefused(
              await world.ask(method, path, { body: { [key]: value }, headers: typed(described) }),
              name.includes('{') ? [400, 404] : [400],
              `${method} ${name} ${key}`,
            );
          });
        }
      },
    ));

  test('refuses malformed JSON, a NUL, half a surrogate pair', () =>
    onEach(takesBody, async (described, path) => {
      const { method, path: name } = described;
      for (const raw of [
        '{',
        '{"a":1,}',
        'nul',
        '{"reason":"\\u0000"}',
        '{"reason":"\\ud800"}',
        '"\\u0000"',
        new Uint8Array([0xff, 0xfe]),
      ]) {
        expectRefused(await world.ask(method, path, { raw, headers: typed(described) }), [400], `${method} ${name} ${String(raw)}`);
      }
    }));

  test('refuses JSON that is nested too deeply, in words', () =>
    onEach(takesJson, async ({ method, path: name }, path) => {
      const nested = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
      for (const raw of [nested('[', ']'), `{"reason":${nested('[', ']')}}`, nested('{"a":', '}').replace(':}', ':1}')]) {
        const problem = readProblem(await world.ask(method, path, { raw }), 400);
        expect(problem.errors, `${method} ${name}`).toHaveLength(1);
        expect(problem.errors[0]?.message).toContain('nested too deeply');
      }
    }));

  test('refuses a key given twice, by its name and its place', () =>
    onEach(takesJson, async ({ method, path: name }, path) => {
      for (const raw of ['{"reason":"a","reason":"b"}', '{"reason":":","reason" :1}']) {
        const problem = readProblem(await world.ask(method, path, { raw }), 400);
        expect(problem.errors, `${method} ${name}`).toEqual([{ path: 'reason', message: 'duplicate key, again at line 1, column 15' }]);
      }
    }));

  test('refuses NULs and halves of pairs in other encodings too', () =>
    onEach(takesJson, async ({ method, path: name, operation }, path) => {
      const headers = { 'content-type': 'application/json; charset=utf-16le' };
      for (const text of ['{"reason":"\\u0000"}', '{"reason":"\ud800"}']) {
        const problem = readProblem(await world.ask(method, path, { raw: Buffer.from(text, 'utf16le'), headers }), 400);
        // What is no document of the tool is not looked at any further.
        if (takesBytes(operation)) continue;
        expect(problem.errors[0], `${method} ${name}`).toMatchObject({
          path: 'reason',
          message: expect.stringContaining('surrogate') as string,
        });
      }
    }));

  test('refuses other content types with 415 and too much with 413', () =>
    onEach(takesBody, async (described, path) => {
      const { method, path: name, operation } = described;
      const types = ['text/plain', 'application/xml', 'multipart/form-data', `${contentTypeOf(operation)}; charset=klingon`];
      for (const type of types) {
        expectRefused(await world.ask(method, path, { raw: '{}', headers: { 'content-type': type } }), [415], `${method} ${name} ${type}`);
      }
      if (!takesJson(described)) return;
      const tooMuch = { raw: BOMB, headers: { 'content-encoding': 'gzip' } };
      expectRefused(await world.ask(method, path, tooMuch), [413], `${method} ${name} gzip`);
      if (takesBytes(operation)) return;
      expectRefused(await world.ask(method, path, { raw: `"${'x'.repeat(3 * 1024 * 1024)}"` }), [413], `${method} ${name}`);
    }));

  test('refuses an unusable Idempotency-Key', () =>
    onEach(
      ({ operation }) => (operation.parameters ?? []).some(({ name }) => name === 'Idempotency-Key'),
      async ({ method, path: name }, path) => {
        for (const key of ['', 'a b', 'x'.repeat(201)]) {
          expectRefused(await world.ask(method, path, { headers: { 'idempotency-key': key } }), [400], `${method} ${name} ${key}`);
        }
      },
    ));
});

describe('every route', () => {
  test('refuses unknown query keys', () =>
    onEach(
      (described) => !isPublic(described),
      async (described, path) => {
        const { method, path: name } = described;
        const problem = readProblem(await world.ask(method, `${path}?zzz=1`, { headers: typed(described) }), 400);
        expect(
          problem.errors.map((one) => one.path),
          name,
        ).toContain('zzz');
      },
    ));

  test('refuses query values that cannot be meant', () =>
    onEach(
      ({ operation }) => (operation.parameters ?? []).some((parameter) => parameter.in === 'query'),
      async (described, path) => {
        const { method, path: name, operation } = described;
        const headers = typed(described);
        for (const { name: key } of (operation.parameters ?? []).filter((parameter) => parameter.in === 'query')) {
          for (const value of ['', '%00', 'x'.repeat(3_000)]) {
            expectRefused(await world.ask(method, `${path}?${key}=${value}`, { headers }), [400], `${name} ${key}=${value}`);
          }
          expectRefused(await world.ask(method, `${path}?${key}=a&${key}=b`, { headers }), [400], `${name} ${key} twice`);
        }
      },
    ));

  test('refuses limits out of range and cursors that are none', () =>
    onEach(
      ({ operation }) => (operation.parameters ?? []).some(({ name }) => name === 'cursor'),
      async ({ method, path: name }, path) => {
        for (const limit of ['0', '-1', '1001', '99999999999999999999', '1.5', 'all', '1e2']) {
          expectRefused(await world.ask(method, `${path}?limit=${limit}`), [400], `${name} limit=${limit}`);
        }
        const forged = [
          [],
          [1],
          ['x', 'y'],
          [1e300, 'a'],
          [{}, null],
          { at: -8.64e15, id: 'a' },
          { at: 8.64e15, id: 'a' },
          { at: 'x', id: 1 },
          { at: 9e99, id: 'a' },
          { name: 1 },
        ];
        const cursors = ['abc', '%F0%9F%92%A9', ...forged.map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'))];
        for (const cursor of cursors) {
          // A list of a thing's own is read after the thing.
          const allowed = name.includes('{') ? [400, 404] : [400];
          expectRefused(await world.ask(method, `${path}?cursor=${cursor}`), allowed, `${name} cursor=${cursor}`);
        }
      },
    ));

  test('refuses ids that cannot be, and does not find those that are not', () =>
    onEach(
      ({ path }) => path.includes('{'),
      async ({ method, path: name }, path) => {
        const strange = ['%00', '%zz', '..%2f..%2fetc', "';drop table policies;--", 'x'.repeat(3_000), '%F0%9F%92%A9'];
        for (const id of strange) {
          const asked = name.replace(/\{(id|name)\}/, encodeURI(id).replaceAll('%25', '%')).replace(/\{\w+\}/g, 'a');
          expectRefused(await world.ask(method, asked), [400, 404], `${method} ${asked.slice(0, 200)}`);
        }
        expect([200, 400, 404], `${method} ${name}`).toContain((await world.ask(method, path)).status);
      },
    ));

  test('answers 405 with the methods that there are', () =>
    onEach(
      () => true,
      async ({ path: name }, path) => {
        const answer = await world.ask('PATCH', path);
        expectRefused(answer, [405], name);
        const methods = all.filter((other) => other.path === name).map(({ method }) => method);
        expect(answer.headers.get('allow')?.split(', '), name).toEqual(expect.arrayContaining(methods));
      },
    ));

  test('answers carry the security headers and never say what makes them', () =>
    onEach(
      () => true,
      async ({ method }, path) => {
        const { headers } = await world.ask(method, path);
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(headers.get('x-powered-by')).toBeNull();
        expect(headers.get('x-request-id')).toMatch(/^req_/);
      },
    ));
});

test('of very many problems it names the first thousand and says how many there are', async () => {
  const body = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`typ${index}`, 1]));
  const problem = readProblem(await world.ask('POST', '/v1/evaluate', { body }), 400);
  expect(problem.detail).toBe('100001 problems in the request body, of which the first 1000 are named');
  expect(problem.errors).toHaveLength(1_000);
  expect(problem.errors.filter(({ message }) => message.includes('did you mean')).length).toBeLessThanOrEqual(100);
  const escaped = `{"tags":[${Array.from({ length: 5_000 }, () => '"\\u0000"').join()}]}`;
  expect(readProblem(await world.ask('POST', '/v1/evaluate', { raw: escaped }), 400).errors).toHaveLength(1_000);
});

test('what the database refuses as a value is the request’s fault', async () => {
  const refusing = await world.another({
    overrides: {
      decisionLog: {
        append: async () => Promise.reject(await world.database.pool.query(`select 'x'::timestamptz`).catch((error: unknown) => error)),
        settle: () => Promise.reject(new Error('nothing to settle')),
        mode: 'durable',
        waiting: 0,
        close: async () => {},
      },
    },
  });
  readProblem(await refusing.ask('POST', '/v1/evaluate', { body: { type: 'compute/instance' } }), 400);
});

test('an unknown path is 404, whatever the method', async () => {
  for (const path of [
    '/v1',
    '/v1/nothing',
    '/v2/evaluate',
    '/V1/evaluate',
    '/v1/evaluate/nothing',
    '/v1/budget',
    '/v0/evaluate',
    '/v1/import',
    '/favicon.ico',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE'])
      expectRefused(await world.ask(method, path, { token: null }), [404], `${method} ${path}`);
  }
});

test('the bare address leads to the docs', async () => {
  const answer = await world.ask('GET', '/', { token: null });
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/docs/']);
});

test('a fault that nobody foresaw is a generic 500 whose words stay in the log', async () => {
  const logged: object[] = [];
  const log = { info: () => {}, warn: () => {}, error: (fields: object) => void logged.push(fields) };
  const broken = await world.another({
    overrides: {
      log,
      price: () => {
        throw new Error('secret words');
      },
    },
  });
  const answer = await broken.ask('POST', '/v1/evaluate', { body: { type: 'compute/instance' } });
  const problem = readProblem(answer, 500);
  expect(JSON.stringify(problem)).not.toContain('secret');
  expect(logged).toContainEqual(expect.objectContaining({ requestId: problem.instance, error: 'secret words' }));
});
