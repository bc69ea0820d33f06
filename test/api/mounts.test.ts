/** The lean listener and Express answer alike: one table of requests against both. */
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMounts } from '../../src/api/app.js';
import type { AppDeps } from '../../src/api/deps.js';
import { transaction } from '../../src/store/db.js';
import { createToken } from '../../src/store/tokens.js';
import { createServers } from '../support/listening.js';
import { createWorld, type World } from './world.js';

const EVALUATE = '/v1/evaluate';
const BODY = { type: 'compute/instance', name: 'web-1', namespace: 'production', account: '1', region: 'us-east-1', specs: { vcpus: 32 } };
const JSON_BODY = JSON.stringify(BODY);

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

let world: World;
let deps: AppDeps;
let expired: string;
const { listen, close } = createServers();

beforeAll(async () => {
  world = await createWorld({ worker: false });
  deps = (await world.another()).deps;
  const request = { principal: 'old@company.com', roles: ['admin'] as const, createdBy: 'system:test', at: Date.now() };
  expired = (await transaction(world.database.pool, (db) => createToken(db, { ...request, expiresAt: Date.now() - 1 }))).token;
});

afterAll(async () => {
  close();
  await world.close();
});

/** Both ways in, each with counters of its own, so that neither counts the other's requests. */
async function bothOf(overrides: Partial<AppDeps> = {}): Promise<{ readonly lean: number; readonly express: number }> {
  const given = { ...deps, ...overrides };
  return { lean: await listen(createMounts(given).all), express: await listen(createMounts(given).express) };
}

