/**
 * Sends HTTP/1.1 requests over connections that are kept open, one at a time on each, and measures each from its sending to the end of
 * its answer. Raw sockets: it shares its core with the database, and a client library would cost more than the server that is measured.
 */
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  /** Answers of another status than 200. */
  readonly failed: number;
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const requests = load.bodies.map((body) => toRequest(load, body));
  const latencies: number[] = [];
  const state = { next: 0, failed: 0, until: performance.now() + load.seconds * 1_000 };
  const began = performance.now();
  await Promise.all(Array.from({ length: load.connections }, () => drive(load.port, requests, state, latencies)));
  const ms = performance.now() - began;
  const sorted = Float64Array.from(latencies).sort();
  const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    perSecond: (latencies.length * 1_000) / ms,
    p50: percentile(0.5),
    p99: percentile(0.99),
    answers: latencies.length,
    failed: state.failed,
  };
}

function toRequest({ path, headers }: Load, body: string): Buffer {
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': String(Buffer.byteLength(body)) });
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
}

interface State {
  next: number;
  failed: number;
  readonly until: number;
}

/** One connection until the time is over. @throws when it breaks */
function drive(port: number, requests: readonly Buffer[], state: State, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sentAt = 0;
    let missing = -1;
    let head = '';
    const send = () => {
      sentAt = performance.now();
      socket.write(requests[state.next++ % requests.length] as Buffer);
    };
    const done = () => {
      const now = performance.now();
      latencies.push(now - sentAt);
      missing = -1;
      if (now < state.until) return send();
      socket.end();
      resolve();
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (missing >= 0) missing -= chunk.length;
      else {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        if (!head.startsWith('HTTP/1.1 200')) state.failed += 1;
        missing = lengthOf(head.slice(0, end)) - (head.length - end - 4);
        head = '';
      }
      if (missing === 0) done();
    });
  });
}

const LENGTH = /\r\ncontent-length: (\d+)/i;

function lengthOf(head: string): number {
  const length = LENGTH.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without its length: ${head.slice(0, 200)}`);
  return Number(length);
}
