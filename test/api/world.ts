/** A running API on a port of its own, on a real database and a real Temporal, with a token for every role. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { expect } from 'vitest';
import type { z } from 'zod';
import { createActivities } from '../../src/activities/index.js';
import { createApp } from '../../src/api/app.js';
import { problemSchema } from '../../src/api/contract/problem.js';
import { isPlainDecision, writeDecisionFacts } from '../../src/api/decision-facts.js';
import type { AppDeps } from '../../src/api/deps.js';
import { createSettler } from '../../src/api/settle.js';
import { createCatalog, priceOfRequest } from '../../src/cloud/catalog/catalog.js';
import { createSimulatedAdmin } from '../../src/cloud/simulated/admin.js';
import * as bodies from '../../src/cloud/simulated/admin-bodies.js';
import { createSimulatedProvider } from '../../src/cloud/simulated/provider.js';
import { defaultSettings } from '../../src/config/settings-file.js';
import { packageRoot } from '../../src/package-root.js';
import type { Directory } from '../../src/policy/directory.js';
import { ROLES, type Role } from '../../src/policy/house-records.js';
import { type PolicyDocument, parsePolicies } from '../../src/policy/parse.js';
import { createDocumentPool } from '../../src/runtime/document-pool.js';
import { createBudgetSessions } from '../../src/store/budget-ledger.js';
import { createPool, transaction } from '../../src/store/db.js';
import { createDecisionLog } from '../../src/store/decision-log.js';
import { seedPolicies } from '../../src/store/policy-files.js';
import { createSnapshot } from '../../src/store/snapshot.js';
import { createToken } from '../../src/store/tokens.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connectTestTemporal, type TestTemporal, workflowBundle } from '../support/temporal.js';

export const TASK_QUEUE = 'tollgate';
export const catalog = createCatalog();

export const directory: Directory = {
  people: [
    { id: 'engineer@company.com', manager: 'manager@company.com', teams: ['CC-001234'] },
    { id: 'manager@company.com', teams: [] },
  ],
  groups: { finops: ['finops@company.com'], security: ['approver@company.com'] },
  owners: { team: ['tag:cost-center'], owner: ['tag:owner'], fallback: ['finops'] },
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; a text where the answer is none. */
  readonly body: unknown;
}

export interface Ask {
  readonly as?: Role;
  readonly token?: string | null;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface World {
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly client: Client;
  readonly url: string;
  readonly tokens: Readonly<Record<Role, string>>;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** Another API process, as far as the first can tell, on the same database. */
  another(options?: ApiOptions): Promise<Api>;
  close(): Promise<void>;
}

export interface Api {
  readonly url: string;
  readonly deps: AppDeps;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  close(): Promise<void>;
}

export interface ApiOptions {
  readonly connectionString?: string;
  /** Where nothing listens: Temporal is away. */
  readonly temporalAddress?: string;
  /** @default 2 s, so that tests of a database that is away need not wait */
  readonly queryTimeoutMs?: number;
  readonly overrides?: Partial<AppDeps>;
}

export interface WorldOptions {
  /** @default true */
  readonly worker?: boolean;
  /** @default those that are shipped */
  readonly policies?: readonly PolicyDocument[];
}

export async function createWorld({ worker = true, policies = shippedPolicies() }: WorldOptions = {}): Promise<World> {
  const database = await createTestDatabase();
  const temporal = await connectTestTemporal();
  const { pool } = database;
  await transaction(pool, (db) => seedPolicies(db, policies, Date.now()));
  const tokens = await makeTokens(database);
  const stopWorker = worker ? await startWorker(database, temporal) : async () => {};
  const start = (options: ApiOptions = {}) => startApi(database, temporal, tokens, options);
  const api = await start();
  const others: Api[] = [];
  return {
    database,
    temporal,
    client: temporal.client,
    url: api.url,
    tokens,
    ask: api.ask,
    async another(options) {
      const made = await start(options);
      others.push(made);
      return made;
    },
    async close() {
      await Promise.all([api, ...others].map((one) => one.close()));
      await stopWorker();
      await temporal.close();
      await database.drop();
    },
  };
}

export function shippedPolicies(): readonly PolicyDocument[] {
  const folder = join(packageRoot, 'policies');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && !file.endsWith('.test.yaml'));
  return files.flatMap((file) => {
    return parsePolicies(readFileSync(join(folder, file), 'utf8'), file).documents;
  });
}

