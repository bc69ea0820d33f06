/** Requests that are mutated documents, and what comes back. */
import { Agent, request } from 'node:http';
import { createRandom, type Random } from '../support/random.js';
import { type Door, signatureOf } from './doors.js';
import { encode, mutateText } from './mutate.js';

export interface Shot {
  readonly number: number;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

const VALUES = [
  '',
  'true',
  '%00',
  '%ff',
  '%',
  '%zz',
  '..%2f..',
  '%F0%9F%92%A9',
  '9'.repeat(300),
  '1e999',
  '__proto__',
  '%ED%A0%80',
  'a&a=b',
  '%22',
];

function queryOf({ queries }: Door, random: Random): string {
  if (random.next() > 0.1) return '';
  const key = random.pick([...(queries ?? []), 'zzz', '__proto__', '%00', 'a[b]']);
  return `?${key}=${random.pick(VALUES)}`;
}

/** The same for a number each time. */
export function shotOf(doors: readonly Door[], number: number): Shot {
  const random = createRandom(number);
  const door = byWeight(doors, random);
  const { bytes, headers } = encode(mutateText(random.pick(door.texts), random), random);
  const shown = random.next() < 0.9 ? door.headersFor?.(bytes) : { 'x-tfc-task-signature': signatureOf(Buffer.from('another')) };
  return { number, path: door.path + queryOf(door, random), bytes, headers: { 'content-type': door.contentType, ...shown, ...headers } };
}

function byWeight(doors: readonly Door[], random: Random): Door {
  let left = random.next() * doors.reduce((sum, { weight }) => sum + weight, 0);
  return doors.find(({ weight }) => (left -= weight) < 0) ?? (doors[0] as Door);
}

export interface Hit {
  readonly status: number;
  readonly ms: number;
  readonly type: string;
  readonly text: string;
}

export interface Gun {
  readonly fire: (shot: Shot) => Promise<Hit>;
  readonly close: () => void;
}

/** Node's own client costs half of what `fetch` does, and sends what it is told. */
export function createGun(url: string, token: string): Gun {
  const agent = new Agent({ keepAlive: true });
  const fire = ({ path, bytes, headers }: Shot): Promise<Hit> =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const sent = { authorization: `Bearer ${token}`, 'content-length': String(bytes.length), ...headers };
      const req = request(url + path, { method: 'POST', agent, headers: sent }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: res.statusCode ?? 0, ms: performance.now() - began, type: res.headers['content-type'] ?? '', text });
        });
      });
      req.on('error', reject);
      req.end(bytes);
    });
  return { fire, close: () => agent.destroy() };
}

export const ANSWER_WITHIN_MS = 1_000;
const TRIES_ALONE = 3;

/** What the process works, in ms: on a busy machine an answer waits for its turn, and that is not the input's fault. */
export function workedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Many requests at once wait for each other; alone a request has only itself to blame. The server is in this process: it is late when
 * both the clock and the work done say so, three times.
 */
export async function isLateAlone(gun: Gun, shot: Shot): Promise<boolean> {
  for (let time = 0; time < TRIES_ALONE; time += 1) {
    const before = workedMs();
    const { ms } = await gun.fire(shot);
    if (Math.min(ms, workedMs() - before) <= ANSWER_WITHIN_MS) return false;
  }
  return true;
}
