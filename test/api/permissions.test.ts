/** Who may call what: every role on every route, and the life of a token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newTokenSchema, tokenSchema } from '../../src/api/contract/access.js';
import { pageOf } from '../../src/api/contract/page.js';
import { PERMISSIONS, type RouteName } from '../../src/api/permissions.js';
import { ROLES, type Role } from '../../src/policy/house-records.js';
import { pathToNothing } from './document.js';
import { createWorld, read, readProblem, together, until, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const routes = Object.entries(PERMISSIONS) as [RouteName, 'public' | readonly Role[]][];
const parts = (name: RouteName) => {
  const [method = '', path = ''] = name.split(' ');
  return [method, pathToNothing(path)] as const;
};
/** Refused by the contract of every route with a body, after the roles were looked at: nothing is changed. */
const nonsense = { no_such_key: 1 };

describe.each(ROLES)('role %s', (role) => {
  test('is let through exactly where the table says', async () => {
    await together(routes, async ([name, allowed]) => {
      const [method, path] = parts(name);
      const { status, body } = await world.ask(method, path, { as: role, ...(method === 'GET' ? {} : { body: nonsense }) });
      const may = allowed === 'public' || role === 'admin' || allowed.includes(role);
      if (may) expect([200, 400, 404, 415], `${name}: ${JSON.stringify(body)}`).toContain(status);
      else expect(status, name).toBe(403);
    });
  });
});

describe('the specification’s roles', () => {
  const allows = (name: RouteName) => PERMISSIONS[name] as 'public' | readonly Role[];
  test('a viewer reads everything but tokens and the audit log, and changes nothing', () => {
    for (const [name, allowed] of routes) {
      if (allowed === 'public') continue;
      const reads = name.startsWith('GET ') && !/tokens|audit|simulated/.test(name);
      expect(allowed.includes('viewer'), name).toBe(reads);
    }
  });
  test('approvers decide exceptions, reviewers policies, authors write them, operators run the house', () => {
    expect(allows('POST /v1/exceptions/{id}/approve')).toEqual(['approver']);
    expect(allows('POST /v1/policies/{name}/reviews')).toEqual(['reviewer']);
    expect(allows('POST /v1/policies/{name}/versions')).toEqual(['author']);
    expect(allows('POST /v1/policies/{name}/submit')).toEqual(['author']);
    for (const word of ['activate', 'deprecate', 'archive'] as const)
      expect(allows(`POST /v1/policies/{name}/${word}`)).toEqual(['operator']);
    for (const word of ['approve', 'postpone', 'cancel', 'retry', 'undo'] as const)
      expect(allows(`POST /v1/remediations/{id}/${word}`)).toEqual(['operator']);
    expect(allows('POST /v1/enforcement/pause')).toEqual(['operator']);
    expect(allows('POST /v1/tokens')).toEqual(['admin']);
  });
});

describe('without a valid token', () => {
  test('every route that is not public answers 401, whatever else is wrong with the request', async () => {
    await together(routes, async ([name, allowed]) => {
      const [method, path] = parts(name);
      for (const token of [null, 'tg_unknown', '']) {
        const answer = await world.ask(method, path, { token });
        // A run task shows a signature of its body in place of a token, so it needs a body.
        if (allowed === 'public') expect(answer.status, name).toBe(name === 'POST /v1/run-tasks' ? 400 : 200);
        else {
          readProblem(answer, 401);
          expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tollgate"');
        }
      }
    });
  });

  test('another scheme, or a token of another length, is 401', async () => {
    for (const authorization of ['Basic abc', 'Bearer', `Bearer ${'x'.repeat(500)}`, 'bearer\ttg_x']) {
      readProblem(await world.ask('GET', '/v1/scans', { token: null, headers: { authorization } }), 401);
    }
  });
});

