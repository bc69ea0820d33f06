/** HTTP as it should not be, byte by byte: the lean listener and Express answer alike, and go on answering others. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMounts } from '../../src/api/app.js';
import { createServers } from '../support/listening.js';
import { createWorld, type World } from './world.js';

let world: World;
let ports: readonly [lean: number, express: number];
const { listen, close } = createServers();
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const mounts = createMounts((await world.another()).deps);
  ports = [await listen(mounts.all), await listen(mounts.express)];
});
afterAll(async () => {
  close();
  await world.close();
});

/** All that comes back until the server or, by `connection: close`, the request ends it. */
function exchange(port: number, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    // not ended: whoever ends its half is taken to have gone
    socket.write(sent);
  });
}

const BODY = '{"type":"compute/instance","specs":{"vcpus":2}}';

interface Written {
  readonly line?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly isLast?: boolean;
}

function write({ line = 'POST /v1/evaluate HTTP/1.1', headers, body = BODY, isLast = true }: Written): string {
  const own = headers ?? [`content-length: ${body.length}`];
  const all = ['host: a', 'content-type: application/json', `authorization: Bearer ${world.tokens.deployer}`, ...own];
  return `${[line, ...all, ...(isLast ? ['connection: close'] : [])].join('\r\n')}\r\n\r\n${body}`;
}

const chunked = (trailers: string) => `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${trailers}\r\n`;
const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** Statuses in order; none where the server says nothing to who has gone. */
const TABLE: Readonly<Record<string, readonly [statuses: readonly number[], () => string]>> = {
  'a whole request': [[200], () => write({})],
  'HTTP/1.0': [[200], () => write({ line: 'POST /v1/evaluate HTTP/1.0' })],
  'two requests at once': [[200, 200], () => write({ isLast: false }) + write({})],
  'a bad request before a good one': [[400, 200], () => write({ body: '{', isLast: false }) + write({})],
  'a refused request before a good one': [
    [415, 200],
    () =>
      write({ headers: ['content-type: text/x', `content-length: ${BODY.length}`], isLast: false }).replace(
        'content-type: application/json\r\n',
        '',
      ) + write({}),
  ],
  'chunks with trailers': [[200], () => write({ headers: ['transfer-encoding: chunked'], body: chunked('x-late: 1\r\n') })],
  'a chunk that is none': [[400], () => write({ headers: ['transfer-encoding: chunked'], body: 'zz\r\n' })],
  'both a length and chunks': [[400], () => write({ headers: ['content-length: 5', 'transfer-encoding: chunked'], body: chunked('') })],
  'two lengths': [[400], () => write({ headers: ['content-length: 5', 'content-length: 6'] })],
  'a negative length': [[400], () => write({ headers: ['content-length: -1'] })],
  'a length that is too short': [[400], () => write({ headers: ['content-length: 10'] })],
  'Expect: 100-continue': [[100, 200], () => write({ headers: [`content-length: ${BODY.length}`, 'expect: 100-continue'] })],
  'an Expect that nobody knows': [[417], () => write({ headers: [`content-length: ${BODY.length}`, 'expect: 200-maybe'] })],
  'an upgrade that is not offered': [
    [200],
    () => write({ headers: [`content-length: ${BODY.length}`, 'upgrade: h2c'] }).replace('connection: close', 'connection: close, upgrade'),
  ],
  'headers of 20 kB': [[431], () => write({ headers: [`content-length: ${BODY.length}`, `x-long: ${'x'.repeat(20_000)}`] })],
  'a path of 20 kB': [[431], () => write({ line: `POST /v1/evaluate?${'x'.repeat(20_000)} HTTP/1.1` })],
  '1,500 headers': [
    [200],
    () => write({ headers: [`content-length: ${BODY.length}`, ...Array.from({ length: 1_500 }, (_, at) => `a${at}:b`)] }),
  ],
  'a header without a colon': [[400], () => write({ headers: ['nonsense'] })],
  'no host': [[400], () => write({}).replace('host: a\r\n', '')],
  'a method that there is none of': [[400], () => write({ line: 'BREW /v1/evaluate HTTP/1.1' })],
  'a whole address in place of the path': [[200], () => write({ line: 'POST http://a/v1/evaluate HTTP/1.1' })],
  'a broken escape in the path': [[400], () => write({ line: 'POST /v1/admission/%zz HTTP/1.1' })],
  'half a character in the path': [[400], () => write({ line: 'POST /v1/admission/%ff HTTP/1.1' })],
  'a broken escape in the query': [[400], () => write({ line: 'POST /v1/evaluate/terraform?namespace=%zz HTTP/1.1' })],
  'bytes of TLS': [[400], () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
};

test.each(Object.entries(TABLE))('%s is answered alike', async (_, [statuses, written]) => {
  const answers = await Promise.all(ports.map((port) => exchange(port, written())));
  for (const answer of answers) expect(statusesOf(answer), answer.slice(0, 600)).toEqual(statuses);
});

test('who goes away in the middle of a request is nobody’s trouble', async () => {
  for (const port of ports) {
    const whole = write({ headers: ['content-length: 1000'] });
    for (const length of [1, 20, 60, whole.length - 5, whole.length]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(whole.slice(0, length));
      socket.destroy();
      await once(socket, 'close');
    }
    expect(statusesOf(await exchange(port, write({})))).toEqual([200]);
  }
});

test('a body that does not come whole in time is refused, and its connection ended', async () => {
  const mounts = createMounts({ ...(await world.another()).deps, limits: { bodyMs: 50 } });
  for (const mount of [mounts.all, mounts.express]) {
    const sent = write({ headers: [`content-length: ${BODY.length + 1}`], isLast: false });
    const answer = await exchange(await listen(mount), sent);
    expect(statusesOf(answer)).toEqual([408]);
    expect(answer).toContain('the request body did not come within 1 s');
  }
});
