import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { decisionSchema } from '../../src/api/contract/evaluate.js';
import { freePort } from '../../src/local/processes.js';
import { packageRoot } from '../../src/package-root.js';
import { transaction } from '../../src/store/db.js';
import { seedPolicies } from '../../src/store/policy-files.js';
import { createToken } from '../../src/store/tokens.js';
import { createTestDatabase } from '../support/postgres.js';
import { shippedPolicies } from './world.js';

const KILLS = 3;
const ANSWERS_BEFORE_A_KILL = 400;
const CALLERS = 16;

test('every decision that was answered is in the log after the API was killed under load', { timeout: 180_000 }, async () => {
  const database = await createTestDatabase();
  const { pool } = database;
  await transaction(pool, (db) => seedPolicies(db, shippedPolicies(), Date.now()));
  const request = { principal: 'ci@company.com', roles: ['deployer'] as const, expiresAt: null, createdBy: 'system:test', at: Date.now() };
  const { token } = await transaction(pool, (db) => createToken(db, request));
  const answered = new Map<string, string>();

  for (let kill = 1; kill <= KILLS; kill += 1) {
    const { url, server } = await launch(database.connectionString);
    const exited = once(server, 'exit');
    const call = async (): Promise<void> => {
      for (;;) {
        const text = await ask(url, token).catch(() => undefined);
        if (text === undefined) return;
        answered.set(decisionSchema.parse(JSON.parse(text)).decision_id, text);
        if (answered.size >= kill * ANSWERS_BEFORE_A_KILL) server.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    await exited;
  }

  expect(answered.size).toBeGreaterThanOrEqual(KILLS * ANSWERS_BEFORE_A_KILL);
  const { rows } = await pool.query<{ id: string; result: string }>('select id, result from decisions');
  const logged = new Map(rows.map(({ id, result }) => [id, result]));
  for (const [id, text] of answered) expect(logged.get(id), id).toBe(text);
  await database.drop();
});

async function launch(connectionString: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const port = await freePort();
  const env = {
    ...process.env,
    DATABASE_URL: connectionString,
    // Nothing listens there: the gate does not need it.
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    TOLLGATE_PORT: String(port),
    TOLLGATE_DATA_DIR: join(inject('runDirectory'), 'durability'),
    TOLLGATE_LOG_LEVEL: 'error',
  };
  const file = join(packageRoot, 'src', 'server.ts');
  const server = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: packageRoot,
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(server, 'message');
  return { url: `http://127.0.0.1:${port}/v1/evaluate`, server };
}

async function ask(url: string, token: string): Promise<string> {
  const resource = {
    type: 'compute/instance',
    name: 'web-1',
    namespace: 'production',
    tags: { owner: 'dana@company.com' },
    specs: { vcpus: 32 },
  };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(resource) });
  expect(response.status).toBe(200);
  return response.text();
}