async function makeTokens({ pool }: TestDatabase): Promise<Record<Role, string>> {
  const tokens: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const request = { principal: `${role}@company.com`, roles: [role], expiresAt: null, createdBy: 'system:test', at: Date.now() };
    tokens[role] = (await transaction(pool, (db) => createToken(db, request))).token;
  }
  return tokens as Record<Role, string>;
}

async function startWorker({ pool }: TestDatabase, { nativeConnection, namespace, client }: TestTemporal): Promise<() => Promise<void>> {
  const provider = createSimulatedProvider({ pool, catalog });
  const worker = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    activities: createActivities({
      pool,
      temporal: client,
      taskQueue: TASK_QUEUE,
      providers: { names: [provider.name], get: () => provider },
      channels: new Map([['console', { name: 'console', deliver: async () => {} }]]),
      settings: defaultSettings(),
      directory,
      now: Date.now,
      log: silent,
    }),
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

/** What the log says of requests that failed with 5xx. */
const faults: object[] = [];

export const silent = { info: () => {}, warn: () => {}, error: () => {} };

async function startApi(
  database: TestDatabase,
  temporal: TestTemporal,
  tokens: Readonly<Record<Role, string>>,
  options: ApiOptions,
): Promise<Api> {
  const pool = createPool({
    connectionString: options.connectionString ?? database.connectionString,
    applicationName: 'test api',
    queryTimeoutMs: options.queryTimeoutMs ?? 2_000,
    onError: () => {},
  });
  const snapshot = createSnapshot(pool);
  const decisionLog = createDecisionLog(pool, {
    alsoWrite: writeDecisionFacts,
    isPlain: isPlainDecision,
    settle: createSettler(createBudgetSessions(defaultSettings().budgets)),
  });
  const address = options.temporalAddress ?? temporal.address;
  const connection = Connection.lazy({ address });
  const provider = createSimulatedProvider({ pool, catalog });
  const documents = createDocumentPool();
  const deps: AppDeps = {
    pool,
    snapshot,
    decisionLog,
    temporal: {
      client: new Client({ connection, namespace: temporal.namespace }),
      taskQueue: TASK_QUEUE,
      address,
    },
    settings: defaultSettings(),
    directory,
    price: priceOfRequest(catalog),
    lookup: catalog.lookup,
    readDocument: documents.read,
    readOpaBody: documents.readOpaBody,
    offers: (region) => provider.offers(region),
    providers: [provider.name],
    simulated: { admin: (db) => createSimulatedAdmin(db, { catalog }), bodies },
    now: Date.now,
    log: { ...silent, error: (fields) => void faults.push(fields) },
    temporalUiUrl: 'http://127.0.0.1:8233',
    version: '0.0.0-test',
    ...options.overrides,
  };
  await snapshot.start();
  const server = createServer(createApp(deps));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    deps,
    ask: (method, path, ask = {}) => send(url, tokens, method, path, ask),
    async close() {
      server.close();
      server.closeAllConnections();
      await decisionLog.close();
      await snapshot.stop();
      await connection.close();
      await pool.end();
    },
  };
}

async function send(url: string, tokens: Readonly<Record<Role, string>>, method: string, path: string, ask: Ask): Promise<Answer> {
  const token = ask.token === undefined ? tokens[ask.as ?? 'admin'] : ask.token;
  const payload = ask.raw ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body));
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...ask.headers,
    },
    ...(payload === undefined ? {} : { body: payload }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** The body as the contract describes it. Fails for another status, and for anything that the contract does not name. */
export function read<S extends z.ZodType>(schema: S, answer: Answer, status = 200): z.output<S> {
  expect(answer.status, JSON.stringify([answer.body, answer.status === 500 ? faults.at(-1) : null])).toBe(status);
  const body = schema.parse(answer.body);
  expect(body).toEqual(answer.body);
  return body;
}

/** The problem that an answer is. */
export function readProblem(answer: Answer, status: number): z.output<typeof problemSchema> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = read(problemSchema, answer, status);
  expect(problem.status).toBe(status);
  return problem;
}

/** Does the same with each, ten at a time: most of a request is waiting. */
export async function together<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 10 }, next));
}

/** Asks again until `good`, for as long as the test's own timeout allows. */
export async function until<T>(look: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (good(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
