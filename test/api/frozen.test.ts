/** A database that hangs as a host does: connections stay open, and nothing that is asked is answered. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { PERMISSIONS, type RouteName } from '../../src/api/permissions.js';
import { startPostgres } from '../../src/local/postgres.js';
import { createPool, transaction } from '../../src/store/db.js';
import { migrate } from '../../src/store/migrate.js';
import { seedPolicies } from '../../src/store/policy-files.js';
import { createToken } from '../../src/store/tokens.js';
import { freezeServer } from '../support/freeze.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { pathToNothing } from './document.js';
import { type Api, createWorld, readProblem, shippedPolicies, together, until, type World } from './world.js';

/** As in production, where reports may take long. */
const QUERY_TIMEOUT_MS = 20_000;
/** Far less than that: whoever waits for the statement is too late. */
const PATIENCE_MS = 15_000;

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

/** The gate answers without the database, and a budget of no policy is not looked for there. */
const ASKED_ELSEWHERE = /^GET \/v1\/(data|budgets)\/\{/;
const web = {
  type: 'compute/instance',
  name: 'web-1',
  account: '111122223333',
  tags: { 'cost-center': 'CC-001234', environment: 'staging', owner: 'dana@company.com', project: 'web' },
  specs: { vcpus: 4, memory_gb: 16, instance_family: 'general-purpose' },
  cost: { monthly: '70.08' },
};
const reads = (Object.keys(PERMISSIONS) as RouteName[]).filter(
  (name) => name.startsWith('GET ') && PERMISSIONS[name] !== 'public' && !ASKED_ELSEWHERE.test(name),
);

function askRead(api: Api, token: string, name: RouteName) {
  const query = name === 'GET /v1/policies/{name}/diff' ? '?from=1.0.0&to=2.0.0' : '';
  return api.ask('GET', pathToNothing(name.slice('GET '.length)) + query, { token });
}

/** An API on a PostgreSQL of its own, with as many connections open and idle as its pool may have. */
async function ownApi() {
  const server = await startPostgres({ directory: temporaryDirectory(), durable: false });
  onTestFinished(() => server.stop());
  const connectionString = await server.database('tollgate');
  await migrate(connectionString);
  const pool = createPool({ connectionString, applicationName: 'test', onError: () => {} });
  await transaction(pool, (db) => seedPolicies(db, shippedPolicies(), Date.now()));
  const request = { principal: 'admin@company.com', roles: ['admin'] as const, expiresAt: null, createdBy: 'system:test', at: Date.now() };
  const { token } = await transaction(pool, (db) => createToken(db, request));
  await pool.end();
  const api = await world.another({ connectionString, queryTimeoutMs: QUERY_TIMEOUT_MS });
  await together(
    Array.from({ length: 10 }, (_, index) => index),
    async () => void (await api.ask('GET', '/v1/decisions', { token })),
  );
  const freeze = () => {
    const thaw = freezeServer(server.pid);
    onTestFinished(thaw);
    return thaw;
  };
  return { api, token, freeze };
}

test('a read of a frozen database is 503 as soon as it is known to be away, whichever connection it got', async () => {
  const { api, token, freeze } = await ownApi();
  const thaw = freeze();
  await withPatience(
    Promise.all(
      reads.map(async (name) => {
        const { detail } = readProblem(await askRead(api, token, name), 503);
        expect(detail, name).toBe('the database cannot be reached');
      }),
    ),
  );
  thaw();
  await until(
    () => api.ask('GET', '/v1/decisions', { token }),
    ({ status }) => status === 200,
  );
});

test('questions that are only looked at are answered from memory by the gate, whatever the method', async () => {
  const { api, token, freeze } = await ownApi();
  const asked = { ...web, dry_run: true };
  freeze();
  const [read, posted] = await withPatience(
    Promise.all([
      api.ask('GET', `/v1/data/tollgate/evaluate?input=${encodeURIComponent(JSON.stringify(web))}`, { token }),
      api.ask('POST', '/v1/evaluate', { token, body: asked }),
    ]),
  );
  expect(read).toMatchObject({ status: 200, body: { result: { degraded: true, unknowns: [{ policy_name: 'team-budgets' }] } } });
  expect(posted).toMatchObject({ status: 200, body: { degraded: true, unknowns: [{ policy_name: 'team-budgets' }] } });
});

async function withPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