/** Node's own client: `fetch` adds headers and refuses some requests. */
function ask(port: number, { method = 'POST', path = EVALUATE, token, headers = {}, body }: Asked): Promise<Told> {
  return new Promise((resolve, reject) => {
    const bearer = token === null ? {} : { authorization: `Bearer ${token ?? world.tokens.deployer}` };
    const typed = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const req = request({ port, host: '127.0.0.1', method, path, headers: { ...bearer, ...typed, ...headers } }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Without what differs between any two answers. */
function comparable({ status, headers, body }: Told): Told {
  const { date: _date, 'x-request-id': _id, 'content-length': _length, ...rest } = headers;
  const ratelimit = String(rest['ratelimit']).replace(/t=\d+/, 't=?');
  const text = body.replaceAll(/(req|dec)_[0-9a-f-]+/g, '$1_?').replaceAll(/"evaluated_at":"[^"]+"/g, '"evaluated_at":"?"');
  return { status, headers: { ...rest, ratelimit }, body: text };
}

const nested = (open: string, close: string) => open.repeat(5_000) + close.repeat(5_000);
const gzip = { 'content-encoding': 'gzip' };
const utf16 = { 'content-type': 'application/json; charset=utf-16le' };

const TABLE: Readonly<Record<string, readonly [status: number, () => Asked]>> = {
  'a denial': [200, () => ({ body: JSON_BODY })],
  'a plan': [200, () => ({ body: JSON.stringify({ resources: [BODY, { ...BODY, address: 'a.b' }] }) })],
  'a dry run': [200, () => ({ body: JSON.stringify({ ...BODY, dry_run: true }) })],
  'every key': [
    200,
    () => ({ body: JSON.stringify({ ...BODY, tags: { a: 'b' }, cost: { hourly: '1.5' }, idempotency_key: 'k', unknown: ['specs.iops'] }) }),
  ],
  'no token': [401, () => ({ token: null, body: JSON_BODY })],
  'no bearer': [401, () => ({ token: null, headers: { authorization: 'Basic eA==' }, body: JSON_BODY })],
  'a token that is not known': [401, () => ({ token: 'tg_unknown', body: JSON_BODY })],
  'a token that has expired': [401, () => ({ token: expired, body: JSON_BODY })],
  'a role that may not': [403, () => ({ token: world.tokens.viewer, body: JSON_BODY })],
  'somebody else named by an engineer': [
    403,
    () => ({ token: world.tokens.engineer, body: JSON.stringify({ ...BODY, requester: 'x@company.com' }) }),
  ],
  'no body': [400, () => ({})],
  'an empty body': [400, () => ({ body: '' })],
  'another type': [415, () => ({ headers: { 'content-type': 'text/plain' }, body: JSON_BODY })],
  'no type': [415, () => ({ headers: { 'content-type': '' }, body: JSON_BODY })],
  'a type with parameters': [200, () => ({ headers: { 'content-type': 'Application/JSON ; charset="UTF-8"' }, body: JSON_BODY })],
  'an unknown charset': [415, () => ({ headers: { 'content-type': 'application/json; charset=klingon' }, body: JSON_BODY })],
  'UTF-16': [200, () => ({ headers: utf16, body: Buffer.from(JSON_BODY, 'utf16le') })],
  'half of a UTF-16 character': [400, () => ({ headers: utf16, body: Buffer.from('{"a":1} ', 'utf16le').subarray(1) })],
  'a byte order mark': [200, () => ({ body: `\ufeff${JSON_BODY}` })],
  'bytes that are not UTF-8': [400, () => ({ body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) })],
  'text that is not JSON': [400, () => ({ body: '{"type":' })],
  'JSON that is no object': [400, () => ({ body: '[]' })],
  'nested too deeply': [400, () => ({ body: nested('[', ']') })],
  'the same key twice': [400, () => ({ body: `{"type":"x/y",${JSON_BODY.slice(1)}` })],
  __proto__: [400, () => ({ body: '{"__proto__":{"type":"compute/instance"}}' })],
  'a NUL': [400, () => ({ body: '{"type":"a\\u0000b"}' })],
  'half of a surrogate pair': [400, () => ({ body: '{"type":"compute/instance","tags":{"a":"\\ud800"}}' })],
  'unknown and wrong keys': [400, () => ({ body: '{"type":7,"spec":{},"specs":{"vcpus":"many","cpus":1},"tags":{"a":1}}' })],
  'numbers out of range': [400, () => ({ body: '{"type":"compute/instance","specs":{"vcpus":-1,"memory_gb":1e999}}' })],
  'too much': [413, () => ({ body: `"${'x'.repeat(3 * 1024 * 1024)}"` })],
  gzip: [200, () => ({ headers: gzip, body: gzipSync(JSON_BODY) })],
  'a little gzip that becomes too much': [413, () => ({ headers: gzip, body: gzipSync(' '.repeat(50 * 1024 * 1024)) })],
  'what is not gzip': [400, () => ({ headers: gzip, body: JSON_BODY })],
  'an unknown encoding': [415, () => ({ headers: { 'content-encoding': 'zip' }, body: JSON_BODY })],
  'an Idempotency-Key, which this route ignores': [200, () => ({ headers: { 'idempotency-key': 'a b' }, body: JSON_BODY })],
  'a query': [400, () => ({ path: `${EVALUATE}?zzz=1`, body: JSON_BODY })],
  'an empty query': [200, () => ({ path: `${EVALUATE}?`, body: JSON_BODY })],
  'a slash at the end': [200, () => ({ path: `${EVALUATE}/`, body: JSON_BODY })],
  'other letters': [404, () => ({ path: '/v1/Evaluate', body: JSON_BODY })],
  GET: [405, () => ({ method: 'GET' })],
  HEAD: [405, () => ({ method: 'HEAD' })],
  PUT: [405, () => ({ method: 'PUT', body: JSON_BODY })],
  OPTIONS: [405, () => ({ method: 'OPTIONS' })],
};

describe('through the lean listener and through Express', () => {
  let ports: Awaited<ReturnType<typeof bothOf>>;
  beforeAll(async () => {
    ports = await bothOf();
  });

  test.each(Object.entries(TABLE))('%s is answered alike', async (_, [status, asked]) => {
    const [lean, express] = [await ask(ports.lean, asked()), await ask(ports.express, asked())];
    expect(comparable(lean)).toEqual(comparable(express));
    expect(lean.status, lean.body).toBe(status);
    expect(lean.headers['x-request-id']).toMatch(/^req_/);
  });

  test('what is too much in a minute is refused alike, with the same headers', async () => {
    const few = await bothOf({ limits: { evaluationsPerMinute: 2, refusalsPerMinute: 2 } });
    for (const asked of [{ body: JSON_BODY }, { token: 'tg_guess', body: JSON_BODY }]) {
      const statuses: number[] = [];
      for (let time = 0; time < 3; time += 1) {
        const [lean, express] = [await ask(few.lean, asked), await ask(few.express, asked)];
        expect(comparable(lean)).toEqual(comparable(express));
        statuses.push(lean.status);
      }
      expect(statuses.at(-1)).toBe(429);
      expect(statuses.slice(0, 2)).not.toContain(429);
    }
    const { headers } = await ask(few.lean, { body: JSON_BODY });
    expect(headers).toMatchObject({ ratelimit: expect.stringMatching(/^"2-in-1min"; r=0; t=\d+$/) as string });
    expect(headers['ratelimit-policy']).toMatch(/^"2-in-1min"; q=2; w=60; pk=:\w+=*:$/);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  });

  test('a fault that nobody foresaw is told alike', async () => {
    const broken = await bothOf({
      price: () => {
        throw new Error('secret words');
      },
    });
    const [lean, express] = [await ask(broken.lean, { body: JSON_BODY }), await ask(broken.express, { body: JSON_BODY })];
    expect(comparable(lean)).toEqual(comparable(express));
    expect(lean.status).toBe(500);
    expect(lean.body).not.toContain('secret');
  });

  test('each is in the log line and the metrics of its request', async () => {
    for (const mount of ['all', 'express'] as const) {
      const lines: object[] = [];
      const mounts = createMounts({ ...deps, log: { ...deps.log, info: (fields) => void lines.push(fields) } });
      const port = await listen(mounts[mount]);
      const { headers } = await ask(port, { body: JSON_BODY });
      await ask(port, { token: null, body: JSON_BODY });
      const said = { method: 'POST', path: EVALUATE, ms: expect.any(Number) as number };
      await expect.poll(() => lines).toHaveLength(2);
      expect(lines).toEqual([
        { ...said, requestId: headers['x-request-id'], status: 200, principal: 'deployer@company.com', workflowId: undefined },
        { ...said, requestId: expect.any(String) as string, status: 401, principal: undefined, workflowId: undefined },
      ]);
      const { body } = await ask(port, { method: 'GET', path: '/metrics', token: null });
      expect(body).toContain('tollgate_http_request_seconds_count{method="POST",route="/v1/evaluate",status="200"} 1');
      expect(body).toContain('tollgate_http_request_seconds_count{method="POST",route="/v1/evaluate",status="401"} 1');
    }
  });
});

test('a token that was revoked is soon refused, however often it was good before', async () => {
  const { lean } = await bothOf();
  const given = { principal: 'brief@company.com', roles: ['deployer'] as const, expiresAt: null, createdBy: 'system:test', at: Date.now() };
  const { token, record } = await transaction(world.database.pool, (db) => createToken(db, given));
  expect((await ask(lean, { token, body: JSON_BODY })).status).toBe(200);
  await world.ask('DELETE', `/v1/tokens/${record.id}`);
  await expect.poll(async () => (await ask(lean, { token, body: JSON_BODY })).status, { interval: 20, timeout: 5_000 }).toBe(401);
});
