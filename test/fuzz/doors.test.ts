/** Bad input at every door: an answer that says what is wrong, soon, and nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { type Api, createWorld, type World } from '../api/world.js';
import { encode, mutateText } from './mutate.js';
import { createRandom, type Random } from './random.js';

const REQUESTS = 16_000;
const AT_ONCE = 16;
const ANSWER_WITHIN_MS = 1_000;

interface Seed {
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

const folder = (path: string, name: string): readonly Seed[] => {
  const directory = join(packageRoot, 'test/fixtures', name);
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ path, contentType: 'application/json', text: readFileSync(join(directory, file), 'utf8') }))
    .filter(({ text }) => text.length < 60_000);
};
const request = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  account: '111122223333',
  region: 'us-east-1',
  tags: { 'cost-center': 'CC-001234', environment: 'test', owner: 'dana@company.com' },
  specs: { vcpus: 32, memory_gb: 128, instance_family: 'gpu', instance_type: 'p3.8xlarge' },
  cost: { hourly: '3.84', monthly: '2803.20', currency: 'USD' },
  idempotency_key: 'build-8841',
  dry_run: false,
};
const seed = (path: string, body: object): Seed => ({ path, contentType: 'application/json', text: JSON.stringify(body) });
const policies = readdirSync(join(packageRoot, 'policies'))
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('.test.yaml'))
  .map((file) => readFileSync(join(packageRoot, 'policies', file), 'utf8'));

/** So many of each door as its weight says, whatever the number of its documents. */
const SEEDS: readonly (readonly Seed[])[] = [
  [seed('/v1/evaluate', request)],
  [
    seed('/v1/evaluate', {
      resources: [request, { type: 'storage/volume', address: 'a.b', specs: { size_gb: 100 } }].map(({ ...one }) => without(one)),
    }),
  ],
  folder('/v1/evaluate/terraform', 'terraform-plans'),
  folder('/v1/evaluate/infracost', 'infracost'),
  folder('/v1/evaluate/cloudformation', 'cloudformation'),
  folder('/v1/evaluate/pulumi', 'pulumi'),
  folder('/v1/admission', 'admission'),
  folder('/v1/run-tasks', 'run-tasks'),
  [seed('/v1/data/tollgate/evaluate', { input: request })],
  policies.map((text) => ({ path: '/v1/policies/validate', contentType: 'application/yaml', text })),
];

function without({ idempotency_key: _key, dry_run: _dry, ...resource }: Record<string, unknown>): Record<string, unknown> {
  return resource;
}

let world: World;
let api: Api;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const limits = { requestsPerMinute: 10_000_000, evaluationsPerMinute: 10_000_000, refusalsPerMinute: 10_000_000 };
  api = await world.another({ overrides: { limits } });
});
afterAll(() => world.close());

interface Shot {
  readonly number: number;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

function shotOf(number: number): Shot {
  const random: Random = createRandom(number);
  const { path, contentType, text } = random.pick(random.pick(SEEDS));
  const { bytes, headers } = encode(mutateText(text, random), random);
  return { number, path, bytes, headers: { 'content-type': contentType, ...headers } };
}

interface Hit {
  readonly status: number;
  readonly ms: number;
  readonly type: string;
  readonly text: string;
}

async function fire({ path, bytes, headers }: Shot): Promise<Hit> {
  const began = performance.now();
  const authorization = `Bearer ${world.tokens.admin}`;
  const response = await fetch(api.url + path, { method: 'POST', headers: { authorization, ...headers }, body: bytes });
  const text = await response.text();
  return { status: response.status, ms: performance.now() - began, type: response.headers.get('content-type') ?? '', text };
}

/** Slow once may be the machine's fault; slow again, alone, is the input's. */
async function isSlow(shot: Shot, { ms }: Hit): Promise<boolean> {
  return ms > ANSWER_WITHIN_MS && (await fire(shot)).ms > ANSWER_WITHIN_MS;
}

async function complaintOf(shot: Shot): Promise<string | undefined> {
  const hit = await fire(shot);
  const what = `request ${shot.number} to ${shot.path}`;
  if (hit.status >= 500) return `${what}: ${hit.status} ${hit.text.slice(0, 300)}`;
  if (hit.status !== 200 && hit.status !== 413 && hit.text !== '' && !/json/.test(hit.type)) return `${what}: ${hit.status} as ${hit.type}`;
  if (/\bat .*\.(js|ts):\d+/.test(hit.text)) return `${what}: a stack trace`;
  if (hit.text.includes('polluted')) return `${what}: gave \`__proto__\` back`;
  if (await isSlow(shot, hit)) return `${what}: slow`;
  return undefined;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

async function bombard(from: number, to: number): Promise<readonly string[]> {
  const complaints: string[] = [];
  let next = from;
  const gun = async () => {
    while (next < to) {
      const complaint = await complaintOf(shotOf(next++));
      if (complaint !== undefined) complaints.push(complaint);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, gun));
  return complaints;
}

test(`${REQUESTS} mutated requests over all doors: never a 5xx, never a late answer, and memory stays flat`, {
  timeout: 300_000,
}, async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const warm = Math.floor(REQUESTS / 4);
  const first = await bombard(0, warm);
  const before = heapMb();
  const rest = await bombard(warm, REQUESTS);
  const grown = heapMb() - before;
  process.off('unhandledRejection', note);
  expect([...first, ...rest]).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  // What is remembered is bounded: caches of patterns, types and messages have filled up in the first quarter.
  expect(grown).toBeLessThan(64);
  expect((await world.ask('GET', '/healthz')).status).toBe(200);
});