describe('a token', () => {
  const make = async (body: object) => read(newTokenSchema, await world.ask('POST', '/v1/tokens', { body }), 201);
  const scans = (token: string | null) => world.ask('GET', '/v1/scans', { token });

  test('works in every process as soon as it is made, and in none soon after its end', async () => {
    const { id, token } = await make({ principal: 'nina@company.com', roles: ['viewer'] });
    const other = await world.another();
    expect((await scans(token)).status).toBe(200);
    expect((await other.ask('GET', '/v1/scans', { token })).status).toBe(200);
    const revoked = read(tokenSchema, await world.ask('DELETE', `/v1/tokens/${id}`));
    expect(revoked.revoked_at).not.toBeNull();
    readProblem(await scans(token), 401);
    await until(
      () => other.ask('GET', '/v1/scans', { token }),
      ({ status }) => status === 401,
    );
  });

  test('is refused from its expiry on', async () => {
    const expiry = Date.now() + 3_600_000;
    const { token } = await make({ principal: 'nina@company.com', roles: ['viewer'], expires_at: new Date(expiry).toISOString() });
    expect((await scans(token)).status).toBe(200);
    const later = await world.another({ overrides: { now: () => expiry } });
    expect(readProblem(await later.ask('GET', '/v1/scans', { token }), 401).detail).toContain('expired');
  });

  test('is not made when it would have expired already, nor for Tollgate itself', async () => {
    const body = { principal: 'nina@company.com', roles: ['viewer'] };
    const past = await world.ask('POST', '/v1/tokens', { body: { ...body, expires_at: '2026-01-01T00:00:00Z' } });
    expect(readProblem(past, 400).errors).toEqual([{ path: 'expires_at', message: 'expected an instant in the future' }]);
    const own = await world.ask('POST', '/v1/tokens', { body: { ...body, principal: 'system:scan' } });
    expect(readProblem(own, 400).errors).toEqual([
      {
        path: 'principal',
        message: 'expected the id of a person or a machine; those that begin with `system:` are Tollgate’s own, got `"system:scan"`',
      },
    ]);
  });

  test('is shown once: lists show how it begins, a repeated answer none of it', async () => {
    const headers = { 'idempotency-key': 'make-one' };
    const ask = () => world.ask('POST', '/v1/tokens', { body: { principal: 'olaf@company.com', roles: ['viewer'] }, headers });
    const first = read(newTokenSchema, await ask(), 201);
    const repeat = read(newTokenSchema, await ask(), 201);
    expect(repeat).toEqual({ ...first, token: null });
    const listed = read(pageOf(tokenSchema), await world.ask('GET', '/v1/tokens'));
    expect(listed.items.filter(({ principal }) => principal === 'olaf@company.com')).toHaveLength(1);
    expect(JSON.stringify(listed)).not.toContain(first.token);
    const { rows } = await world.database.pool.query<{ response: string }>('select response from idempotency_keys');
    expect(JSON.stringify(rows)).not.toContain(first.token);
  });

  test('for Tollgate’s own principals is refused', async () => {
    readProblem(await world.ask('POST', '/v1/tokens', { body: { principal: 'system:seed', roles: ['admin'] } }), 400);
  });
});

test('too many requests of one principal are 429, and another’s go on', async () => {
  const { ask } = await world.another({ overrides: { limits: { requestsPerMinute: 3 } } });
  const statuses = [];
  for (let asked = 0; asked < 5; asked++) statuses.push((await ask('GET', '/v1/scans', { as: 'viewer' })).status);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  expect((await ask('GET', '/v1/scans', { as: 'engineer' })).status).toBe(200);
});

test('guessing tokens is slowed down, and those who have one are not', async () => {
  const { ask } = await world.another({ overrides: { limits: { refusalsPerMinute: 2 } } });
  const statuses = [];
  for (const token of ['a', 'b', 'c', 'd']) statuses.push((await ask('GET', '/v1/scans', { token })).status);
  expect(statuses).toEqual([401, 401, 429, 429]);
  expect((await ask('GET', '/v1/scans', { as: 'viewer' })).status).toBe(200);
});
