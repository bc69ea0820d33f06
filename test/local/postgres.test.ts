import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type RunningPostgres, startPostgres, withClient } from '../../src/local/postgres.js';
import { isRunning, stopProcess } from '../../src/local/processes.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const isRoot = process.getuid?.() === 0;
const starter = fileURLToPath(new URL('start-postgres.ts', import.meta.url));

async function start(directory: string): Promise<RunningPostgres> {
  const server = await startPostgres({ directory, durable: false });
  onTestFinished(() => server.stop());
  return server;
}

const query = (url: string, sql: string) => withClient(url, async (client) => (await client.query(sql)).rows as unknown[]);

/** Starts a server in a process of its own, which stays until it is killed. */
async function startElsewhere(directory: string, as: { uid?: number; gid?: number } = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', starter, directory], {
    ...as,
    env: { ...process.env, HOME: directory, TMPDIR: directory },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout }))
    return { child, ...(JSON.parse(line) as { pid: number; url: string }) };
  throw new Error('the process ended without a server');
}

async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((next) => setTimeout(next, 20));
}

test('a server takes nobody without its password, keeps it to its owner, and speaks UTF-8', async () => {
  const directory = temporaryDirectory();
  const url = await (await start(directory)).database('tollgate');
  const settings = `select current_setting('server_encoding') as encoding, current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets`;
  expect(await query(url, settings)).toEqual([{ encoding: 'UTF8', addresses: '127.0.0.1', sockets: '' }]);
  const wrong = new URL(url);
  wrong.password = 'password';
  await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
  expect(statSync(join(directory, 'postgres-password')).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'postgres')).mode & 0o777).toBe(0o700);
});

test('data, password and port survive a stop and a start', async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const url = await first.database('tollgate');
  await query(url, 'create table kept (n int); insert into kept values (7)');
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);
  const second = await start(directory);
  expect(await second.database('tollgate')).toBe(url);
  expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }]);
});

test('after kill -9 of the server the next start has every committed row', async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await query(await first.database('tollgate'), 'create table kept (n int); insert into kept values (7)');
  await stopProcess(first.pid, 'SIGKILL', 0);
  const second = await start(directory);
  expect(second.pid).not.toBe(first.pid);
  expect(await query(await second.database('tollgate'), 'select n from kept')).toEqual([{ n: 7 }]);
});

test('a server that runs on the directory is taken over, not started twice', async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const second = await start(directory);
  expect(second).toMatchObject({ origin: 'attached', pid: first.pid, port: first.port });
});

test('a pid file that names somebody else does not hinder a start', async () => {
  const directory = temporaryDirectory();
  await (await start(directory)).stop();
  writeFileSync(join(directory, 'postgres/postmaster.pid'), `${process.pid}\n${directory}\n0\n1\n`);
  const again = await start(directory);
  expect(again.pid).not.toBe(process.pid);
});

test('a server on the same data that does not answer is neither replaced nor robbed of its pid file', async () => {
  const directory = temporaryDirectory();
  const server = await start(directory);
  process.kill(server.pid, 'SIGSTOP');
  try {
    const second = startPostgres({ directory, durable: false, takeOverWithinMs: 100 });
    await expect(second).rejects.toThrow(`PostgreSQL (process ${server.pid}) runs on`);
    expect(existsSync(join(directory, 'postgres/postmaster.pid'))).toBe(true);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
});

test('what a killed initdb left behind does not hinder a start', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'postgres.unfinished/base'), { recursive: true });
  writeFileSync(join(directory, 'postgres.unfinished/PG_VERSION'), '18\n');
  const server = await start(directory);
  expect(await query(await server.database('tollgate'), 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(readdirSync(directory)).not.toContain('postgres.unfinished');
});

test('a server dies with the process that started it, also by kill -9', async () => {
  const { child, pid } = await startElsewhere(temporaryDirectory());
  expect(isRunning(pid)).toBe(true);
  child.kill('SIGKILL');
  await untilGone(pid);
});

test.skipIf(!isRoot)('an ordinary user can start one', async () => {
  const directory = join(temporaryDirectory(), 'own');
  mkdirSync(directory);
  const nobody = 65_534;
  const { chownSync } = await import('node:fs');
  chownSync(directory, nobody, nobody);
  const { child, pid, url } = await startElsewhere(directory, { uid: nobody, gid: nobody });
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(statSync(join(directory, 'postgres')).uid).toBe(nobody);
  child.kill('SIGTERM');
  await untilGone(pid);
});

test.skipIf(!isRoot)('root can start one below a directory that no other user may enter', async () => {
  const closed = join(temporaryDirectory(), 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const server = await start(join(closed, 'data'));
  const outside = realpathSync(join(closed, 'data/postgres'));
  onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
  expect(dirname(outside)).toBe('/var/lib/tollgate');
  const url = await server.database('tollgate');
  await query(url, 'create table kept (n int); insert into kept values (7)');
  await server.stop();
  expect(await query(await (await start(join(closed, 'data'))).database('tollgate'), 'select n from kept')).toEqual([{ n: 7 }]);
  expect(existsSync(join(outside, 'data/PG_VERSION'))).toBe(true);
});
