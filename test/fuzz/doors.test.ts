/** Bad input at every door: an answer that says what is wrong, soon, and nothing else. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../api/world.js';
import { type Door, doorsFor, RUN_TASK_KEY } from './doors.js';
import { ANSWER_WITHIN_MS, createGun, type Gun, type Hit, isLateAlone, type Shot, shotOf } from './shots.js';

const REQUESTS = 16_000;
const AT_ONCE = 16;

let world: World;
let doors: readonly Door[];
let gun: Gun;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const limits = { requestsPerMinute: 10_000_000, evaluationsPerMinute: 10_000_000, refusalsPerMinute: 10_000_000 };
  const api = await world.another({ overrides: { limits, runTaskKey: RUN_TASK_KEY } });
  const { body } = await api.ask('POST', '/v1/evaluate', { body: { type: 'compute/instance', specs: { vcpus: 2 } } });
  doors = doorsFor((body as { readonly decision_id: string }).decision_id);
  gun = createGun(api.url, world.tokens.admin);
});
afterAll(async () => {
  gun.close();
  await world.close();
});

const pathOf = ({ path }: { readonly path: string }) => path.split('?')[0] ?? path;
const nameOf = (shot: Shot) => `request ${shot.number} to ${shot.path}`;

function complaintOf(shot: Shot, { status, type, text }: Hit): string | undefined {
  if (status >= 500) return `${nameOf(shot)}: ${status} ${text.slice(0, 300)}`;
  if (status === 429) return `${nameOf(shot)}: counted, and so not tried`;
  if (status !== 200 && text !== '' && !/json/.test(type)) return `${nameOf(shot)}: ${status} as ${type}`;
  if (/\bat .*\.(js|ts):\d+/.test(text)) return `${nameOf(shot)}: a stack trace`;
  if (text.includes('"polluted"')) return `${nameOf(shot)}: gave \`__proto__\` back`;
  return undefined;
}

interface Report {
  readonly complaints: string[];
  readonly slow: Shot[];
  /** Statuses by path. */
  readonly seen: Map<string, Set<number>>;
}

async function bombard(from: number, to: number, { complaints, slow, seen }: Report): Promise<void> {
  let next = from;
  const shoot = async () => {
    while (next < to) {
      const shot = shotOf(doors, next++);
      const hit = await gun.fire(shot).catch((error: unknown): Hit => ({ status: 599, ms: 0, type: '', text: String(error) }));
      const complaint = complaintOf(shot, hit);
      if (complaint !== undefined) complaints.push(complaint);
      if (hit.ms > ANSWER_WITHIN_MS) slow.push(shot);
      const statuses = seen.get(pathOf(shot)) ?? new Set<number>();
      seen.set(pathOf(shot), statuses.add(hit.status));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, shoot));
}

async function thoseSlowAlone(shots: readonly Shot[]): Promise<readonly string[]> {
  const slow: string[] = [];
  for (const shot of shots) if (await isLateAlone(gun, shot)) slow.push(`${nameOf(shot)}: slow`);
  return slow;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryMb(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1024 / 1024;
}

test(`${REQUESTS} mutated requests over all doors: never a 5xx, never a late answer, and memory stays flat`, {
  timeout: 300_000,
}, async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const report: Report = { complaints: [], slow: [], seen: new Map() };
  const warm = REQUESTS / 4;
  await bombard(0, warm, report);
  const before = memoryMb();
  await bombard(warm, REQUESTS, report);
  const grown = memoryMb() - before;
  const slow = await thoseSlowAlone(report.slow);
  process.off('unhandledRejection', note);
  expect([...report.complaints, ...slow]).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  // What is remembered is bounded: caches of patterns, types and messages have filled up in the first quarter.
  expect(grown).toBeLessThan(64);
  for (const [path, statuses] of report.seen) expect([...statuses], `${path} refuses`).toContain(400);
  for (const [path, statuses] of report.seen) expect(statuses.has(200) || statuses.has(201), `${path} also takes what is good`).toBe(true);
  expect((await world.ask('GET', '/healthz')).status).toBe(200);
});
